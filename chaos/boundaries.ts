/** Where subjects are when somebody is killed: what the scenarios say of a place, together. */
import type { Behaviour, Boundary, Scenario } from './scenario.ts';

export const comesTo = ({ boundaries }: Scenario, boundary: Boundary): boolean => boundaries[boundary] !== undefined;

export const behavioursAt = ({ behaviours, boundaries }: Scenario, boundary: Boundary): readonly Behaviour[] =>
  behaviours.filter((each) => boundaries[boundary]?.comes(each));

/** All of them, each scenario's in its own order: what only a later one has follows what it follows there. */
export function boundariesOf(scenarios: readonly Scenario[]): readonly Boundary[] {
  const all: Boundary[] = [];
  for (const { boundaries } of scenarios) {
    let at = -1;
    for (const each of Object.keys(boundaries) as Boundary[]) {
      if (!all.includes(each)) all.splice(at + 1, 0, each);
      at = all.indexOf(each);
    }
  }
  return all;
}

/** Pools and slots for the crowd that is held in them. */
const ROOMY: Readonly<Record<string, string>> = {
  DATABASE_POOL: '60',
  WORKFLOW_CONCURRENCY: '60',
  RATE_LIMIT_PER_SECOND: '5000',
  LOG_LEVEL: 'warn',
};

/** Of the installation that all scenarios share, at this boundary or anywhere. */
export function settingsAt(scenarios: readonly Scenario[], boundary?: Boundary): Record<string, string> {
  const ofAll = scenarios.map(({ settings }) => settings);
  const ofStops = scenarios.map(({ boundaries }) => (boundary && boundaries[boundary]?.settings) ?? {});
  return Object.assign({}, ROOMY, ...ofAll, ...ofStops);
}
