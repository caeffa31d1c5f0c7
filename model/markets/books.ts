/**
 * The books of one market as the SQL functions in prisma/functions/markets keep them, as pure functions: its pool, its users with what
 * they have, the merchant, and every resolution that there was. Edges and shares are the product's own rules. Random walks tell the
 * real functions the same (tests/integration/model-markets-sql.test.ts).
 */
import {
  type MarketState,
  RESOLUTION,
  type ResolutionFact,
  type ResolutionState,
  STATES,
} from '../../src/markets/rules/machine.ts';
import type { Cut, MarketTerms, Plan } from '../../src/markets/rules/shares.ts';

export interface Person {
  readonly id: string;
  readonly frozen: boolean;
  readonly available: bigint;
  /** To the merchant. */
  readonly debt: bigint;
  /** On each option. */
  readonly staked: Readonly<Record<string, bigint>>;
}

export interface Distribution {
  readonly state: 'failed' | 'completed' | 'disputed' | 'rolled_back';
  readonly failure: string | null;
  readonly payout: bigint;
  readonly disputeReason: string | null;
  /** How often the user was told that it was paid, and that it was taken back. */
  readonly toldPaid: number;
  readonly toldUndone: number;
}

export interface Planned extends Plan {
  readonly cut: Cut | undefined;
}

export interface Resolution {
  readonly id: string;
  readonly state: ResolutionState;
  readonly outcome: string;
  readonly resolvedBy: string;
  /** Grows with each outcome. */
  readonly round: number;
  readonly needsOperator: boolean;
  /** By the clock of the books; asked for while the window is open alone. */
  readonly isWindowOver: boolean;
  readonly plan: Planned | null;
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly paidUsers: number;
  readonly undoneUsers: number;
  readonly feesBooked: boolean;
  /** Rounds that somebody has approved or rejected. */
  readonly reviewed: readonly number[];
  readonly disputes: Readonly<Record<string, { readonly round: number; readonly reason: string }>>;
  /** Of the decisions that were obeyed. */
  readonly keys: readonly string[];
}

export interface MarketBooks {
  readonly state: MarketState;
  readonly terms: MarketTerms;
  /** Null: no pool is reviewed. */
  readonly reviewLimit: bigint | null;
  readonly creator: string;
  readonly people: readonly Person[];
  /** What the merchant has available. */
  readonly merchant: bigint;
  readonly pool: bigint;
  readonly missing: bigint;
  /** The newest last: its place is its run. */
  readonly resolutions: readonly Resolution[];
  readonly isPaused: boolean;
}

export interface Told {
  readonly outcome: string;
  readonly books: MarketBooks;
  /** Who must be dealt with alone. */
  readonly apart?: readonly string[];
}

export interface Beginning {
  readonly terms: MarketTerms;
  readonly merchant: bigint;
  readonly reviewLimit?: bigint | null;
  /** `debt`: to the merchant, of before. */
  readonly people: readonly { readonly available: bigint; readonly debt?: bigint }[];
  /** Which of the people. */
  readonly creator: number;
}

export const idOf = (nth: number): string => `user ${nth + 1}`;

export const newMarket = ({ terms, merchant, reviewLimit = null, people, creator }: Beginning): MarketBooks => ({
  state: 'OPEN',
  terms,
  reviewLimit,
  creator: idOf(creator),
  people: people.map(({ available, debt = 0n }, nth) => ({ id: idOf(nth), frozen: false, available, debt, staked: {} })),
  merchant,
  pool: 0n,
  missing: 0n,
  resolutions: [],
  isPaused: false,
});

export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n);
export const refuse = (outcome: string, books: MarketBooks): Told => ({ outcome, books });

export const stakeOf = ({ staked }: Person): bigint => sum(Object.values(staked));
export const isParticipant = (person: Person): boolean => stakeOf(person) > 0n;
export const stakedOn = ({ people }: MarketBooks, option: string): bigint =>
  sum(people.map(({ staked }) => staked[option] ?? 0n));
export const poolOf = ({ people }: MarketBooks): bigint => sum(people.map(stakeOf));

export function personOf({ people }: MarketBooks, id: string): Person {
  const found = people.find((each) => each.id === id);
  if (!found) throw new Error(`nobody is ${id}`);
  return found;
}

