/** What payers show, payees and operators say and banks tell, as pure twins of the SQL functions. */
import { BATCH } from '../../src/instant/rules/batchMachine.ts';
import {
  type BankCredit, type Debt, gain, type InstantBooks, isFree, isProven, type LateDecision, least, movePayin, moveSlice, moveWithdrawal, PAYEE, payinOf, personOf, refuse,
  setAssignment, setPayin, setPerson, setSlice, sliceOf, sum, type Told,
} from './books.ts'; // biome-ignore format: a list
import {
  confirmSlice,
  creditSlice,
  endWithdrawal,
  holderOf,
  letGo,
  owe,
  releaseSlice,
  takeBackSlice,
  tellCredited,
} from './money.ts';

export interface Shown {
  readonly utr: string;
  readonly image: string;
}

export const isBankMatched = (books: InstantBooks, nth: number, utr = sliceOf(books, nth).utr): boolean =>
  books.bank.some((each) => each.utr === utr && each.state === 'matched' && each.slice === nth);

/** As hear_bank: what the bank told of a UTR before it was shown belongs to its proof. */
function hearBank(books: InstantBooks, nth: number, utr: string): InstantBooks {
  const { amount } = sliceOf(books, nth);
  const bank = books.bank.map((each) =>
    each.utr === utr && each.state === 'waiting'
      ? { ...each, state: each.amount === amount ? ('matched' as const) : ('differs' as const), slice: nth }
      : each,
  );
  return { ...books, bank };
}

/** As against_bank. */
const overrule = (books: InstantBooks, utr: string | null): InstantBooks => ({
  ...books,
  bank: books.bank.map((each) => (each.utr === utr && each.state === 'matched' ? { ...each, isOverruled: true } : each)),
});

/** As submit_proof.sql. */
export function submitProof(books: InstantBooks, nth: number, payin: number, shown: Shown): Told {
  const slice = sliceOf(books, nth);
  const { utr } = shown;
  const epoch = slice.assignments.findIndex((each) => each.payin === payin) + 1;
  const assignment = slice.assignments[epoch - 1];
  if (!assignment) return refuse('not_assigned', books);
  const before = books.proofs.find((each) => each.payin === payin);
  if (before?.utr === utr) return refuse('already', books);
  if (books.proofs.some((each) => each.utr === utr)) return refuse('utr_used', books);
  if (before) return refuse('proof_exists', books);
  const doubts = doubtsOf(books, nth, payin, shown);
  const isLate = assignment.state === 'expired' || assignment.state === 'taken_back';
  const kept = { ...books, proofs: [...books.proofs, { slice: nth, payin, ...shown }] };
  const noted = hearBank(setPayin(kept, payin, { utr }), nth, utr);
  if (isLate && !isFree(slice)) {
    const late = { ...noted, lates: [...noted.lates, { payin, slice: nth, decision: null, was: null }] };
    const isClosed = slice.state === 'cancelled' || slice.state === 'late_proof';
    return { outcome: 'late', books: movePayin(isClosed ? moveSlice(late, nth, 'proved_late') : late, payin, 'proved_late') };
  }
  const counted = setSlice(setAssignment(noted, nth, epoch, 'proved'), nth, { epoch, utr, doubts });
  return judge(movePayin(moveSlice(counted, nth, 'proved'), payin, 'proved'), nth);
}

/** As doubts_of; of an image only whether it was shown before. */
function doubtsOf(books: InstantBooks, nth: number, payin: number, { utr, image }: Shown): readonly string[] {
  const { amount } = sliceOf(books, nth);
  const doubts = {
    same_image: books.proofs.some((each) => each.image === image),
    amount_differs: books.bank.some((each) => each.utr === utr && each.amount !== amount),
    payer_frozen: personOf(books, payinOf(books, payin).user).frozen,
    payee_frozen: personOf(books, PAYEE).frozen,
  };
  return Object.entries(doubts).flatMap(([doubt, applies]) => (applies ? [doubt] : []));
}

