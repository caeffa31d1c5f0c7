/** What was reached: each kind of deed, each fact, each edge of the machine, each answer of the ledger's door. */
import type { Deed } from './deeds.ts';
import type { World } from './world.ts';

/** `deed …`, `edge FROM fact`, `outcome …`, and how often. */
export type Coverage = Map<string, number>;

export const newCoverage = (): Coverage => new Map();

export function cover(coverage: Coverage, before: World, deed: Deed): void {
  count(coverage, `deed ${deed.does}`);
  if (deed.fact === undefined || deed.outcome === undefined) return;
  count(coverage, `outcome ${deed.outcome}`);
  if (deed.outcome === 'applied') count(coverage, `edge ${before.books.state} ${deed.edge ?? deed.fact}`);
}

export function merge(into: Coverage, from: Iterable<readonly [string, number]>): void {
  for (const [name, times] of from) into.set(name, (into.get(name) ?? 0) + times);
}

const count = (coverage: Coverage, name: string): void => void coverage.set(name, (coverage.get(name) ?? 0) + 1);
