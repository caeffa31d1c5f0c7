/**
 * The world of one market: its books, the workflows of its resolutions with what they have under way, activities that are only taken
 * for dead, and what the API has written down and not told yet. All that can happen next in it.
 *
 * Time is abstract, as in the payouts' model: whatever may happen later may happen at once.
 */
import { isPausable, RESOLUTION, STATES } from '../../src/markets/rules/machine.ts';
import type { FlowMove } from '../flow.ts';
import {
  commit,
  freeze,
  fund,
  idOf,
  type MarketBooks,
  newMarket,
  type Resolution,
  resolutionOf,
  spend,
  type Told,
} from './books.ts';
import { type Deciding, decideDistribution, dispute, disputeDistribution, passTime } from './decisions.ts';
import type { MarketBounds, MarketLeft, MarketRules } from './rules.ts';
import { isForAll, isWaiting, sentenceOf, type Task, type Worked, work } from './work.ts';

export interface Run {
  /** Of which resolution. */
  readonly nth: number;
  readonly isTold: boolean;
  readonly task: Task;
}

export interface MarketWorld {
  readonly books: MarketBooks;
  readonly runs: readonly Run[];
  /** Activities that go on though the server has given them up. */
  readonly orphans: readonly Omit<Run, 'isTold'>[];
  /** Resolutions of which something is written down, and not told to their workflow yet. */
  readonly owed: readonly number[];
  /** The books refuse what is done for the whole of a resolution. */
  readonly isFaulty: boolean;
  /** What came in and went out, whatever the books make of it: of each user, and of the merchant. */
  readonly given: readonly bigint[];
  readonly givenToMerchant: bigint;
  readonly left: MarketLeft;
}

export type MarketMove = FlowMove<MarketWorld>;

export const beginningOf = ({ beginning, placed, left }: MarketBounds): MarketWorld => ({
  books: placed.reduce((books, [nth, option, amount]) => commit(books, idOf(nth), option, amount).books, newMarket(beginning)),
  runs: [],
  orphans: [],
  owed: [],
  isFaulty: false,
  given: beginning.people.map(() => 0n),
  givenToMerchant: 0n,
  left,
});

/** Two admins: each may resolve, and then the other one decides. */
const ADMINS = ['adm_a', 'adm_b'] as const;

/** The workflow hears that there is something to look into: it runs, or is started. */
const tell = (world: MarketWorld, nth: number): MarketWorld => ({
  ...world,
  runs: world.runs.some((run) => run.nth === nth)
    ? world.runs.map((run) => (run.nth === nth ? { ...run, isTold: true } : run))
    : [...world.runs, { nth, isTold: false, task: { at: 'look' } }],
});

export function movesOf(world: MarketWorld, bounds: MarketBounds, rules: MarketRules): MarketMove[] {
  return [
    ...movesOfWork(world, bounds, rules),
    ...movesOfWords(world, rules),
    ...movesOfDecisions(world, bounds, rules),
    ...movesOfUsers(world),
    ...movesOfFaults(world),
    ...repeatsIn(world, rules),
  ];
}

const spent = ({ left }: MarketWorld, budget: keyof MarketLeft): MarketLeft => ({ ...left, [budget]: left[budget] - 1 });

/** The activity takes a step. Refused a third time, it stops the resolution. @returns what is wrong where a step throws that the model knows to be possible */
function stepOf(world: MarketWorld, nth: number, task: Task, { step }: MarketBounds, rules: MarketRules): Worked | string {
  if (world.isFaulty && isForAll(task)) return { books: world.books, task: { at: 'stop' } };
  try {
    return work(world.books, nth, task, step, rules);
  } catch (error) {
    return String(error);
  }
}

/** Where a step may fail for a reason that only the activity knows. */
const mayFail = (task: Task): boolean => isForAll(task) || task.at === 'read' || task.at === 'step' || task.at === 'apart';

