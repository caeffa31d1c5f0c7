/** Breadth first through everything that can happen within the bounds, until nothing is new: the first finding is a shortest one. */
import type { Bounds } from './bounds.ts';
import { canonical, settle } from './canon.ts';
import { type Coverage, cover, newCoverage } from './coverage.ts';
import type { Deed } from './deeds.ts';
import { brokenAlways, brokenAtRest } from './invariants.ts';
import { isDue, movesOf } from './moves.ts';
import { pack } from './pack.ts';
import { newDueDeeds } from './rest.ts';
import type { Rules } from './rules.ts';
import { newVisited } from './visited.ts';
import type { Play } from './work.ts';
import { startOf, type World } from './world.ts';

export interface Finding {
  readonly what: string;
  /** From the start, in order. */
  readonly deeds: readonly Deed[];
}

export interface Exploration {
  readonly bounds: Bounds;
  readonly states: number;
  readonly transitions: number;
  readonly resting: number;
  readonly depth: number;
  readonly seconds: number;
  readonly coverage: Coverage;
  /** False: it was cut off at so many states. */
  readonly isExhausted: boolean;
  readonly finding?: Finding;
}

export interface ExploreOptions {
  /** Not to be reached where the result is to be called exhausted. */
  readonly statesMax?: number;
  readonly onDepth?: (depth: number, states: number, frontier: number) => void;
}

export function explore(
  bounds: Bounds,
  rules: Rules,
  { statesMax = Number.MAX_SAFE_INTEGER, onDepth }: ExploreOptions = {},
): Exploration {
  const play: Play = { rules, bounds };
  const startedAt = performance.now();
  const visited = newVisited();
  const due = newDueDeeds();
  const coverage = newCoverage();
  const start = canonical(settle(startOf(bounds), rules));
  visited.add(pack(start), 0, 0);
  let frontier: { world: World; number: number }[] = [{ world: start, number: 0 }];
  let transitions = 0;
  let resting = 0;
  let depth = 0;
  const result = (isExhausted: boolean, finding?: Finding): Exploration => ({
    bounds,
    states: visited.size,
    transitions,
    resting,
    depth,
    seconds: (performance.now() - startedAt) / 1000,
    coverage,
    isExhausted,
    ...(finding ? { finding } : {}),
  });

  for (; frontier.length > 0; depth += 1) {
    onDepth?.(depth, visited.size, frontier.length);
    const further: typeof frontier = [];
    for (const { world, number } of frontier) {
      const moves = movesOf(world, play);
      const problem = brokenAlways(world) ?? (moves.some(isDue) ? undefined : brokenAtRest(world));
      if (problem !== undefined) return result(false, { what: problem, deeds: deedsOf(play, visited.pathTo(number)) });
      if (!moves.some(isDue)) {
        resting += 1;
        due.rests(number);
      }
      for (const [index, move] of moves.entries()) {
        const { deed, after, broken } = move;
        transitions += 1;
        cover(coverage, world, deed);
        if (broken !== undefined) {
          return result(false, { what: broken, deeds: deedsOf(play, [...visited.pathTo(number), index]) });
        }
        const added = visited.add(pack(after), number, index);
        if (added >= 0) further.push({ world: after, number: added });
        if (isDue(move)) due.add(number, added >= 0 ? added : ~added);
      }
      if (visited.size >= statesMax) return result(false);
    }
    frontier = further;
  }
  const restless = due.restless(visited.size);
  if (restless === undefined) return result(true);
  return result(true, { what: 'it goes on for ever, and never comes to rest', deeds: deedsOf(play, visited.pathTo(restless)) });
}

function deedsOf(play: Play, path: readonly number[]): Deed[] {
  let world = canonical(settle(startOf(play.bounds), play.rules));
  return path.map((index) => {
    const move = movesOf(world, play)[index];
    if (!move) throw new Error('the same world has other moves than before: something in the model is not a pure function');
    world = move.after;
    return move.deed;
  });
}
