/** A market as the explorer sees it (flow.ts). */
import { exploreFlow, type FlowExploration } from '../flow.ts';
import type { Distribution, MarketBooks, Person, Planned, Resolution } from './books.ts';
import { brokenAlways, brokenAtRest } from './invariants.ts';
import type { MarketBounds, MarketRules } from './rules.ts';
import type { Task } from './work.ts';
import { beginningOf, type MarketWorld, movesOf, type Run } from './world.ts';

/** Everything that can happen to a market within the bounds. */
export const exploreMarket = (bounds: MarketBounds, rules: MarketRules): FlowExploration =>
  exploreFlow<MarketWorld>({
    start: beginningOf(bounds),
    movesOf: (world) => movesOf(world, bounds, rules),
    pack,
    brokenAlways: (world) => brokenAlways(world, bounds),
    brokenAtRest,
    reachedBy: ({ books: before }, { books }) => [books.state, ...edgesBetween(before, books)],
  });

const edgesBetween = (before: MarketBooks, after: MarketBooks): string[] =>
  before === after
    ? []
    : before.resolutions.flatMap(({ state }, nth) => {
        const to = after.resolutions[nth]?.state;
        return to === undefined || to === state ? [] : [`${state} ${to}`];
      });

/** Equal for equal worlds, different for different ones. Who was taken for dead first, or told first, makes no difference. */
function pack({ books, runs, orphans, owed, isFaulty, given, givenToMerchant, left }: MarketWorld): string {
  const { state, merchant, pool, missing, isPaused } = books;
  return [
    `${state}.${merchant}.${pool}.${missing}${+isPaused}`,
    books.people.map(packPerson).join(),
    books.resolutions.map(packResolution).join('/'),
    runs.map(packRun).sort().join(),
    orphans
      .map(({ nth, task }) => `${nth}${packTask(task)}`)
      .sort()
      .join(),
    `${owed.join()}.${+isFaulty}${given.join()}.${givenToMerchant}`,
    Object.values(left).join(''),
  ].join('|');
}

const packPerson = ({ frozen, available, debt, staked }: Person): string =>
  `${+frozen}.${available}.${debt}.${Object.entries(staked).join('')}`;

const packResolution = (resolution: Resolution): string => {
  const { state, outcome, resolvedBy, round, needsOperator, isWindowOver, plan, distributions, paidUsers, undoneUsers } =
    resolution;
  const { feesBooked, reviewed, disputes, keys } = resolution;
  const rows = Object.entries(distributions)
    .map(([id, row]) => `${id}${packRow(row)}`)
    .sort();
  const said = Object.entries(disputes)
    .map(([id, { round: of, reason }]) => `${id}${of}${reason}`)
    .sort();
  const flags = `${+needsOperator}${+isWindowOver}${+feesBooked}`;
  return `${state}${outcome}${resolvedBy}${round}${flags}${packPlan(plan)}${rows}.${paidUsers}.${undoneUsers}.${reviewed}.${said}.${keys}`;
};

const packRow = ({ state, failure, payout, disputeReason, toldPaid, toldUndone }: Distribution): string =>
  `${state}${failure}${payout}${disputeReason}${toldPaid}.${toldUndone}`;

/** All else in it follows from these. */
const packPlan = (plan: Planned | null): string =>
  plan ? `${plan.kind}${plan.net}.${plan.winStake}.${plan.cut?.remainder}${plan.cut?.userId}` : '-';

const packRun = ({ nth, isTold, task }: Run): string => `${nth}${+isTold}${packTask(task)}`;

function packTask(task: Task): string {
  switch (task.at) {
    case 'fix':
      return `fix${packPlan(task.found)}`;
    case 'read':
      return `read${task.name}${task.after}`;
    case 'step':
      return `step${task.name}${task.ids}${+task.isLast}`;
    case 'apart':
      return `apart${task.name}${task.ids}${packTask(task.next)}`;
    default:
      return task.at;
  }
}
