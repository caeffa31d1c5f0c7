/** What becomes of a slice's money, and of its withdrawal, as pure twins of prisma/functions/instant/slices.sql. */
import { BATCH, type BatchFact } from '../../src/instant/rules/batchMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';
import {
  type Debt, gain, type InstantBooks, least, movePayin, moveSlice, moveWithdrawal, PAYEE, payinOf, payinOn, personOf, refuse,
  setAssignment, setPerson, setSlice, setWithdrawal, sliceOf, type Told,
} from './books.ts'; // biome-ignore format: a list

/** Who has the slice; it must be somebody's. */
export function holderOf(books: InstantBooks, nth: number): { readonly payin: number; readonly user: number } {
  const payin = payinOn(sliceOf(books, nth));
  if (payin === null) throw new Error(`slice ${nth} is nobody's`);
  return { payin, user: payinOf(books, payin).user };
}

export const owe = (books: InstantBooks, debt: Debt): InstantBooks =>
  debt.owed > 0n ? { ...books, debts: [...books.debts, debt] } : books;

/** As credit_slice. */
export function creditSlice(books: InstantBooks, nth: number): Told {
  const { amount, money, epoch, credits } = sliceOf(books, nth);
  const { user } = holderOf(books, nth);
  if (money !== 'held') throw new Error(`the money of slice ${nth} is ${money}`);
  if (personOf(books, PAYEE).frozen) return refuse('payee_frozen', books); // a frozen payer is credited all the same
  const { reserved } = personOf(books, PAYEE);
  const paid = gain(setPerson(books, PAYEE, { reserved: reserved - amount }), user, amount);
  const settled = setAssignment(setSlice(paid, nth, { money: 'credited', credits: credits + 1 }), nth, epoch, 'settled');
  const { paid: before, held } = books.withdrawal;
  return { outcome: 'credited', books: setWithdrawal(settled, { paid: before + amount, held: held - amount }) };
}

/** As release_slice. */
export function releaseSlice(books: InstantBooks, nth: number): InstantBooks {
  const { amount, money } = sliceOf(books, nth);
  if (money !== 'held') throw new Error(`the money of slice ${nth} is ${money}`);
  const { reserved } = personOf(books, PAYEE);
  const { returned, held } = books.withdrawal;
  const back = gain(setPerson(books, PAYEE, { reserved: reserved - amount }), PAYEE, amount); // what the payee owes is repaid first
  return setWithdrawal(setSlice(back, nth, { money: 'released' }), { returned: returned + amount, held: held - amount });
}

/** As let_go: whether it came back. */
export function letGo(books: InstantBooks, nth: number): { readonly books: InstantBooks; readonly isBack: boolean } {
  const isPaidLate = books.lates.some(({ slice, decision }) => slice === nth && decision === 'credit');
  const isBack = books.agreed.onUnfilled === 'refund' || books.withdrawal.closing === 'cancelled' || isPaidLate;
  return { books: isBack ? releaseSlice(books, nth) : books, isBack };
}

/** As take_back_slice: as far as it is there; the payer owes the payee the rest. */
export function takeBackSlice(books: InstantBooks, nth: number): InstantBooks {
  const { amount, money } = sliceOf(books, nth);
  const { user } = holderOf(books, nth);
  if (money !== 'credited') throw new Error(`the money of slice ${nth} is ${money}`);
  const { available } = personOf(books, user);
  const part = least(available, amount);
  let now = setPerson(books, user, { available: available - part });
  now = gain(now, PAYEE, part);
  now = owe(now, { debtor: user, creditor: PAYEE, owed: amount - part, slice: nth });
  const { paid, returned } = now.withdrawal;
  return setWithdrawal(setSlice(now, nth, { money: 'reversed' }), { paid: paid - amount, returned: returned + amount });
}

/** As end_instant_payout. */
export function endWithdrawal(books: InstantBooks): InstantBooks {
  const { slices } = books;
  const isDisputed = slices.some(({ state }) => state === 'disputed');
  const { state, paid: before } = books.withdrawal;
  const now =
    state === 'disputed' && !isDisputed ? moveWithdrawal(books, before > 0n ? 'dispute_over' : 'dispute_over_unpaid') : books;
  const { held, paid, handed, total, state: is } = now.withdrawal;
  if (held > 0n || INSTANT_PAYOUT.isFinal(is) || slices.some((each) => !BATCH.isFinal(each.state))) return now;
  const fact = paid === total ? 'completed' : paid > 0n || handed > 0n ? 'completed_in_part' : 'cancelled';
  return moveWithdrawal(now, fact);
}

/** As tell_credited. */
export const tellCredited = (books: InstantBooks, nth: number): InstantBooks =>
  moveWithdrawal(movePayin(books, holderOf(books, nth).payin, 'credited'), 'slice_paid');

/** As confirm_slice: the last word that it was paid. */
export function confirmSlice(books: InstantBooks, nth: number, fact: Extract<BatchFact, 'confirmed' | 'approved'>): Told {
  const isNew = sliceOf(books, nth).money === 'held';
  const credited = isNew ? creditSlice(books, nth) : { outcome: 'credited', books };
  if (credited.outcome !== 'credited') return refuse(credited.outcome, books);
  const moved = moveSlice(credited.books, nth, fact);
  return { outcome: 'confirmed', books: endWithdrawal(isNew ? tellCredited(moved, nth) : moved) };
}