function movesOfWork(world: MarketWorld, bounds: MarketBounds, rules: MarketRules): MarketMove[] {
  const { books, runs, orphans, left } = world;
  const moves: MarketMove[] = [];
  for (const run of runs) {
    const { nth, task, isTold } = run;
    const others = runs.filter((each) => each !== run);
    const isOver = task.at === 'close' && !isTold;
    const name = `resolution ${nth + 1}`;
    if (!isTold && isWaiting(books, nth, task)) continue;
    const worked = stepOf(world, nth, task, bounds, rules);
    const deed = `the workflow of ${name} ${sentenceOf(task)}`;
    if (typeof worked === 'string') {
      moves.push({ deed, isDue: true, after: world, broken: worked });
      continue;
    }
    // A word that came before it reads how it stands is in what it reads.
    const next = { nth, isTold: isTold && task.at !== 'look', task: worked.task };
    moves.push({ deed, isDue: true, after: { ...world, books: worked.books, runs: isOver ? others : [...others, next] } });
    if (left.stops > 0 && mayFail(task)) {
      const after = { ...world, runs: [...others, { ...run, task: { at: 'stop' } as const }], left: spent(world, 'stops') };
      moves.push({ deed: `a step of ${name} fails a third time`, isDue: false, after });
    }
    if (left.deaths > 0 && task.at !== 'look' && task.at !== 'close' && task.at !== 'wait') {
      const anew = [...others, { ...run, task: { at: 'look' } as const }];
      const after = { ...world, runs: anew, left: spent(world, 'deaths') };
      moves.push({ deed: `the worker of ${name} dies, and another one begins`, isDue: false, after });
      const both = { ...after, orphans: [...orphans, { nth, task }] };
      moves.push({ deed: `the worker of ${name} is taken for dead, and another one begins`, isDue: false, after: both });
    }
  }
  for (const orphan of orphans) {
    const { nth, task } = orphan;
    const others = orphans.filter((each) => each !== orphan);
    const worked = stepOf(world, nth, task, bounds, rules);
    const deed = `the one of resolution ${nth + 1} that was taken for dead ${sentenceOf(task)}`;
    if (typeof worked === 'string') {
      // Only the workflow's own activity is tried again, or stops it: this one's error is nobody's.
      moves.push({ deed: `${deed}, and is refused`, isDue: true, after: { ...world, orphans: others } });
      continue;
    }
    // Its activity is over: nobody hears its answer. Nor does it wait for money, as a workflow does.
    const isOver =
      (world.isFaulty && isForAll(task)) || worked.task.at === 'look' || worked.task.at === 'close' || worked.task.at === 'cover';
    const further = isOver ? others : [...others, { nth, task: worked.task }];
    moves.push({ deed, isDue: true, after: { ...world, books: worked.books, orphans: further } });
  }
  for (const [nth, { state, isWindowOver }] of books.resolutions.entries()) {
    if (state === 'DISPUTE_WINDOW' && !isWindowOver)
      moves.push({ deed: 'the time to dispute it is over', isDue: true, after: { ...world, books: passTime(books, nth) } });
  }
  return moves;
}

/** As lookAfterMarkets (activities/markets/lookAfter.ts). */
const isLookedAfter = ({ isPaused }: MarketBooks, { state }: Resolution): boolean =>
  !RESOLUTION.isFinal(state) && !STATES[state].stopped && !(isPaused && isPausable(state));

function movesOfWords(world: MarketWorld, rules: MarketRules): MarketMove[] {
  const { books, runs, owed, left } = world;
  const moves: MarketMove[] = [];
  for (const [index, nth] of owed.entries()) {
    const others = owed.filter((_, each) => each !== index);
    moves.push({ deed: `resolution ${nth + 1} is told`, isDue: true, after: tell({ ...world, owed: others }, nth) });
    if (left.deaths > 0) {
      const after = { ...world, owed: others, left: spent(world, 'deaths') };
      moves.push({ deed: `the API dies before resolution ${nth + 1} is told`, isDue: false, after });
    }
  }
  for (const [nth, resolution] of books.resolutions.entries()) {
    const isAlone = !owed.includes(nth) && !runs.some((run) => run.nth === nth);
    if (rules.looksAfter && isAlone && isLookedAfter(books, resolution))
      moves.push({ deed: 'whoever looks after markets tells the workflow', isDue: true, after: tell(world, nth) });
  }
  return moves;
}

/** Whom a word is told: a workflow that puts it to the books itself has heard it; what the API writes down it has yet to tell. */
type Tells = { readonly workflow: number } | { readonly later: number } | null;

/** One word, once: refused, it changes nothing. */
function wordOf(world: MarketWorld, budget: keyof MarketLeft, deed: string, does: () => Told, tells: Tells = null): MarketMove[] {
  if (world.left[budget] === 0) return [];
  const { outcome, books } = does();
  const said = { ...world, books, left: spent(world, budget) };
  const after = books === world.books ? world : toldOf(said, tells);
  return [{ deed: `${deed}: ${outcome}`, isDue: false, after }];
}

function toldOf(world: MarketWorld, tells: Tells): MarketWorld {
  if (tells === null) return world;
  if ('workflow' in tells) return tell(world, tells.workflow);
  return world.owed.includes(tells.later) ? world : { ...world, owed: [...world.owed, tells.later].sort() };
}

/** Under a key of its own: told by what it is the how manieth. */
const keyFor = ({ keys }: Resolution, adminId: string, kind: string): string => `${adminId} ${kind} ${keys.length}`;

function movesOfDecisions(world: MarketWorld, { outcomes }: MarketBounds, rules: MarketRules): MarketMove[] {
  const { books } = world;
  const moves: MarketMove[] = [];
  const newest = books.resolutions.length;
  for (const adminId of ADMINS)
    for (const outcome of outcomes) {
      const opening = { id: `resolution ${newest + 1}`, outcome, adminId };
      const deed = `${adminId} resolves it as ${outcome}`;
      moves.push(...wordOf(world, 'resolves', deed, () => rules.open(books, opening), { later: newest }));
    }
  const decisions: readonly (readonly [keyof MarketLeft, Deciding])[] = [
    ['reviews', { kind: 'approve', note: null }],
    ['reviews', { kind: 'reject', reason: 'no' }],
    ['judgements', { kind: 'uphold' }],
    ...outcomes.map((to) => ['judgements', { kind: 'overturn', to }] as const),
    ['rollbacks', { kind: 'rollback', reason: 'wrong' }],
    ['retries', { kind: 'retry' }],
  ];
  for (const [nth, resolution] of books.resolutions.entries())
    for (const adminId of ADMINS)
      for (const [budget, decision] of decisions) {
        const order = { adminId, key: keyFor(resolution, adminId, decision.kind), decision };
        const deed = `${adminId} says ${decision.kind} of resolution ${nth + 1}`;
        moves.push(...wordOf(world, budget, deed, () => rules.decide(books, nth, order), { workflow: nth }));
      }
  return moves;
}

