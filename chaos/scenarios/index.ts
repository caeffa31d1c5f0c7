/** Every scenario there is: a flow adds its file and a line here. */
import type { Scenario } from '../scenario.ts';
import { games } from './games.ts';
import { instant } from './instant.ts';
import { market } from './market.ts';
import { merchantPayout } from './merchantPayout.ts';
import { providerPayout } from './providerPayout.ts';

export const SCENARIOS: readonly Scenario[] = [merchantPayout, providerPayout, games, market, instant];
