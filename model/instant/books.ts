/**
 * The books of one withdrawal as the SQL functions in prisma/functions/instant keep them, as pure functions: its slices, the payins that
 * pay them, what was shown and what a bank told, and the people with their money. Edges are the product's own. Random walks tell the
 * real functions the same (tests/integration/model-instant-sql.test.ts).
 */
import { BATCH, BATCH_STATES, type BatchFact, type BatchState } from '../../src/instant/rules/batchMachine.ts';
import { PAYIN, type PayinFact, type PayinState } from '../../src/instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT, type InstantPayoutFact, type InstantPayoutState } from '../../src/instant/rules/payoutMachine.ts';
import type { CreditOn, OnUnfilled } from '../../src/instant/rules/policy.ts';

/** The payee is the first of the people; who they are is their place. */
export const PAYEE = 0;

export interface Person {
  readonly frozen: boolean;
  readonly available: bigint;
  readonly reserved: bigint;
}

export interface Debt {
  readonly debtor: number;
  readonly creditor: number;
  readonly owed: bigint;
  /** Of a credit that was taken back: which slice's. */
  readonly slice: number | null;
}

export type AssignmentState = 'open' | 'expired' | 'taken_back' | 'proved' | 'settled' | 'refused';

/** Its epoch is its place among those of its slice, from 1. */
export interface Assignment {
  readonly payin: number;
  readonly state: AssignmentState;
}

export interface Slice {
  readonly amount: bigint;
  readonly state: BatchState;
  readonly money: 'held' | 'credited' | 'released' | 'reversed' | 'handed';
  readonly assignments: readonly Assignment[];
  /** Of the assignment that counts; 0: none does. */
  readonly epoch: number;
  readonly utr: string | null;
  /** Why a person must look at it. */
  readonly doubts: readonly string[];
  /** By the clock of the books. */
  readonly isPayOver: boolean;
  readonly isConfirmOver: boolean;
  /** How often its payer was credited for it. */
  readonly credits: number;
}

export interface Payin {
  readonly user: number;
  readonly amount: bigint;
  readonly state: PayinState;
  readonly slice: number | null;
  readonly utr: string | null;
  readonly isWaitOver: boolean;
  /** What its merchant's callback was told, in order. */
  readonly told: readonly PayinState[];
}

export interface Proof {
  readonly slice: number;
  readonly payin: number;
  readonly utr: string;
  readonly image: string;
}

export type LateDecision = 'credit' | 'refund' | 'reject';

/** A payer who showed a proof when the slice was another's, or closed; or one who was rejected, and whose payment the bank has. */
export interface LateProof {
  readonly payin: number;
  readonly slice: number;
  readonly decision: LateDecision | null;
  /** How the payin stood when the bank told of it; null: it came late, and no more. */
  readonly was: 'failed' | 'reversed' | null;
}

export interface BankCredit {
  readonly utr: string;
  readonly amount: bigint;
  readonly state: 'waiting' | 'matched' | 'differs';
  readonly slice: number | null;
  /** An operator has decided against it, and knows that. */
  readonly isOverruled: boolean;
}

export interface Withdrawal {
  readonly state: InstantPayoutState;
  readonly total: bigint;
  readonly paid: bigint;
  readonly held: bigint;
  readonly returned: bigint;
  readonly handed: bigint;
  readonly closing: 'cancelled' | 'unfilled' | null;
  /** The payout of what nobody has paid: its id is allotted, it is in the books, or it was refused for ever. */
  readonly rest: 'allotted' | 'taken' | 'refused' | null;
  readonly isFillOver: boolean;
  /** How often its merchant's callback was told of its end. */
  readonly told: number;
}

export interface Agreed {
  readonly creditOn: CreditOn;
  readonly unconfirmedMost: number;
  readonly reassignMost: number;
  readonly onUnfilled: OnUnfilled;
}

export interface InstantBooks {
  readonly agreed: Agreed;
  readonly withdrawal: Withdrawal;
  readonly slices: readonly Slice[];
  readonly payins: readonly Payin[];
  readonly proofs: readonly Proof[];
  readonly lates: readonly LateProof[];
  readonly bank: readonly BankCredit[];
  readonly people: readonly Person[];
  /** The oldest first. */
  readonly debts: readonly Debt[];
}

export interface Told {
  readonly outcome: string;
  readonly books: InstantBooks;
}

export interface Beginning {
  readonly agreed: Agreed;
  readonly slices: readonly bigint[];
  /** What the payee has besides, and each payer. */
  readonly purses: readonly [bigint, ...bigint[]];
}

export const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n);
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const refuse = (outcome: string, books: InstantBooks): Told => ({ outcome, books });