function movesOfUsers(world: MarketWorld): MarketMove[] {
  const { books, given, givenToMerchant } = world;
  const moves: MarketMove[] = [];
  const may = (budget: keyof MarketLeft, deed: string, does: () => Told, gives: Partial<MarketWorld> = {}): void => {
    for (const move of wordOf(world, budget, deed, does)) {
      moves.push(move.after === world ? move : { ...move, after: { ...move.after, ...gives } });
    }
  };
  const newest = books.resolutions.length - 1;
  for (const [nth, { id, frozen, available }] of books.people.entries()) {
    moves.push(...wordOf(world, 'disputes', `${id} disputes it`, () => dispute(books, id, 'no'), { later: newest }));
    may('freezes', `${id} is ${frozen ? 'freed' : 'frozen'}`, () => freeze(books, id, !frozen));
    const without = given.map((each, index) => (index === nth ? each - available : each));
    if (available > 0n) may('spends', `${id} spends all`, () => spend(books, id, available), { given: without });
    for (const [of, resolution] of books.resolutions.entries()) {
      if (!resolution.distributions[id]) continue;
      may('doubts', `${id} disputes what it was paid`, () => disputeDistribution(books, of, id, 'no'));
      for (const adminId of ADMINS)
        for (const kind of ['uphold', 'overturn'] as const) {
          const judgement = { adminId, key: keyFor(resolution, adminId, kind), kind };
          const deed = `${adminId} says ${kind} of what ${id} was paid`;
          moves.push(...wordOf(world, 'doubts', deed, () => decideDistribution(books, of, id, judgement), { later: of }));
        }
    }
  }
  const { merchant } = books;
  if (merchant > 0n)
    may('withdrawals', 'the merchant takes all out', () => fund(books, -merchant), {
      givenToMerchant: givenToMerchant - merchant,
    });
  may('deposits', 'the merchant deposits 4', () => fund(books, 4n), { givenToMerchant: givenToMerchant + 4n });
  const isPaused = !books.isPaused;
  may('pauses', isPaused ? 'a pause begins' : 'a pause ends', () => ({ outcome: 'done', books: { ...books, isPaused } }));
  return moves;
}

/** Something in the database refuses, whoever asks; and somebody mends it. */
function movesOfFaults(world: MarketWorld): MarketMove[] {
  const { isFaulty, left } = world;
  if (isFaulty) return [{ deed: 'somebody mends the books', isDue: false, after: { ...world, isFaulty: false } }];
  if (left.faults === 0) return [];
  const after = { ...world, isFaulty: true, left: spent(world, 'faults') };
  return [{ deed: 'from now on the books refuse what is done for all', isDue: false, after }];
}

/** Whatever was obeyed, said once more, at any time: it changes nothing. */
function repeatsIn({ books, ...rest }: MarketWorld, rules: MarketRules): MarketMove[] {
  const world: MarketWorld = { books, ...rest };
  const again = (deed: string, { outcome, books: after }: Told): MarketMove => ({
    deed: `${deed} once more: ${outcome}`,
    isDue: false,
    after: world,
    broken: after === books ? undefined : `${deed} was said once more, and changed something`,
  });
  return books.resolutions.flatMap(({ id, outcome, resolvedBy, keys }, nth) => [
    again('that it is resolved', rules.open(books, { id, outcome, adminId: resolvedBy })),
    ...keys.map((key) => again(`a decision on ${id}`, rules.decide(books, nth, orderUnder(key)))),
    ...Object.keys(nth === books.resolutions.length - 1 ? resolutionOf(books, nth).disputes : {}).map((userId) =>
      again('a dispute', dispute(books, userId, 'no')),
    ),
  ]);
}

/** What its key says. */
function orderUnder(key: string): { readonly adminId: string; readonly key: string; readonly decision: Deciding } {
  const [adminId = '', kind = ''] = key.split(' ');
  const said = { approve: { kind: 'approve', note: null }, reject: { kind: 'reject', reason: 'no' }, uphold: { kind: 'uphold' }, overturn: { kind: 'overturn', to: 'yes' }, rollback: { kind: 'rollback', reason: 'wrong' }, retry: { kind: 'retry' } } as const; // biome-ignore format: a table
  const decision = Object.values(said).find((each) => each.kind === kind);
  if (!decision) throw new Error(`nothing is said under ${key}`);
  return { adminId, key, decision };
}
