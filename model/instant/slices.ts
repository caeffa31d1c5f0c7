/** How a slice comes to a payer and from the payer, and what its deadlines say, as pure twins of the SQL functions. */
import { BATCH } from '../../src/instant/rules/batchMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';
import {
  type InstantBooks, isFree, type LateProof, movePayin, moveSlice, moveWithdrawal, PAYEE, type Payin, payinOf, payinOn, personOf, refuse,
  setAssignment, setPayin, setSlice, setWithdrawal, sliceOf, type Told,
} from './books.ts'; // biome-ignore format: a list
import { confirmSlice, endWithdrawal, letGo, releaseSlice } from './money.ts';
import { isBankMatched } from './proofs.ts';

const NEW_PAYIN = { state: 'waiting', slice: null, utr: null, isWaitOver: false, told: [] } as const satisfies Partial<Payin>;

/** As payer_fault. Nobody cools down here: the time for it is none. */
function faultOf(books: InstantBooks, user: number): string | undefined {
  if (personOf(books, user).frozen) return 'user_frozen';
  const isBusy = books.slices.some(({ assignments }) =>
    assignments.some(({ payin, state }) => state === 'open' && payinOf(books, payin).user === user),
  );
  return isBusy ? 'payer_busy' : undefined;
}

/** As free_batch: the oldest that this payer may take. */
const freeFor = (books: InstantBooks, user: number, amount: bigint): number =>
  user === PAYEE || personOf(books, PAYEE).frozen ? -1 : books.slices.findIndex((each) => isFree(each) && each.amount === amount);

/** As assign_slice. */
function assign(books: InstantBooks, nth: number, payin: number): InstantBooks {
  const assignments = [...sliceOf(books, nth).assignments, { payin, state: 'open' as const }];
  const given = setSlice(books, nth, { assignments, epoch: assignments.length, isPayOver: false });
  return movePayin(moveSlice(setPayin(given, payin, { slice: nth }), nth, 'assigned'), payin, 'matched');
}

/** As open_payin of a named slice. */
export function claim(books: InstantBooks, user: number, nth: number): Told {
  const slice = sliceOf(books, nth);
  if (user === PAYEE) return refuse('own_batch', books);
  if (!isFree(slice) || personOf(books, PAYEE).frozen) return refuse('batch_taken', books);
  const fault = faultOf(books, user);
  if (fault) return refuse(fault, books);
  const opened = { ...books, payins: [...books.payins, { ...NEW_PAYIN, user, amount: slice.amount }] };
  return { outcome: 'opened', books: assign(opened, nth, books.payins.length) };
}

/** As open_payin of an amount: whichever slice is free, or none as yet. */
export function deposit(books: InstantBooks, user: number, amount: bigint): Told {
  const fault = faultOf(books, user);
  if (fault) return refuse(fault, books);
  const nth = freeFor(books, user, amount);
  const opened = { ...books, payins: [...books.payins, { ...NEW_PAYIN, user, amount }] };
  return { outcome: 'opened', books: nth < 0 ? opened : assign(opened, nth, books.payins.length) };
}

/** As match_payin. */
export function matchPayin(books: InstantBooks, payin: number): Told {
  const { state, user, amount } = payinOf(books, payin);
  if (state !== 'waiting') return refuse('settled', books);
  const nth = freeFor(books, user, amount);
  if (nth < 0 || faultOf(books, user)) return refuse('waiting', books);
  return { outcome: 'matched', books: assign(books, nth, payin) };
}

/** As match_batch. */
export function matchSlice(books: InstantBooks, nth: number): Told {
  const slice = sliceOf(books, nth);
  if (!isFree(slice)) return refuse('settled', books);
  const waits = ({ state, amount, user, isWaitOver }: Payin): boolean =>
    state === 'waiting' && amount === slice.amount && !isWaitOver && user !== PAYEE && faultOf(books, user) === undefined;
  const payin = personOf(books, PAYEE).frozen ? -1 : books.payins.findIndex(waits);
  return payin < 0 ? refuse('free', books) : { outcome: 'matched', books: assign(books, nth, payin) };
}

/** As give_up_assignment: for another, or, once too many had it or the withdrawal is closing, for nobody. */
function giveUp(books: InstantBooks, nth: number, state: 'expired' | 'taken_back'): Told {
  const slice = sliceOf(books, nth);
  const payin = payinOn(slice);
  if (payin === null) throw new Error(`slice ${nth} is nobody's`);
  const isUnfilled = books.withdrawal.closing !== null || slice.assignments.length > books.agreed.reassignMost;
  const given = setAssignment(books, nth, slice.epoch, state);
  const { books: free, isBack } = isUnfilled ? letGo(given, nth) : { books: given, isBack: false };
  const moved = setSlice(moveSlice(free, nth, isUnfilled ? 'unfilled' : state), nth, { epoch: 0, isPayOver: false });
  const lapsed = movePayin(moved, payin, 'lapsed');
  const told = isBack ? moveWithdrawal(lapsed, 'slice_returned') : lapsed;
  return { outcome: isUnfilled ? 'unfilled' : 'reassigned', books: isUnfilled ? endWithdrawal(told) : told };
}

