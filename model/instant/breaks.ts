/** Rules of instant payouts that are wrong on purpose, to show that the model sees. Each names bounds in which it must be found. */
import { type InstantBooks, setSlice, setWithdrawal, sliceOf, type Told } from './books.ts';
import { creditSlice } from './money.ts';
import { confirm, creditByBank, decide, decideLate, submitProof } from './proofs.ts';
import { INSTANT_TODAY, type InstantBounds, type InstantRules, instantBounds } from './rules.ts';
import { claim, close, lapseAssignment } from './slices.ts';

export interface InstantBreak {
  readonly name: string;
  readonly rules: InstantRules;
  readonly bounds: InstantBounds;
}

const broken = (
  name: string,
  rules: Partial<InstantRules>,
  left: Parameters<typeof instantBounds>[1],
  more: Parameters<typeof instantBounds>[2] = { payers: 1 },
): InstantBreak => ({ name, rules: { ...INSTANT_TODAY, ...rules }, bounds: instantBounds(name, left, more) });

/** Refused, it changes nothing, as with the rules of today. */
const unless = (outcome: string, told: Told, books: InstantBooks): Told => (told.outcome === outcome ? { ...told, books } : told);

const PSP = { payers: 1, agreed: { onUnfilled: 'psp' } } as const;

export const INSTANT_BREAKS: readonly InstantBreak[] = [
  broken(
    'a slice that was credited at its proof is credited again when the payee confirms',
    {
      confirm: (books, nth) => {
        const told = confirm(books, nth);
        if (told.outcome !== 'confirmed' || sliceOf(books, nth).money !== 'credited') return told;
        const again = creditSlice(setSlice(told.books, nth, { money: 'held' }), nth);
        return { ...told, books: again.books };
      },
    },
    { claims: 1, proofs: 1, confirms: 1 },
  ),
  broken(
    'a UTR proves two payments',
    {
      prove: (books, nth, payin, shown) => {
        const told = submitProof(books, nth, payin, shown);
        if (told.outcome !== 'utr_used') return told;
        const { books: after, ...rest } = submitProof({ ...books, proofs: [] }, nth, payin, shown);
        return { ...rest, books: { ...after, proofs: [...books.proofs, ...after.proofs] } };
      },
    },
    { claims: 2, proofs: 2 },
    { payers: 1, isForged: true },
  ),
  broken(
    'who proves after the deadline is not heard',
    {
      prove: (books, nth, payin, shown) => {
        const told = submitProof(books, nth, payin, shown);
        if (told.outcome !== 'late') return told;
        return { outcome: 'late', books: { ...told.books, lates: books.lates, slices: books.slices, payins: books.payins.map((each, index) => (index === payin ? { ...each, utr: shown.utr } : each)) } }; // biome-ignore format: one glance
      },
    },
    { claims: 1, proofs: 1 },
  ),
  broken(
    "the deadline of an earlier payer takes the slice from the next",
    {
      lapse: (books, nth, epoch) => {
        const { epoch: counts } = sliceOf(books, nth);
        return epoch < counts ? lapseAssignment(setSlice(books, nth, { isPayOver: true }), nth, counts) : lapseAssignment(books, nth, epoch);
      },
    },
    { claims: 2 },
  ), // biome-ignore format: one glance
  broken(
    'a slice that somebody has is given to another',
    {
      claim: (books, user, nth) => {
        const slice = sliceOf(books, nth);
        if (slice.state !== 'assigned') return claim(books, user, nth);
        return unless('payer_busy', claim(setSlice(books, nth, { state: 'reassigned' }), user, nth), books);
      },
    },
    { claims: 2 },
    { payers: 2 },
  ),
  broken(
    'a rejected slice leaves its payer the credit',
    {
      decide: (books, nth, decision, isAgainstBank) => {
        const told = decide(books, nth, decision, isAgainstBank);
        return told.outcome === 'rejected' && sliceOf(books, nth).money === 'credited'
          ? { ...told, books: { ...told.books, people: books.people, debts: books.debts } }
          : told;
      },
    },
    { claims: 1, proofs: 1, decisions: 1 },
  ),
  broken(
    'what a payer has spent of a credit that is taken back is owed by nobody',
    {
      decide: (books, nth, decision, isAgainstBank) => {
        const told = decide(books, nth, decision, isAgainstBank);
        return told.outcome === 'rejected' ? { ...told, books: { ...told.books, debts: books.debts } } : told;
      },
    },
    { claims: 1, proofs: 1, decisions: 1, spends: 1 },
  ),
  broken(
    'a late proof is credited as often as somebody decides so',
    {
      decideLate: (books, payin, decision, isAgainstBank) => {
        const known = books.lates.find((each) => each.payin === payin);
        if (decision !== 'credit' || known?.decision !== 'credit') return decideLate(books, payin, decision, isAgainstBank);
        const undone = { ...books, lates: books.lates.map((each) => (each === known ? { ...each, decision: null } : each)) };
        const late = { ...undone, payins: undone.payins.map((each, nth) => (nth === payin ? { ...each, state: 'late_proof' as const } : each)) };
        return decideLate(late, payin, decision);
      },
    },
    { claims: 1, proofs: 1, decisions: 1 },
  ), // biome-ignore format: one glance
  broken(
    'what comes back to the payee is handed to a payout, too',
    {
      close: (books, reason) => close(setWithdrawal(books, { rest: null }), reason),
      takeRest: (books) => ({
        outcome: 'reserved',
        books: setWithdrawal(books, { rest: 'taken', handed: books.withdrawal.total, held: 0n }),
      }),
    },
    { closes: 1 },
    PSP,
  ),
  broken(
    'a payout of the rest that was refused leaves the money reserved',
    { giveBack: (books) => ({ outcome: 'given_back', books }) },
    { refusals: 1 },
    PSP,
  ),
  broken(
    'what a bank has of a payment that was refused is told to nobody',
    {
      bank: (books, utr, amount) => {
        const told = creditByBank(books, utr, amount);
        const isRefused = books.payins.some((each) => each.utr === utr && (each.state === 'failed' || each.state === 'reversed'));
        return isRefused ? { ...told, books: { ...books, bank: told.books.bank } } : told;
      },
    },
    { claims: 1, proofs: 1, decisions: 1, banks: 1 },
  ),
  broken(
    'an assignment that is over leaves its payin waiting for it',
    {
      lapse: (books, nth, epoch) => {
        const told = lapseAssignment(books, nth, epoch);
        return { ...told, books: { ...told.books, payins: books.payins } };
      },
    },
    { claims: 1 },
  ),
  broken(
    'a proof that needs a person asks nobody',
    {
      prove: (books, nth, payin, shown) => {
        const told = submitProof(books, nth, payin, shown);
        return told.outcome === 'in_review' ? { ...told, books: setSlice(told.books, nth, { doubts: [] }) } : told;
      },
    },
    { claims: 1, proofs: 1, freezes: 1 },
  ),
  broken('nobody looks for what has lost its workflow', { looksAfter: false }, { deaths: 1 }),
];