/** As judge_proof. */
function judge(heard: InstantBooks, nth: number): Told {
  const { doubts } = sliceOf(heard, nth);
  if (doubts.length > 0) return { outcome: 'in_review', books: heard };
  const { creditOn, unconfirmedMost } = heard.agreed;
  const { user } = holderOf(heard, nth);
  const isMatched = isBankMatched(heard, nth);
  const unconfirmed = heard.slices.filter(
    (each, index) =>
      each.money === 'credited' &&
      (each.state === 'sys_confirmed' || each.state === 'disputed') &&
      holderOf(heard, index).user === user,
  ).length;
  if (!isMatched && !(creditOn === 'proof' && unconfirmed < unconfirmedMost))
    return { outcome: 'verified', books: moveSlice(setSlice(heard, nth, { isConfirmOver: false }), nth, 'verified') };
  const { outcome, books: credited } = creditSlice(heard, nth);
  if (outcome !== 'credited') return { outcome: 'in_review', books: setSlice(heard, nth, { doubts: [outcome] }) };
  const told = tellCredited(moveSlice(setSlice(credited, nth, { isConfirmOver: false }), nth, 'completed'), nth);
  return isMatched ? confirmSlice(told, nth, 'confirmed') : { outcome: 'credited', books: told };
}

/** As confirm_batch: the payee has it. */
export function confirm(books: InstantBooks, nth: number): Told {
  const slice = sliceOf(books, nth);
  if (slice.state === 'confirmed' || slice.state === 'admin_approved') return refuse('already', books);
  return isProven(slice) ? confirmSlice(books, nth, 'confirmed') : refuse('wrong_state', books);
}

/** As dispute_batch: the payee has not. */
export function dispute(books: InstantBooks, nth: number): Told {
  const slice = sliceOf(books, nth);
  if (slice.state === 'disputed') return refuse('already', books);
  return isProven(slice) ? { outcome: 'disputed', books: openDispute(books, nth) } : refuse('wrong_state', books);
}

const openDispute = (books: InstantBooks, nth: number): InstantBooks =>
  moveWithdrawal(moveSlice(books, nth, 'disputed'), 'disputed');

/** As decide_batch: an operator's last word. */
export function decide(books: InstantBooks, nth: number, decision: 'approve' | 'reject', isAgainstBank = false): Told {
  const slice = sliceOf(books, nth);
  if (slice.state === (decision === 'approve' ? 'admin_approved' : 'rejected')) return refuse('already', books);
  if (!isProven(slice)) return refuse('wrong_state', books);
  if (decision === 'approve') {
    const told = confirmSlice(books, nth, 'approved');
    return told.outcome === 'confirmed' ? { ...told, outcome: 'approved' } : told;
  }
  const isAgainst = isBankMatched(books, nth);
  if (isAgainst && !isAgainstBank) return refuse('bank_matched', books);
  const known = isAgainst ? overrule(books, slice.utr) : books;
  const { payin } = holderOf(known, nth);
  if (slice.money === 'credited') {
    const reversed = movePayin(moveSlice(takeBackSlice(known, nth), nth, 'rejected'), payin, 'reversed');
    return { outcome: 'rejected', books: endWithdrawal(moveWithdrawal(reversed, 'slice_reversed')) };
  }
  const { books: free, isBack } = letGo(known, nth);
  const refused = movePayin(moveSlice(setAssignment(free, nth, slice.epoch, 'refused'), nth, 'rejected'), payin, 'refused');
  return { outcome: 'rejected', books: endWithdrawal(isBack ? moveWithdrawal(refused, 'slice_returned') : refused) };
}