export const setPerson = (books: MarketBooks, id: string, change: Partial<Person>): MarketBooks => ({
  ...books,
  people: books.people.map((each) => (each.id === id ? { ...each, ...change } : each)),
});

export function resolutionOf({ resolutions }: MarketBooks, nth: number): Resolution {
  const found = resolutions[nth];
  if (!found) throw new Error(`there is no resolution ${nth}`);
  return found;
}

export const setResolution = (books: MarketBooks, nth: number, change: Partial<Resolution>): MarketBooks => ({
  ...books,
  resolutions: books.resolutions.map((each, index) => (index === nth ? { ...each, ...change } : each)),
});

export const setDistribution = (books: MarketBooks, nth: number, id: string, distribution: Distribution): MarketBooks =>
  setResolution(books, nth, { distributions: { ...resolutionOf(books, nth).distributions, [id]: distribution } });

/** New money of a user's, which repays the merchant first (credit.sql). */
export function gain(books: MarketBooks, id: string, amount: bigint): MarketBooks {
  const { available, debt } = personOf(books, id);
  const repaid = least(amount, debt);
  const after = setPerson(books, id, { available: available + amount - repaid, debt: debt - repaid });
  return { ...after, merchant: after.merchant + repaid };
}

/** As awaits_operator (move_resolution.sql). */
export const awaitsOperator = ({ state, distributions }: Resolution): boolean =>
  STATES[state].stopped ||
  state === 'DISPUTED' ||
  ((state === 'PAYING' || state === 'COMPLETED') && Object.values(distributions).some((each) => each.state === 'disputed'));

/** As move_resolution.sql. */
export function move(books: MarketBooks, nth: number, fact: ResolutionFact): MarketBooks {
  const before = resolutionOf(books, nth);
  const edge = RESOLUTION.edgeOf(before.state, fact);
  if (!edge) throw new Error(`a resolution that is ${before.state} cannot take ${fact}`);
  const moved = { ...before, state: edge.to, isWindowOver: false };
  const after = setResolution(books, nth, { ...moved, needsOperator: awaitsOperator(moved) });
  const isFreed = edge.effect === 'free_market' || edge.effect === 'forget_outcome';
  return isFreed ? { ...after, state: 'UNRESOLVED' } : after;
}

/** As commit_stake.sql. */
export function commit(books: MarketBooks, id: string, option: string, amount: bigint): Told {
  const { available, frozen, staked } = personOf(books, id);
  if (books.state !== 'OPEN') return refuse('market_closed', books);
  if (books.isPaused) return refuse('paused', books);
  if (frozen) return refuse('user_frozen', books);
  if (available < amount) return refuse('insufficient_balance', books);
  const placed = { available: available - amount, staked: { ...staked, [option]: (staked[option] ?? 0n) + amount } };
  return { outcome: 'committed', books: setPerson({ ...books, pool: books.pool + amount }, id, placed) };
}

/** What merchants do about a user: freeze_user.sql, move_user_money.sql. */
export const freeze = (books: MarketBooks, id: string, frozen: boolean): Told => ({
  outcome: 'done',
  books: setPerson(books, id, { frozen }),
});

/** What the merchant gives is there no more, and what it takes back is. */
export function debit(books: MarketBooks, id: string, amount: bigint): Told {
  const { frozen, available } = personOf(books, id);
  if (frozen) return refuse('user_frozen', books);
  if (available < amount) return refuse('insufficient_balance', books);
  const after = setPerson(books, id, { available: available - amount });
  return { outcome: 'moved', books: { ...after, merchant: after.merchant + amount } };
}

export function credit(books: MarketBooks, id: string, amount: bigint): Told {
  if (personOf(books, id).frozen) return refuse('user_frozen', books);
  if (books.merchant < amount) return refuse('insufficient_balance', books);
  return { outcome: 'moved', books: gain({ ...books, merchant: books.merchant - amount }, id, amount) };
}

export const fund = (books: MarketBooks, amount: bigint): Told => ({
  outcome: 'moved',
  books: { ...books, merchant: books.merchant + amount },
});

/** Out of the house, by a payout to a bank. */
export function spend(books: MarketBooks, id: string, amount: bigint): Told {
  const { frozen, available } = personOf(books, id);
  if (frozen) return refuse('user_frozen', books);
  if (available < amount) return refuse('insufficient_balance', books);
  return { outcome: 'moved', books: setPerson(books, id, { available: available - amount }) };
}