/** As lapse_assignment. */
export function lapseAssignment(books: InstantBooks, nth: number, of: number): Told {
  const { state, epoch, isPayOver } = sliceOf(books, nth);
  if (state !== 'assigned' || epoch !== of) return refuse('stale', books);
  return isPayOver ? giveUp(books, nth, 'expired') : refuse('early', books);
}

/** As reassign_batch: a person takes it back before its time is over. */
export function reassign(books: InstantBooks, nth: number, of: number): Told {
  const { state, epoch } = sliceOf(books, nth);
  return state !== 'assigned' || epoch !== of ? refuse('stale', books) : giveUp(books, nth, 'taken_back');
}

/** As lapse_confirmation: the payee has said nothing for too long. */
export function lapseConfirmation(books: InstantBooks, nth: number): Told {
  const { state, isConfirmOver, doubts } = sliceOf(books, nth);
  if (state !== 'sys_confirmed') return refuse('stale', books);
  if (!isConfirmOver) return refuse('early', books);
  if (isBankMatched(books, nth)) return confirmSlice(books, nth, 'confirmed');
  if (doubts.includes('not_confirmed')) return refuse('in_review', books);
  return {
    outcome: 'in_review',
    books: moveSlice(setSlice(books, nth, { doubts: [...doubts, 'not_confirmed'] }), nth, 'unconfirmed'),
  };
}

/** As lapse_payin. */
export function lapsePayin(books: InstantBooks, payin: number): Told {
  const { state, isWaitOver } = payinOf(books, payin);
  if (state !== 'waiting') return refuse('settled', books);
  return isWaitOver ? { outcome: 'expired', books: movePayin(books, payin, 'lapsed') } : refuse('early', books);
}

/** As close_instant_payout. */
export function close(books: InstantBooks, reason: 'cancelled' | 'unfilled'): Told {
  const { state, closing, rest } = books.withdrawal;
  if (INSTANT_PAYOUT.isFinal(state)) return refuse(closing === reason ? 'already' : 'over', books);
  if (closing === reason || closing === 'cancelled') return refuse('already', books);
  if (rest !== null) return refuse('handing_over', books);
  let now = setWithdrawal(books, { closing: reason });
  for (const [nth, slice] of books.slices.entries()) {
    if (slice.money !== 'held' || !(isFree(slice) || BATCH.isFinal(slice.state))) continue;
    now = letGo(now, nth).books;
    if (isFree(slice)) now = moveSlice(now, nth, 'closed');
  }
  return { outcome: 'closed', books: endWithdrawal(moveWithdrawal(now, 'closing')) };
}

/** As rest_of_instant_payout. */
export function restOf(books: InstantBooks): Told {
  const { state, rest } = books.withdrawal;
  if (INSTANT_PAYOUT.isFinal(state)) return refuse('over', books);
  if (books.slices.some((each) => !BATCH.isFinal(each.state))) return refuse('waiting', books);
  if (rest === null && books.lates.some((late) => isPaidByBank(books, late))) return refuse('waiting', books);
  if (personOf(books, PAYEE).frozen) return refuse('user_frozen', books);
  return { outcome: 'hand_over', books: rest === null ? setWithdrawal(books, { rest: 'allotted' }) : books };
}

/** Of a slice that still holds its money, and an operator is to decide. */
export const isPaidByBank = (books: InstantBooks, { payin, slice, decision }: LateProof): boolean => {
  const { utr } = payinOf(books, payin);
  return decision === null && sliceOf(books, slice).money === 'held' && utr !== null && isBankMatched(books, slice, utr);
};

/** The payout of the rest is taken in (reserve_payout.sql): what is held stays reserved, and is the payout's. */
export function takeRest(books: InstantBooks): Told {
  const { rest, held } = books.withdrawal;
  if (rest === 'refused') return refuse('refused', books);
  if (rest !== 'allotted') return refuse('already', books);
  const slices = books.slices.map((each) => (each.money === 'held' ? { ...each, money: 'handed' as const } : each));
  const taken = setWithdrawal({ ...books, slices }, { rest: 'taken', handed: held, held: 0n });
  return { outcome: 'reserved', books: endWithdrawal(taken) };
}

/** It is refused, for ever (refuse_payout). */
export const refuseRest = (books: InstantBooks): Told =>
  books.withdrawal.rest === 'allotted'
    ? { outcome: 'refused', books: setWithdrawal(books, { rest: 'refused' }) }
    : refuse('already', books);

/** As give_back_rest. */
export function giveBackRest(books: InstantBooks): Told {
  const { state, rest } = books.withdrawal;
  if (INSTANT_PAYOUT.isFinal(state)) return refuse('over', books);
  if (rest !== 'refused') return refuse('wrong_state', books);
  const held = [...books.slices.entries()].filter(([, { money }]) => money === 'held');
  return { outcome: 'given_back', books: endWithdrawal(held.reduce((now, [nth]) => releaseSlice(now, nth), books)) };
}

/** What the clock says. */
export const passPayTime = (books: InstantBooks, nth: number): InstantBooks => setSlice(books, nth, { isPayOver: true });
export const passConfirmTime = (books: InstantBooks, nth: number): InstantBooks => setSlice(books, nth, { isConfirmOver: true });
export const passWaitTime = (books: InstantBooks, nth: number): InstantBooks => setPayin(books, nth, { isWaitOver: true });
export const passFillTime = (books: InstantBooks): InstantBooks => setWithdrawal(books, { isFillOver: true });
