/** What was reached: each kind of deed, each fact, each edge of the machine, each answer of the ledger's door. */
import { EDGES, FACTS, type FactType } from '../src/payouts/rules/machine.ts';
import { DEEDS, type Deed } from './deeds.ts';
import type { World } from './world.ts';

/** `deed …`, `edge FROM fact`, `outcome …`, and how often. */
export type Coverage = Map<string, number>;

export const newCoverage = (): Coverage => new Map();

export function cover(coverage: Coverage, before: World, deed: Deed): void {
  count(coverage, `deed ${deed.does}`);
  if (deed.fact === undefined || deed.outcome === undefined) return;
  count(coverage, `outcome ${deed.outcome}`);
  const isTaken = deed.outcome === 'applied' || (deed.outcome === 'paused' && deed.edge !== undefined);
  if (isTaken) count(coverage, `edge ${before.books.state} ${deed.edge ?? deed.fact}`);
}

export function merge(into: Coverage, from: Iterable<readonly [string, number]>): void {
  for (const [name, times] of from) into.set(name, (into.get(name) ?? 0) + times);
}

const count = (coverage: Coverage, name: string): void => void coverage.set(name, (coverage.get(name) ?? 0) + 1);

const REVIEWED = 'a payout in review has had no attempt, and a round that is started again is not reviewed';
/** Edges that stand in the table and that nothing can reach, and why. */
export const UNREACHABLE: Readonly<Record<string, string>> = {
  'IN_REVIEW paid': REVIEWED,
  'REVIEW_ON_HOLD paid': REVIEWED,
};

/** Every deed, every fact and every edge of the machine must have happened somewhere. */
export function unreached(coverage: Coverage): string[] {
  const deeds = Object.keys(DEEDS).map((name) => `deed ${name}`);
  const edges = EDGES.map(({ from, fact }) => `${from} ${fact}`).filter((edge) => !(edge in UNREACHABLE));
  const facts = (Object.keys(FACTS) as FactType[]).filter(
    (fact) => !EDGES.some((edge) => edge.fact === fact && coverage.has(`edge ${edge.from} ${fact}`)),
  );
  return [...deeds, ...edges.map((edge) => `edge ${edge}`)]
    .filter((name) => !coverage.has(name))
    .concat(facts.map((fact) => `fact ${fact}`));
}