/** As open_instant_payout.sql: all of it is reserved. */
export function newWithdrawal({ agreed, slices, purses }: Beginning): InstantBooks {
  const total = sum(slices);
  return {
    agreed,
    withdrawal: {
      state: 'open', total, paid: 0n, held: total, returned: 0n, handed: 0n, closing: null, rest: null, isFillOver: false, told: 0,
    },
    slices: slices.map((amount) => ({
      amount, state: 'unassigned', money: 'held', assignments: [], epoch: 0, utr: null, doubts: [], isPayOver: false, isConfirmOver: false, credits: 0,
    })),
    payins: [],
    proofs: [],
    lates: [],
    bank: [],
    people: purses.map((available, nth) => ({ frozen: false, available, reserved: nth === PAYEE ? total : 0n })),
    debts: [],
  }; // biome-ignore format: lists
}

function at<T>(all: readonly T[], nth: number): T {
  const found = all[nth];
  if (found === undefined) throw new Error(`there is no ${nth}`);
  return found;
}

const changed = <T>(all: readonly T[], nth: number, change: Partial<T>): readonly T[] =>
  all.map((each, index) => (index === nth ? { ...each, ...change } : each));

export const sliceOf = ({ slices }: InstantBooks, nth: number): Slice => at(slices, nth);
export const payinOf = ({ payins }: InstantBooks, nth: number): Payin => at(payins, nth);
export const personOf = ({ people }: InstantBooks, nth: number): Person => at(people, nth);

export const setSlice = (books: InstantBooks, nth: number, change: Partial<Slice>): InstantBooks => ({
  ...books,
  slices: changed(books.slices, nth, change),
});
export const setPayin = (books: InstantBooks, nth: number, change: Partial<Payin>): InstantBooks => ({
  ...books,
  payins: changed(books.payins, nth, change),
});
export const setPerson = (books: InstantBooks, nth: number, change: Partial<Person>): InstantBooks => ({
  ...books,
  people: changed(books.people, nth, change),
});
export const setWithdrawal = (books: InstantBooks, change: Partial<Withdrawal>): InstantBooks => ({
  ...books,
  withdrawal: { ...books.withdrawal, ...change },
});
export const setAssignment = (books: InstantBooks, nth: number, epoch: number, state: AssignmentState): InstantBooks =>
  setSlice(books, nth, { assignments: changed(sliceOf(books, nth).assignments, epoch - 1, { state }) });

export const isFree = ({ state }: Slice): boolean => BATCH_STATES[state].free;
export const isProven = ({ state }: Slice): boolean => BATCH_STATES[state].proven;

/** Of the assignment that counts. */
export const payinOn = ({ assignments, epoch }: Slice): number | null => (epoch > 0 ? at(assignments, epoch - 1).payin : null);

/** As move_instant.sql. */
export function moveSlice(books: InstantBooks, nth: number, fact: BatchFact): InstantBooks {
  const slice = sliceOf(books, nth);
  const edge = BATCH.edgeOf(slice.state, fact);
  if (!edge) throw new Error(`a slice that is ${slice.state} cannot take ${fact}`);
  return setSlice(books, nth, { state: edge.to, doubts: BATCH.isFinal(edge.to) ? [] : slice.doubts });
}

export function movePayin(books: InstantBooks, nth: number, fact: PayinFact): InstantBooks {
  const { state, told } = payinOf(books, nth);
  const edge = PAYIN.edgeOf(state, fact);
  if (!edge) throw new Error(`a payin that is ${state} cannot take ${fact}`);
  return setPayin(books, nth, { state: edge.to, told: edge.effect === 'tell' ? [...told, edge.to] : told });
}

export function moveWithdrawal(books: InstantBooks, fact: InstantPayoutFact): InstantBooks {
  const { state, told } = books.withdrawal;
  const edge = INSTANT_PAYOUT.edgeOf(state, fact);
  if (!edge) throw new Error(`a withdrawal that is ${state} cannot take ${fact}`);
  return setWithdrawal(books, { state: edge.to, told: told + (edge.effect === 'unlock' ? 1 : 0) });
}

export const debtOf = ({ debts }: InstantBooks, nth: number): bigint =>
  sum(debts.filter(({ debtor }) => debtor === nth).map(({ owed }) => owed));

/** New money of somebody's, which repays the oldest debt first (credit.sql). What a creditor is repaid repays nothing. */
export function gain(books: InstantBooks, nth: number, amount: bigint): InstantBooks {
  let left = amount;
  let now = books;
  for (const [index, { debtor, creditor, owed }] of books.debts.entries()) {
    const part = debtor === nth ? least(left, owed) : 0n;
    if (part === 0n) continue;
    now = { ...now, debts: changed(now.debts, index, { owed: owed - part }) };
    now = setPerson(now, creditor, { available: personOf(now, creditor).available + part });
    left -= part;
  }
  return setPerson(now, nth, { available: personOf(now, nth).available + left });
}

/** What merchants do about a user: freeze_user.sql, move_user_money.sql. */
export const freeze = (books: InstantBooks, nth: number, frozen: boolean): Told => ({
  outcome: 'done',
  books: setPerson(books, nth, { frozen }),
});

export function spend(books: InstantBooks, nth: number, amount: bigint): Told {
  const { frozen, available } = personOf(books, nth);
  if (frozen) return refuse('user_frozen', books);
  if (available < amount) return refuse('insufficient_balance', books);
  return { outcome: 'moved', books: setPerson(books, nth, { available: available - amount }) };
}
