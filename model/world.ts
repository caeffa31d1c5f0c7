/**
 * The world of one payout: the books, the workflows that drive it, what they have under way, the PSP's own book, and the
 * messages that the PSP sent. Everything else in this folder says how one world becomes another.
 *
 * Time is abstract. A timer may fire at any moment after it was set, and a deadline may pass at any moment, so no number of
 * milliseconds is in here: whatever the order of events in a real installation, some world here has had it.
 */
import { newBooks, type PayoutBooks, type ToldFact, unprovenOf } from '../src/payouts/rules/books.ts';
import { type PayoutTimes, saysAlive } from '../src/payouts/rules/contract.ts';
import type { PayoutState } from '../src/payouts/rules/machine.ts';
import { type Mind, newMind, type Seen } from '../src/payouts/rules/next.ts';
import type { Bounds, Left } from './bounds.ts';
import { newKey, type PspKey } from './pspKey.ts';

export interface World {
  readonly books: PayoutBooks;
  /** Attempts that earlier rounds had. */
  readonly attemptsBefore: number;
  /** Steps that are in the books: done again, they change nothing. */
  readonly steps: readonly Step[];
  readonly runs: readonly Run[];
  /** Work that goes on though its workflow gave it up for lost, or is gone. */
  readonly orphans: readonly Task[];
  /** What the PSP has under each key of ours: of attempt 1 first. */
  readonly psp: readonly PspKey[];
  /** Stored, and not dealt with. */
  readonly messages: readonly Message[];
  /** Until when the newest attempt's outcome may stay unknown has passed. */
  readonly isLate: boolean;
  /** How each attempt stood, here and at the PSP, when an operator acknowledged that; null once that has changed. */
  readonly acknowledged: readonly (string | null)[];
  /** A pause holds: nothing new may be sent. */
  readonly isPaused: boolean;
  readonly left: Left;
}

/** A step key (steps.ts), apart. */
export interface Step {
  readonly fact: string;
  readonly attempt: number;
  readonly sequence: number;
}

/** A workflow: the payout's own, or one that takes what comes after its end. */
export interface Run {
  readonly kind: 'payout' | 'follow_up';
  readonly mind: Mind;
  readonly tasks: readonly Task[];
}

/** `sequence`: the newest event that the decider had seen. `facts`: what is still to be told, in order. */
export type Task = Submit | LookUp | Own;

export interface Submit {
  readonly what: 'submit';
  readonly attempt: number;
  readonly sequence: number;
  readonly isResend: boolean;
  /** The request is to be written down, is on its way, is at the PSP, or its answer is to be written down. */
  readonly step: 'begin' | 'send' | 'taken' | 'record';
  readonly askedAt: number;
  readonly facts: readonly ToldFact[];
}

export interface LookUp {
  readonly what: 'look_up';
  readonly why: 'main' | 'check' | 'message';
  readonly attempt: number;
  readonly sequence: number;
  readonly known: PayoutState;
  readonly isDoubted: boolean;
  /** It was answered by an index that is behind. */
  readonly isBehind: boolean;
  readonly step: 'asked' | 'record';
  readonly askedAt: number;
  readonly facts: readonly ToldFact[];
}

/** A fact that the workflow itself concludes. */
export interface Own {
  readonly what: 'own';
  readonly attempt: number;
  readonly sequence: number;
  readonly fact: ToldFact;
}

export interface Message {
  readonly id: string;
  readonly attempt: number;
  readonly claim: 'paid' | 'failed' | 'returned' | 'queued' | 'held' | 'processing';
  /** How often the payout had come back when it was stored. */
  readonly returns: number;
  /** Closed, because a look-up that was behind said something else: it is handed on again. */
  readonly isContradicted: boolean;
}

/** No wait: whatever may happen later may happen at once. Only the outcome's deadline is told apart, by `isLate`. */
export const TIMES: PayoutTimes = {
  reviewWindowMs: 0,
  retryWaitMs: 0,
  retryWaitMaxMs: 0,
  firstLookUpMs: 0,
  lookUpMaxMs: 0,
  notFoundGraceMs: 0,
  outcomeDeadlineMs: 1000,
};
const DEADLINE = new Date(1000).toISOString();
export const nowOf = ({ isLate }: World): number => (isLate ? 2000 : 0);

export function startOf(bounds: Bounds): World {
  const books = newBooks(bounds.start);
  const empty: World = {
    books,
    attemptsBefore: 0,
    steps: [],
    runs: [],
    orphans: [],
    psp: bounds.psp.map((key) => ({ ...newKey(), ...key })),
    messages: [],
    isLate: false,
    acknowledged: [],
    isPaused: false,
    left: bounds.left,
  };
  return { ...empty, runs: [{ kind: 'payout', mind: newMind(seenOf(empty), 1, 0), tasks: [] }] };
}

/** The payout's record, as far as the workflow reads it: what SQL `payout_record` makes of the books. */
export function seenOf({ books, attemptsBefore }: World): Seen {
  const newest = books.attempts.at(-1);
  return {
    state: books.state,
    sequence: books.sequence,
    round: books.round,
    attempt: books.attempts.length,
    attemptsBefore,
    attemptOpen: newest?.state === 'open',
    unproven: unprovenOf(books),
    dispatch: books.run === 'none' ? 'now' : 'run',
    runId: books.run === 'come' ? 'run' : null,
    nextAttemptAt: null,
    reviewUntil: null,
    outcomeUntil: newest !== undefined && newest.unknownAt !== null ? DEADLINE : null,
  };
}

/** The attempts that stored messages, not dealt with, say are alive: what SQL `has_unread_message` reads. */
export const unreadOf = ({ messages }: World): readonly number[] =>
  messages.filter(({ claim, isContradicted }) => !isContradicted && saysAlive(claim)).map(({ attempt }) => attempt);

export const payoutRun = ({ runs }: World): Run | undefined => runs.find(({ kind }) => kind === 'payout');
export const keyOf = ({ psp }: World, attempt: number): PspKey => psp[attempt - 1] ?? newKey();

/** How each attempt stands in the books and, as far as money goes, at the PSP: of one in doubt nobody knows until the PSP shows its end. */
export const standingOf = (world: World): readonly string[] =>
  world.books.attempts.map(({ state }, index) => {
    const { status } = keyOf(world, index + 1);
    const hasEnded =
      status === 'failed' || status === 'returned' || (state !== 'doubted' && (status === 'paid' || status === 'none'));
    return `${state}/${hasEnded ? status : 'out'}`;
  });

export const isDoubt = (standing: string | null | undefined): boolean => standing?.startsWith('doubted/') ?? false;

export const setKey = (world: World, attempt: number, change: Partial<PspKey>): World => ({
  ...world,
  psp: Array.from({ length: Math.max(world.psp.length, attempt) }, (_, index) =>
    index + 1 === attempt ? { ...keyOf(world, attempt), ...change } : (world.psp[index] ?? newKey()),
  ),
});

export const spend = (world: World, budget: keyof Left): World => ({
  ...world,
  left: { ...world.left, [budget]: world.left[budget] - 1 },
});

export const setRun = (world: World, run: Run, changed: Run): World => ({
  ...world,
  runs: world.runs.map((each) => (each === run ? changed : each)),
});
