/** A game as the explorer sees it (flow.ts). */
import { exploreFlow, type FlowExploration } from '../flow.ts';
import type { Player } from './books.ts';
import { brokenAlways, brokenAtRest } from './invariants.ts';
import type { GameBounds, GameRules } from './rules.ts';
import { beginningOf, type GameWorld, movesOf, type Task } from './world.ts';

/** Everything that can happen to a game within the bounds. */
export const exploreGame = (bounds: GameBounds, rules: GameRules): FlowExploration =>
  exploreFlow<GameWorld>({
    start: beginningOf(bounds),
    movesOf: (world) => movesOf(world, bounds, rules),
    pack,
    brokenAlways: (world) => brokenAlways(world, bounds),
    brokenAtRest,
    reachedBy: (_, { books }) => [books.state],
  });

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
