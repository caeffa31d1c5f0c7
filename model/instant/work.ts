/**
 * What the workflows of a withdrawal, its slices and its payins do: each looks into the books, does what is due, and sleeps until a time
 * or a word (activities/instant/look.ts, workflows/instant/look.ts). A look is one function of the books after the other.
 */
import { BATCH, BATCH_STATES } from '../../src/instant/rules/batchMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';
import { type InstantBooks, payinOf, sliceOf } from './books.ts';
import type { InstantRules } from './rules.ts';
import { lapsePayin, matchPayin, matchSlice } from './slices.ts';

/** `w`, the withdrawal; `s0`, a slice; `p0`, a payin. */
export type Subject = 'w' | `s${number}` | `p${number}`;

/** Asked, it looks at once; else it sleeps until a time that stands in the books, or until it is told. */
export type Sleep = 'asked' | 'time' | 'word';

export interface Looked {
  readonly books: InstantBooks;
  /** Whose workflows it tells. */
  readonly tells: readonly Subject[];
  /** `asked`: something was done, and it must be looked at anew; `over`: its workflow ends. */
  readonly next: Sleep | 'over';
}

const nthOf = (subject: Subject): number => Number(subject.slice(1));

/** One function of the books, and what follows from its answer. */
export function look(books: InstantBooks, subject: Subject, rules: InstantRules): Looked {
  const looked = lookAt(books, subject, rules);
  // What did nothing, and is done again, is tried again later.
  return looked.next === 'asked' && looked.books === books ? { ...looked, next: 'time' } : looked;
}

function lookAt(books: InstantBooks, subject: Subject, rules: InstantRules): Looked {
  if (subject === 'w') return lookAtWithdrawal(books, rules);
  return subject.startsWith('s') ? lookAtSlice(books, nthOf(subject), rules) : lookAtPayin(books, nthOf(subject));
}

function lookAtSlice(books: InstantBooks, nth: number, rules: InstantRules): Looked {
  const { state, epoch, doubts } = sliceOf(books, nth);
  if (BATCH_STATES[state].free) {
    const told = matchSlice(books, nth);
    if (told.outcome === 'free') return { books, tells: [], next: 'time' };
    const payin = told.books.slices[nth]?.assignments.at(-1)?.payin;
    return { books: told.books, tells: payin === undefined ? [] : [`p${payin}`], next: 'asked' };
  }
  if (state === 'assigned') {
    const told = rules.lapse(books, nth, epoch);
    return { books: told.books, tells: [], next: told.outcome === 'early' ? 'time' : 'asked' };
  }
  if (BATCH.isFinal(state)) return { books, tells: ['w'], next: 'over' };
  if (doubts.length > 0 || state === 'disputed') return { books, tells: [], next: 'time' }; // an operator looks, and then another
  if (state !== 'sys_confirmed') return { books, tells: [], next: 'word' };
  const told = rules.tire(books, nth);
  return { books: told.books, tells: [], next: told.books === books ? 'time' : 'asked' };
}

function lookAtPayin(books: InstantBooks, payin: number): Looked {
  const matched = matchPayin(books, payin);
  if (matched.outcome === 'waiting') {
    const lapsed = lapsePayin(books, payin);
    return { books: lapsed.books, tells: [], next: lapsed.outcome === 'early' ? 'time' : 'over' };
  }
  const { state, slice } = payinOf(matched.books, payin);
  return { books: matched.books, tells: state === 'assigned' && slice !== null ? [`s${slice}`] : [], next: 'over' };
}

function lookAtWithdrawal(books: InstantBooks, rules: InstantRules): Looked {
  const { state, closing, isFillOver } = books.withdrawal;
  const isFillable = closing === null && !INSTANT_PAYOUT.isFinal(state);
  if (isFillable && isFillOver) {
    const { outcome, books: after } = rules.close(books, 'unfilled');
    const over = after.slices.flatMap((each, nth): Subject[] => (BATCH.isFinal(each.state) ? [`s${nth}`] : []));
    if (outcome === 'closed') return { books: after, tells: over, next: 'asked' };
  }
  const { outcome, books: asked } = rules.restOf(books);
  if (outcome === 'over') return { books, tells: [], next: 'over' };
  if (outcome === 'user_frozen') return { books, tells: [], next: 'time' };
  if (outcome === 'waiting') return { books, tells: [], next: isFillable ? 'time' : 'word' };
  if (asked !== books) return { books: asked, tells: [], next: 'asked' };
  const taken = rules.takeRest(books);
  const after = taken.outcome === 'refused' ? rules.giveBack(books).books : taken.books;
  return { books: after, tells: [], next: 'asked' };
}

/** Whether a look would find something to do. */
export function isDue(books: InstantBooks, subject: Subject, rules: InstantRules): boolean {
  return look(books, subject, rules).books !== books;
}

/** As lookAfterInstantPayouts: something that has a time that is over, or a step that is to come by itself. */
export function isOverdue(books: InstantBooks, subject: Subject): boolean {
  if (subject === 'w') {
    const { state, closing, isFillOver } = books.withdrawal;
    if (INSTANT_PAYOUT.isFinal(state)) return false;
    return (closing === null && isFillOver) || books.slices.every((each) => BATCH.isFinal(each.state));
  }
  if (subject.startsWith('p')) {
    const { state, isWaitOver } = payinOf(books, nthOf(subject));
    return state === 'waiting' && isWaitOver;
  }
  const { state, isPayOver, isConfirmOver, doubts } = sliceOf(books, nthOf(subject));
  return state === 'assigned' ? isPayOver : state === 'sys_confirmed' && doubts.length === 0 && isConfirmOver;
}
