/**
 * The world of one game: its books, its settlement's workflow with the activity that walks through the players, activities that are
 * only taken for dead, and what the API has written down and not told yet. All that can happen next in it.
 *
 * Time is abstract, as in the payouts' model: whatever may happen later may happen at once.
 */
import type { GameState } from '../../src/games/rules/machine.ts';
import type { FlowMove } from '../flow.ts';
import {
  bankMoney, bet, credit, debit, freeze, type GameBooks, idOf, isFirst, leftOf, newGame, playerOf, retryGame, type Said, type Told,
} from './books.ts'; // biome-ignore format: a list
import type { GameBounds, GameLeft, GameRules } from './rules.ts';

/** Where an activity is: it looks at the game's state, reads who is left, has read them, or comes to the end. */
export type Task =
  | { readonly at: 'look' }
  | { readonly at: 'read'; readonly name: Step; readonly round: number; readonly after: string }
  | {
      readonly at: 'step';
      readonly name: Step;
      readonly round: number;
      readonly ids: readonly string[];
      readonly isLast: boolean;
    }
  | { readonly at: 'apart'; readonly name: Step; readonly ids: readonly string[]; readonly then: Task }
  | { readonly at: 'end'; readonly name: Step };

export type Step = 'settle' | 'void';

export interface GameWorld {
  readonly books: GameBooks;
  /** Null: no workflow runs. */
  readonly run: { readonly isAsked: boolean; readonly task: Task } | null;
  /** Activities that go on though the server has given them up. */
  readonly orphans: readonly Task[];
  /** Words that are written down, and not told to the settlement yet. */
  readonly owed: number;
  /** What people saw, whatever the books make of it. */
  readonly witness: Witness;
  readonly left: GameLeft;
}

export interface Witness {
  /** Of each player: what merchants gave, less what they took. */
  readonly given: readonly bigint[];
  readonly givenToBank: bigint;
  /** The report that was believed first. */
  readonly first: { readonly winner: string; readonly said: Said } | null;
}

export type GameMove = FlowMove<GameWorld>;

export const beginningOf = ({ beginning, placed, stake, left }: GameBounds): GameWorld => ({
  books: placed.reduce(
    (books, [nth, side]) => bet(books, { userId: idOf(nth), side, amountMinor: stake }).books,
    newGame(beginning),
  ),
  run: null,
  orphans: [],
  owed: 0,
  witness: { given: beginning.players.map(() => 0n), givenToBank: 0n, first: null },
  left,
});

const STEP_OF: Readonly<Partial<Record<GameState, Step>>> = { SETTLING: 'settle', VOIDING: 'void' };

/** The workflow hears that there is something to look into: it runs, or is started. */
const tell = (world: GameWorld): GameWorld => ({
  ...world,
  run: world.run ? { ...world.run, isAsked: true } : { isAsked: false, task: { at: 'look' } },
});

export function movesOf(world: GameWorld, bounds: GameBounds, rules: GameRules): GameMove[] {
  return [...movesOfWork(world, bounds, rules), ...movesOfWords(world, rules), ...movesOfPeople(world, bounds, rules)];
}

/** A void is walked through twice: who gives the bank as much as they get goes first. */
const LAST_ROUND: Readonly<Record<Step, number>> = { settle: 0, void: 1 };

const afterRound = (name: Step, round: number): Task =>
  round === LAST_ROUND[name] ? { at: 'end', name } : { at: 'read', name, round: round + 1, after: '' };

/** @returns where the activity is then, null: it is over. */
function work(books: GameBooks, task: Task, { step }: GameBounds, rules: GameRules): { books: GameBooks; task: Task | null } {
  switch (task.at) {
    case 'look': {
      const name = STEP_OF[books.state];
      return { books, task: name ? { at: 'read', name, round: 0, after: '' } : null };
    }
    case 'read': {
      // Who is left is read by the name of the step, whatever the state is by now.
      const state = task.name === 'settle' ? 'SETTLING' : 'VOIDING';
      const { name, round } = task;
      const ids = leftOf({ ...books, state })
        .filter((id) => id > task.after && (round === LAST_ROUND[name] || isFirst(playerOf(books, id))))
        .slice(0, step);
      const isLast = ids.length < step;
      return { books, task: ids.length === 0 ? afterRound(name, round) : { at: 'step', name, round, ids, isLast } };
    }
    case 'step': {
      const { books: after, apart = [] } = rules[task.name](books, task.ids);
      const { name, round } = task;
      const then: Task = task.isLast ? afterRound(name, round) : { at: 'read', name, round, after: task.ids.at(-1) ?? '' };
      return { books: after, task: apart.length > 0 ? { at: 'apart', name: task.name, ids: apart, then } : then };
    }
    case 'apart': {
      const [first = '', ...rest] = task.ids;
      const after = rules[task.name](books, [first]).books;
      return { books: after, task: rest.length > 0 ? { ...task, ids: rest } : task.then };
    }
    case 'end':
      return { books: rules.end(books).books, task: { at: 'look' } };
  }
}

const sentence = (task: Task): string => {
  if (task.at === 'step') return `${task.name}s ${task.ids.join(' and ')}`;
  if (task.at === 'apart') return `${task.name}s ${task.ids[0]} alone`;
  return { look: 'looks at the state', read: 'reads who is left', end: 'comes to the end' }[task.at];
};

