/**
 * Rules that are wrong on purpose, to show that the model sees: three as they were until commit 500d0be, and some made by
 * hand. Each names a set of bounds in which it must be found.
 */
import { newBooks, type PayoutBooks, type ToldFact, tell } from '../src/payouts/rules/books.ts';
import { repeatedIn } from '../src/payouts/rules/machine.ts';
import { next } from '../src/payouts/rules/next.ts';
import { type Bounds, bounds } from './bounds.ts';
import { type Rules, TODAY } from './rules.ts';

export interface Break {
  readonly name: string;
  readonly rules: Rules;
  readonly bounds: Bounds;
}

const withRow = (books: PayoutBooks, attempt: number, change: Partial<PayoutBooks['attempts'][number]>): PayoutBooks => ({
  ...books,
  attempts: books.attempts.map((row, index) => (index + 1 === attempt ? { ...row, ...change } : row)),
});

const isFailure = ({ type }: ToldFact): boolean => type === 'failed' || type === 'attempt_failed';

/** Whatever came before, a refusal counts: as if every request under the key had been certain. */
const refusalProves: typeof tell = (books, fact) =>
  isFailure(fact) && !fact.named
    ? tell(withRow(books, fact.attempt ?? 0, { unknownAt: null, named: false }), { ...fact, source: 'reply' })
    : tell(books, fact);

export const OLD_RULES: readonly Break[] = [
  {
    name: '1.1 a refusal of a resend was taken for proof about the first request',
    rules: { ...TODAY, tell: refusalProves },
    bounds: bounds('1.1', { faults: 2, refusals: 1 }, { attempts: 1 }),
  },
  {
    name: '1.2 what was paid again after a return was swallowed',
    rules: {
      ...TODAY,
      tell: (books, fact) =>
        fact.type === 'paid' && books.state === 'RETURNED' ? { outcome: 'unchanged', books } : tell(books, fact),
    },
    bounds: bounds('1.2', { returns: 2 }, { attempts: 1 }),
  },
  {
    name: '1.3 one silent look-up after the end held up the others',
    rules: {
      ...TODAY,
      next: (mind, nowMs, times) => {
        const { main, confirm } = next(mind, nowMs, times);
        return { main, confirm: mind.confirming.length > 0 ? [] : confirm.slice(0, 1) };
      },
    },
    // Attempt 1 failed, attempt 2 was paid.
    bounds: bounds(
      '1.3',
      { returns: 1, silences: 1, repeats: 1 },
      { attempts: 2, insists: true, start: onceFailedThenPaid(), psp: [{ status: 'failed' }, { status: 'paid' }] },
    ),
  },
];

function onceFailedThenPaid(): Partial<PayoutBooks> {
  const facts: readonly ToldFact[] = [
    { type: 'attempt_started', attempt: 1 },
    { type: 'attempt_failed', attempt: 1, named: true },
    { type: 'attempt_started', attempt: 2 },
    { type: 'paid', attempt: 2, named: true },
  ];
  return told(facts);
}

/** Its first attempt has failed, and the second is to be sent. */
export function ofSecondAttempt(): Pick<Bounds, 'start' | 'psp'> {
  const facts: readonly ToldFact[] = [
    { type: 'attempt_started', attempt: 1 },
    { type: 'attempt_failed', attempt: 1, named: true },
  ];
  return { start: told(facts), psp: [{ status: 'failed', mayRetry: true }] };
}

/**
 * The PSP has had two more attempts than the books, which were restored: the second was refused at its door, the third is
 * paid. What is asked for before the PSP has spoken is a second payment, which nobody can know: so it counts as a lie.
 */
export function ofForgotten(): Pick<Bounds, 'start' | 'psp'> {
  const { start, psp } = ofSecondAttempt();
  return { start, psp: [...psp, {}, { status: 'paid', lied: true, owesMessage: true }] };
}

/** Both its attempts have failed, and so has it. */
export function ofTwoFailed(): Pick<Bounds, 'start' | 'psp'> {
  const facts: readonly ToldFact[] = [
    { type: 'attempt_started', attempt: 1 },
    { type: 'attempt_failed', attempt: 1, named: true },
    { type: 'attempt_started', attempt: 2 },
    { type: 'failed', attempt: 2, named: true },
  ];
  return { start: told(facts), psp: [{ status: 'failed', mayRetry: true }, { status: 'failed' }] };
}

function told(facts: readonly ToldFact[]): PayoutBooks {
  return facts.reduce((books, fact) => tell(books, fact).books, newBooks());
}

export const MADE_BY_HAND: readonly Break[] = [
  {
    name: 'a look-up that finds nothing counts as a failure, and the money is released',
    rules: {
      ...TODAY,
      tell: refusalProves,
      factsOf: (reply, context) =>
        reply.kind === 'not_found'
          ? TODAY.factsOf({ kind: 'failed', pspRef: null, failure: { class: 'F', code: 'gone', message: 'gone' } }, context)
          : TODAY.factsOf(reply, context),
    },
    bounds: bounds('not found', { faults: 2 }, { attempts: 1 }),
  },
  {
    name: 'an attempt whose outcome is unknown is given up for a new key',
    rules: {
      ...TODAY,
      next: (mind, nowMs, times) => {
        const acts = next(mind, nowMs, times);
        const { main } = acts;
        return main.do === 'send' && mind.seen.state === 'UNKNOWN'
          ? { ...acts, main: { ...main, attempt: main.attempt + 1 } }
          : acts;
      },
      tell: (books, fact) =>
        fact.type === 'attempt_started' && books.state === 'UNKNOWN'
          ? tell(withRow(books, books.attempts.length, { state: 'failed', proof: 'refused' }), fact)
          : tell(books, fact),
    },
    bounds: bounds('new key', { faults: 2 }),
  },
  {
    name: 'a payout can be cancelled while its request is on the wire',
    rules: {
      ...TODAY,
      tell: (books, fact) =>
        fact.type === 'cancelled' && books.state === 'SUBMITTING' ? tell({ ...books, state: 'QUEUED' }, fact) : tell(books, fact),
    },
    bounds: bounds('cancelled', { acts: 1 }, { attempts: 1 }),
  },
  {
    name: 'the books do not ask whether a pause holds',
    rules: { ...TODAY, tell: (books, fact) => tell({ ...books, isPaused: false }, fact) },
    bounds: bounds('paused', { pauses: 1 }, { attempts: 1 }),
  },
];

/** What the model itself found first in the rules of its day. */
export const FOUND: readonly Break[] = [
  {
    name: 'of a doubted attempt, the word that it failed was taken for a repetition',
    rules: {
      ...TODAY,
      isRepeated: (now, claim) => TODAY.isRepeated({ ...now, attemptState: repeatedIn(claim)?.attemptState ?? null }, claim),
    },
    bounds: bounds('doubted', { lies: 1, acts: 1 }, { attempts: 1, messages: 1 }),
  },
  {
    name: 'with one attempt paid and another in flight, the next word about that one took the payout away from its operator',
    rules: {
      ...TODAY,
      tell: (books, fact) => {
        const told = tell(books, fact);
        const isCleared = told.edge?.from === 'UNRESOLVED' && told.edge.to === 'PROCESSING';
        return isCleared ? { ...told, books: { ...told.books, needsOperator: false } } : told;
      },
    },
    bounds: bounds('cleared', { lies: 1 }, { messages: 1, ...ofSecondAttempt() }),
  },
];
