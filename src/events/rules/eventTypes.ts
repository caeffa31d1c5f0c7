/** Everything that webhooks and streams tell, of all flows. */
import { PLAYER_EVENTS } from '../../games/rules/game.ts';
import { GAME_EVENTS } from '../../games/rules/machine.ts';
import { BATCH_EVENTS } from '../../instant/rules/batchMachine.ts';
import { PAYIN_EVENTS } from '../../instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT_EVENTS } from '../../instant/rules/payoutMachine.ts';
import { DISTRIBUTION_EVENTS, MARKET_EVENTS, RESOLUTION_EVENTS } from '../../markets/rules/machine.ts';
import { EVENT_TYPES as PAYOUT_EVENTS } from '../../payouts/rules/machine.ts';
import { USER_EVENTS } from '../../users/rules/user.ts';

export const EVENT_TYPES = [
  ...PAYOUT_EVENTS,
  ...USER_EVENTS,
  ...GAME_EVENTS,
  ...PLAYER_EVENTS,
  ...MARKET_EVENTS,
  ...RESOLUTION_EVENTS,
  ...DISTRIBUTION_EVENTS,
  ...INSTANT_PAYOUT_EVENTS,
  ...BATCH_EVENTS,
  ...PAYIN_EVENTS,
] as const;
export type EventType = (typeof EVENT_TYPES)[number];