function movesOfWork(world: GameWorld, bounds: GameBounds, rules: GameRules): GameMove[] {
  const { books, run, orphans, left } = world;
  const moves: GameMove[] = [];
  if (run) {
    const { books: after, task } = work(books, run.task, bounds, rules);
    // The activity is over: asked meanwhile, the workflow looks once more.
    const again = run.isAsked ? { isAsked: false, task: { at: 'look' } as const } : null;
    moves.push({
      deed: `the settlement ${sentence(run.task)}`,
      isDue: true,
      after: { ...world, books: after, run: task ? { ...run, task } : again },
    });
    if (left.deaths > 0) {
      const spent = { ...left, deaths: left.deaths - 1 };
      const anew = { ...run, task: { at: 'look' } as const };
      moves.push({ deed: 'the worker dies, and another one begins', isDue: false, after: { ...world, run: anew, left: spent } });
      moves.push({
        deed: 'the worker is taken for dead, and another one begins',
        isDue: false,
        after: { ...world, run: anew, orphans: [...orphans, run.task], left: spent },
      });
    }
  }
  for (const [nth, orphan] of orphans.entries()) {
    const others = orphans.filter((_, each) => each !== nth);
    const { books: after, task } = work(books, orphan, bounds, rules);
    moves.push({
      deed: `the one that was taken for dead ${sentence(orphan)}`,
      isDue: true,
      after: { ...world, books: after, orphans: task ? [...others, task] : others },
    });
  }
  return moves;
}

function movesOfWords(world: GameWorld, rules: GameRules): GameMove[] {
  const { books, run, owed, left } = world;
  const moves: GameMove[] = [];
  if (owed > 0) {
    moves.push({ deed: 'the settlement is told', isDue: true, after: tell({ ...world, owed: owed - 1 }) });
    if (left.deaths > 0) {
      const after = { ...world, owed: owed - 1, left: { ...left, deaths: left.deaths - 1 } };
      moves.push({ deed: 'the API dies before the settlement is told', isDue: false, after });
    }
  }
  if (rules.looksAfter && !run && owed === 0 && STEP_OF[books.state])
    moves.push({ deed: 'whoever looks after games tells the settlement', isDue: true, after: tell(world) });
  return moves;
}

function movesOfPeople(world: GameWorld, bounds: GameBounds, rules: GameRules): GameMove[] {
  const { books, left, witness } = world;
  const moves: GameMove[] = [];
  const may = (
    budget: keyof GameLeft,
    deed: string,
    does: () => Told,
    { tells = [], sees }: { readonly tells?: readonly string[]; readonly sees?: (outcome: string) => Partial<Witness> } = {},
  ): void => {
    if (left[budget] === 0) return;
    const { outcome, books: after } = does();
    const spent = { ...left, [budget]: left[budget] - 1 };
    const seen = { ...witness, ...sees?.(outcome) };
    const owed = world.owed + (tells.includes(outcome) ? 1 : 0);
    moves.push({
      deed: `${deed}: ${outcome}`,
      isDue: false,
      after: { ...world, books: after, owed, witness: seen, left: spent },
    });
  };
  const gives = (nth: number, amount: bigint) => (outcome: string) =>
    outcome === 'moved' ? { given: witness.given.map((each, index) => (index === nth ? each + amount : each)) } : {};
  const givesBank = (amount: bigint) => (outcome: string) =>
    outcome === 'moved' ? { givenToBank: witness.givenToBank + amount } : {};
  const ids = books.players.map(({ id }) => id);
  for (const [nth, userId] of ids.entries()) {
    for (const side of ['andar', 'bahar'])
      may('bets', `${userId} bets ${bounds.stake} on ${side}`, () => bet(books, { userId, side, amountMinor: bounds.stake }));
    const { frozen, available } = playerOf(books, userId);
    may('freezes', `${userId} is ${frozen ? 'freed' : 'frozen'}`, () => freeze(books, userId, !frozen));
    if (available > 0n)
      may('spends', `${userId} spends all`, () => debit(books, userId, available), { sees: gives(nth, -available) });
    may('credits', `${userId} is credited ${bounds.stake}`, () => credit(books, userId, bounds.stake), {
      sees: gives(nth, bounds.stake),
    });
  }
  const reports: readonly (readonly [string, Said])[] = [
    ['andar', null],
    ['bahar', null],
    ['andar', { [idOf(0)]: 1n }],
    ['andar', { [idOf(0)]: 100n }], // more than any bank here has
  ];
  for (const [winner, said] of reports)
    may(
      'reports',
      `${winner} has won${said ? `, and the first player gets ${said[idOf(0)]}` : ''}`,
      () => rules.complete(books, winner, said),
      {
        tells: ['recorded', 'already'],
        sees: (outcome) => (outcome === 'recorded' && !witness.first ? { first: { winner, said } } : {}),
      },
    );
  may('voids', 'an admin voids the game', () => rules.voidGame(books), { tells: ['begun', 'already'] });
  may('retries', 'an admin lets it be tried again', () => retryGame(books), { tells: ['begun', 'already'] });
  const { available } = books.bank;
  if (available > 0n)
    may('withdrawals', 'the merchant takes back all of the bank', () => bankMoney(books, -available), {
      sees: givesBank(-available),
    });
  may('deposits', 'the merchant deposits 20', () => bankMoney(books, 20n), { sees: givesBank(20n) });
  return moves;
}
