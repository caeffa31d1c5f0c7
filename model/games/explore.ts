/** Breadth first through everything that can happen to a game within the bounds: the first finding is a shortest one. */
import { newVisited } from '../visited.ts';
import type { Player } from './books.ts';
import { brokenAlways, brokenAtRest } from './invariants.ts';
import type { GameBounds, GameRules } from './rules.ts';
import { beginningOf, type GameWorld, movesOf, type Task } from './world.ts';

export interface GameExploration {
  readonly states: number;
  readonly resting: number;
  /** What was told of which outcome, and which states there were. */
  readonly reached: ReadonlySet<string>;
  /** The deeds that lead to it, and what is wrong. */
  readonly finding?: readonly string[];
}

export function exploreGame(bounds: GameBounds, rules: GameRules): GameExploration {
  const visited = newVisited();
  const reached = new Set<string>();
  const start = beginningOf(bounds);
  visited.add(pack(start), 0, 0);
  let frontier: { readonly world: GameWorld; readonly number: number }[] = [{ world: start, number: 0 }];
  let resting = 0;
  const found = (what: string, path: readonly number[]): GameExploration => ({
    states: visited.size,
    resting,
    reached,
    finding: [...deedsOf(bounds, rules, path), `✗ ${what}`],
  });
  while (frontier.length > 0) {
    const further: typeof frontier = [];
    for (const { world, number } of frontier) {
      reached.add(world.books.state);
      const moves = movesOf(world, bounds, rules);
      const isAtRest = !moves.some(({ isDue }) => isDue);
      const problem = brokenAlways(world, bounds) ?? (isAtRest ? brokenAtRest(world) : undefined);
      if (problem !== undefined) return found(problem, visited.pathTo(number));
      if (isAtRest) resting += 1;
      for (const [index, { deed, after }] of moves.entries()) {
        reached.add(deed);
        const added = visited.add(pack(after), number, index);
        if (added >= 0) further.push({ world: after, number: added });
      }
    }
    frontier = further;
  }
  return { states: visited.size, resting, reached };
}

function deedsOf(bounds: GameBounds, rules: GameRules, path: readonly number[]): string[] {
  let world = beginningOf(bounds);
  return path.map((index) => {
    const move = movesOf(world, bounds, rules)[index];
    if (!move) throw new Error('the same world has other moves than before: something in the model is not a pure function');
    world = move.after;
    return move.deed;
  });
}

/** Equal for equal worlds, different for different ones. Which of two that were taken for dead was so first makes no difference. */
function pack({ books, run, orphans, owed, witness, left }: GameWorld): string {
  const { state, winner, isVoid, needsOperator, held, bank, bets, players, refused } = books;
  const { given, givenToBank, first } = witness;
  const staked = bets.map(({ userId, side, amountMinor }) => `${userId}${side}${amountMinor}`).sort();
  return [
    `${state}${winner}${+isVoid}${+needsOperator}${held}.${bank.available}.${bank.reserved}`,
    staked.join(),
    players.map(packPlayer).join(),
    refused.join(),
    run && `${+run.isAsked}${packTask(run.task)}`,
    orphans.map(packTask).sort().join(),
    `${owed}.${given.join()}.${givenToBank}.${first?.winner}${Object.entries(first?.said ?? {}).join()}${first?.said === null}`,
    Object.values(left).join(''),
  ].join('|');
}

const packPlayer = ({ frozen, available, reserved, debt, state, failure, stake, stakeWon, payout, told }: Player): string =>
  `${+frozen}.${available}.${reserved}.${debt}.${state}${failure}${stake}.${stakeWon}.${payout}.${told}`;

function packTask(task: Task): string {
  if (task.at === 'look') return task.at;
  const about = task.at === 'read' ? `${task.round}${task.after}` : 'ids' in task ? task.ids.join() : '';
  const then = task.at === 'apart' ? packTask(task.then) : task.at === 'step' ? `${task.round}${task.isLast}` : '';
  return `${task.at}${task.name}${about}${then}`;
}
