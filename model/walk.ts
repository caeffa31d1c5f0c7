/** A random walk through the model: what the books are told on it, and what they are then, one after the other. */
import { newBooks, type PayoutBooks } from '../src/payouts/rules/books.ts';
import type { Bounds } from './bounds.ts';
import { settle } from './canon.ts';
import { DEEDS, type Deed } from './deeds.ts';
import { movesOf } from './moves.ts';
import type { Rules } from './rules.ts';
import { type Message, startOf } from './world.ts';

export interface Stride {
  readonly deed: Deed;
  readonly books: PayoutBooks;
  /** Stored and not dealt with when this was done. */
  readonly messages: readonly Message[];
}

/** A small generator with a seed (mulberry32), so that a walk can be walked again. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Until nothing can happen any more, or for so many deeds. */
export function walk(bounds: Bounds, rules: Rules, seed: number, deedsMax: number): Stride[] {
  const random = randomOf(seed);
  const start = newBooks(bounds.start);
  let world = settle(
    startOf({ ...bounds, start: { ...bounds.start, sequence: start.state === 'IN_REVIEW' ? 2 : start.sequence } }),
    rules,
  );
  const strides: Stride[] = [];
  for (let count = 0; count < deedsMax; count += 1) {
    const all = movesOf(world, { rules, bounds }, (each) => each);
    // The books are what walks are about; and a payout that is cancelled at once has not much to tell.
    const byThemselves = all.filter(({ deed }) => DEEDS[deed.does].who !== 'person');
    const telling = byThemselves.filter(({ deed }) => deed.told !== undefined);
    const [moves = all] = random(8) === 0 ? [] : [telling, byThemselves].slice(random(2)).filter(({ length }) => length > 0);
    const move = moves[random(Math.max(1, moves.length))];
    if (!move) break;
    const { messages } = world;
    world = move.after;
    strides.push({ deed: move.deed, books: world.books, messages });
  }
  return strides;
}