/** As decide_late_proof.sql. */
export function decideLate(books: InstantBooks, payin: number, decision: LateDecision, isAgainstBank = false): Told {
  const known = books.lates.find((each) => each.payin === payin);
  if (!known) return refuse('not_found', books);
  if (known.decision !== null) return refuse(known.decision === decision ? 'already' : 'wrong_state', books);
  const { user, amount, utr } = payinOf(books, payin);
  const isAgainst = decision === 'reject' && utr !== null && isBankMatched(books, known.slice, utr);
  if (isAgainst && !isAgainstBank) return refuse('bank_matched', books);
  let now = isAgainst ? overrule(books, utr) : books;
  const isBack = decision === 'credit' && holdsForRest(books, known.slice);
  if (decision === 'credit') {
    if (personOf(books, PAYEE).frozen) return refuse('payee_frozen', books);
    const isOf = ({ debtor, slice }: Debt): boolean => known.was === 'reversed' && debtor === user && slice === known.slice;
    const due = amount - sum(books.debts.filter(isOf).map(({ owed }) => owed)); // what is owed still was never owed
    now = isBack ? releaseSlice(books, known.slice) : books;
    now = { ...now, debts: now.debts.map((each) => (isOf(each) ? { ...each, owed: 0n } : each)) };
    const { available } = personOf(now, PAYEE);
    const part = least(available, due);
    now = gain(setPerson(now, PAYEE, { available: available - part }), user, part);
    now = owe(now, { debtor: PAYEE, creditor: user, owed: due - part, slice: null });
  }
  const lates = now.lates.map((each) => (each === known ? { ...each, decision } : each));
  now = { ...now, lates };
  const isLast = !lates.some((each) => each.slice === known.slice && each.decision === null);
  if (sliceOf(now, known.slice).state === 'late_proof' && isLast) now = moveSlice(now, known.slice, 'late_decided');
  now = movePayin(now, payin, decision === 'credit' ? 'credited' : known.was === null ? 'refused' : `still_${known.was}`);
  return { outcome: 'decided', books: isBack ? endWithdrawal(moveWithdrawal(now, 'slice_returned')) : now };
}

/** As holds_for_rest: nobody pays it any more, and no payout counts on what it holds. */
function holdsForRest(books: InstantBooks, nth: number): boolean {
  const { money, state } = sliceOf(books, nth);
  return money === 'held' && BATCH.isFinal(state) && books.withdrawal.rest === null;
}

/** As found_by_bank: what an operator said was not paid, and the bank has, is decided again. */
function foundByBank(books: InstantBooks, nth: number, payin: number): InstantBooks {
  const { state } = payinOf(books, payin);
  const before = books.lates.find((each) => each.payin === payin);
  if ((state !== 'failed' && state !== 'reversed') || before?.decision === 'refund') return books;
  const lates = [...books.lates.filter((each) => each !== before), { payin, slice: nth, decision: null, was: state }];
  const isClosed = ['cancelled', 'late_proof'].includes(sliceOf(books, nth).state);
  const opened = { ...books, lates };
  return movePayin(isClosed ? moveSlice(opened, nth, 'proved_late') : opened, payin, 'found');
}

/** What a person is waited for all the same: what money could not do by itself, a bank's word may. */
const MONEY_DOUBTS = ['balance_limit', 'payer_frozen', 'payee_frozen'];

/** As record_bank_credit.sql. */
export function creditByBank(books: InstantBooks, utr: string, amount: bigint): Told {
  if (books.bank.some((each) => each.utr === utr)) return refuse('duplicate', books);
  const proof = books.proofs.find((each) => each.utr === utr);
  const heard = (state: BankCredit['state']): InstantBooks => ({
    ...books,
    bank: [...books.bank, { utr, amount, state, slice: proof?.slice ?? null, isOverruled: false }],
  });
  if (proof === undefined) return { outcome: 'waiting', books: heard('waiting') };
  const nth = proof.slice;
  const slice = sliceOf(books, nth);
  const isCounted = slice.utr === utr;
  const { state, doubts } = slice;
  if (amount === slice.amount) {
    const matched = heard('matched');
    const isReady =
      state === 'sys_confirmed' || (state === 'proof_submitted' && doubts.every((each) => MONEY_DOUBTS.includes(each)));
    return { outcome: 'matched', books: foundByBank(isCounted && isReady ? confirmSlice(matched, nth, 'confirmed').books : matched, nth, proof.payin) }; // biome-ignore format: one glance
  }
  const differs = heard('differs');
  if (!isCounted || (state !== 'proof_submitted' && state !== 'sys_confirmed')) return { outcome: 'differs', books: differs };
  const doubted = setSlice(differs, nth, { doubts: [...doubts, 'amount_differs'] });
  return { outcome: 'differs', books: state === 'sys_confirmed' ? openDispute(doubted, nth) : doubted };
}
