/** An installation in which every scenario can be played. */
import type { Cast, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { openSite, type Site } from './site.ts';

export interface World extends Site {
  readonly casts: readonly Cast[];
  castOf(scenario: Scenario): Cast;
}

export async function openWorld(settings: Readonly<Record<string, string>>, isHeld?: boolean): Promise<World> {
  const site = await openSite(settings, isHeld);
  const casts: Cast[] = [];
  for (const each of SCENARIOS) casts.push(await each.open(site));
  return {
    ...site,
    casts,
    castOf(scenario) {
      const cast = casts.find((each) => each.scenario === scenario);
      if (!cast) throw new Error(`nobody plays ${scenario.name}`);
      return cast;
    },
  };
}
