/** What must hold of a withdrawal in every world, and what must hold of one at rest. */
import { BATCH } from '../../src/instant/rules/batchMachine.ts';
import { PAYIN } from '../../src/instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';
import { debtOf, type InstantBooks, isFree, isProven, PAYEE, type Payin, payinOf, payinOn, type Slice, sum } from './books.ts'; // biome-ignore format: a list
import { isBankMatched } from './proofs.ts';
import type { InstantBounds } from './rules.ts';
import { isPaidByBank } from './slices.ts';
import type { InstantWorld } from './world.ts';

/** Undefined: all is well. */
export function brokenAlways({ books, spent }: InstantWorld, { beginning }: InstantBounds): string | undefined {
  return (
    brokenSums(books) ??
    brokenPeople(books, beginning.purses, spent) ??
    brokenSlices(books) ??
    brokenProofs(books) ??
    brokenPayins(books) ??
    brokenBank(books)
  );
}

const amounts = (slices: readonly Slice[], ...where: readonly Slice['money'][]): bigint =>
  sum(slices.filter(({ money }) => where.includes(money)).map(({ amount }) => amount));

/** A withdrawal is whole: what is reserved is paid, held, handed over or came back, as its slices say. */
function brokenSums({ withdrawal, slices, people }: InstantBooks): string | undefined {
  const { state, total, paid, held, returned, handed, told } = withdrawal;
  if (paid + held + returned + handed !== total) return `of ${total}, ${paid} are paid, ${held} held, ${returned} back, ${handed} handed over`;
  const said = [amounts(slices, 'credited'), amounts(slices, 'held'), amounts(slices, 'released', 'reversed'), amounts(slices, 'handed')];
  if (said.join() !== [paid, held, returned, handed].join()) return `the slices say ${said}, the withdrawal ${[paid, held, returned, handed]}`;
  const reserved = people[PAYEE]?.reserved;
  if (reserved !== held + handed) return `${reserved} are reserved, and ${held + handed} are held or handed over`;
  const isOver = INSTANT_PAYOUT.isFinal(state);
  if (isOver !== (held === 0n && slices.every((each) => BATCH.isFinal(each.state)))) return `it is ${state}, and its slices ${slices.map((each) => each.state)}`;
  if (told !== (isOver ? 1 : 0)) return `it is ${state}, and its end was told ${told} times`;
  const isDisputed = slices.some((each) => each.state === 'disputed');
  return (state === 'disputed') === isDisputed ? undefined : `it is ${state}, and its slices ${slices.map((each) => each.state)}`;
} // biome-ignore format: one glance

/** Nobody has less than nothing, and everybody has what was brought and what was paid for, once; what is not there is owed. */
function brokenPeople(books: InstantBooks, purses: readonly bigint[], spent: readonly bigint[]): string | undefined {
  const { people, debts, slices, lates } = books;
  const credits = [
    ...slices.filter(({ money }) => money === 'credited').map((each) => payinOn(each)),
    ...lates.filter(({ decision }) => decision === 'credit').map(({ payin }) => payin),
  ];
  for (const [nth, { available, reserved }] of people.entries()) {
    if (available < 0n || reserved < 0n) return `user ${nth} has ${available}, and ${reserved} reserved`;
    const got = credits.map((payin) => (payin === null ? undefined : payinOf(books, payin)));
    const gained = sum(got.map((each) => (each?.user === nth ? each.amount : 0n)));
    const paid = nth === PAYEE ? sum(got.map((each) => each?.amount ?? 0n)) : 0n;
    const owed = sum(debts.filter(({ creditor }) => creditor === nth).map((each) => each.owed));
    const total = nth === PAYEE ? books.withdrawal.total : 0n;
    const expected = (purses[nth] ?? 0n) + total - (spent[nth] ?? 0n) + gained - paid;
    const has = available + reserved + owed - debtOf(books, nth);
    if (has !== expected) return `user ${nth} has ${has}, owed and owing, and not ${expected}`;
  }
  return undefined;
}

const WHERE: Readonly<Record<string, readonly Slice['money'][]>> = {
  unassigned: ['held'], reassigned: ['held'], assigned: ['held'], proof_submitted: ['held'], sys_confirmed: ['held', 'credited'], disputed: ['held', 'credited'],
  confirmed: ['credited'], admin_approved: ['credited'], rejected: ['held', 'released', 'reversed', 'handed'],
  cancelled: ['held', 'released', 'handed'], late_proof: ['held', 'released', 'handed'],
}; // biome-ignore format: a table

/** A slice is credited once, to one payer at a time, and to no payee. */
function brokenSlices(books: InstantBooks): string | undefined {
  for (const [nth, slice] of books.slices.entries()) {
    const { state, money, credits, assignments } = slice;
    const credited = money === 'credited' || money === 'reversed' ? 1 : 0;
    if (credits !== credited) return `slice ${nth} is ${money}, and was credited ${credits} times`;
    if (!WHERE[state]?.includes(money)) return `slice ${nth} is ${state}, and its money ${money}`;
    const counted = assignments.filter((each) => each.state === 'open' || each.state === 'proved' || each.state === 'settled');
    if (counted.length > 1) return `slice ${nth} is with ${counted.length} payers`;
    if (assignments.some(({ payin }) => payinOf(books, payin).user === PAYEE)) return `slice ${nth} is paid by its payee`;
    const late = books.lates.filter(({ slice: of, decision }) => of === nth && decision === null).length;
    const isPaidLate = books.lates.some(({ slice: of, decision }) => of === nth && decision === 'credit');
    if (isPaidLate && money === 'held' && BATCH.isFinal(state) && books.withdrawal.rest === null)
      return `slice ${nth} was paid late, and is held for a payout all the same`;
    if (state === 'late_proof' && late === 0) return `slice ${nth} waits for a decision on nothing`;
  }
  const open = books.slices.flatMap((each) => each.assignments.filter(({ state }) => state === 'open'));
  const users = open.map(({ payin }) => payinOf(books, payin).user);
  return new Set(users).size === users.length ? undefined : 'a payer has two slices to pay';
}

/** A UTR counts once: of all that was credited each has one of its own, which its payer has shown. */
function brokenProofs({ proofs, slices, lates, payins }: InstantBooks): string | undefined {
  if (new Set(proofs.map(({ utr }) => utr)).size !== proofs.length) return 'a UTR proves two payments';
  const counted = [
    ...slices.filter(({ money, state }) => money === 'credited' || money === 'reversed' || isProvenState(state)).map((each) => payinOn(each)),
    ...lates.map(({ payin }) => payin),
  ]; // biome-ignore format: one glance
  const without = counted.find((payin) => payin === null || !proofs.some((each) => each.payin === payin));
  if (without !== undefined) return `payin ${without} counts, and nothing was shown for it`;
  const unsaid = proofs.find(({ payin, utr }) => payins[payin]?.utr !== utr);
  return unsaid && `payin ${unsaid.payin} does not say the UTR that it was proved by`;
}

const isProvenState = (state: Slice['state']): boolean => state === 'sys_confirmed' || state === 'disputed';

/** Its merchant's callback is told each end once, and the last one is how it stands. */
function brokenPayins(books: InstantBooks): string | undefined {
  for (const [nth, payin] of books.payins.entries()) {
    const { state, told } = payin;
    // Whoever heard of a reversal hears that it is credited after all.
    const ends = told.filter((each, index) => !(each === 'completed' && told[index - 1] === 'reversed'));
    if (new Set(ends).size !== ends.length) return `payin ${nth} was told ${told}`;
    if (PAYIN.isFinal(state) && told.at(-1) !== state) return `payin ${nth} is ${state}, and was told ${told}`;
    const should = stateBy(books, nth, payin);
    if (should !== undefined && should !== state) return `payin ${nth} is ${state}, and should be ${should}`;
  }
  return undefined;
}

/** As the invariant banks_are_heard: what a bank has is believed, or before an operator, who may know better, or given back in cash. */
function brokenBank({ bank, proofs, payins, lates }: InstantBooks): string | undefined {
  for (const { utr, state, isOverruled } of bank) {
    const shown = proofs.find((each) => each.utr === utr);
    if (!shown) continue;
    if (state === 'waiting') return `${utr} was shown, and what the bank has of it waits`;
    const is = payins[shown.payin]?.state;
    const isRefunded = lates.some(({ payin, decision }) => payin === shown.payin && decision === 'refund');
    if (state === 'matched' && (is === 'failed' || is === 'reversed') && !isOverruled && !isRefunded)
      return `the bank has ${utr}, its payin is ${is}, and nobody is asked`;
  }
  return undefined;
}

/** What its assignment makes it. */
function stateBy(books: InstantBooks, nth: number, { slice }: Payin): Payin['state'] | undefined {
  if (slice === null) return undefined;
  const its = books.slices[slice];
  const assignment = its?.assignments.find(({ payin }) => payin === nth);
  const late = books.lates.find(({ payin }) => payin === nth);
  if (!assignment) return undefined;
  if (late) return late.decision === null ? 'late_proof' : late.decision === 'credit' ? 'completed' : (late.was ?? 'failed');
  switch (assignment.state) {
    case 'open':
      return 'assigned';
    case 'proved':
      return 'proof_submitted';
    case 'refused':
      return 'failed';
    case 'settled':
      return its?.money === 'reversed' ? 'reversed' : 'completed';
    default:
      return 'expired';
  }
}

/** Nothing is due any more: what the books say now, they say until somebody does something. */
export function brokenAtRest({ books }: InstantWorld): string | undefined {
  const { withdrawal, slices, payins, people } = books;
  for (const [nth, slice] of slices.entries()) {
    const { state, doubts } = slice;
    if (isFree(slice) || state === 'assigned') return `slice ${nth} stays ${state}, and nobody does anything about it`;
    if (!isProven(slice) || state === 'disputed' || doubts.length > 0) continue;
    if (!people[PAYEE]?.frozen || !isBankMatched(books, nth)) return `slice ${nth} stays ${state}, and nobody is asked`;
  }
  for (const [nth, { state, utr }] of payins.entries()) {
    if (state === 'waiting' || state === 'assigned') return `payin ${nth} stays ${state}`;
    if (state === 'expired' && utr !== null) return `payin ${nth} was proved, and nobody hears of it`;
  }
  if (INSTANT_PAYOUT.isFinal(withdrawal.state) || slices.some((each) => !BATCH.isFinal(each.state))) return undefined;
  if (people[PAYEE]?.frozen || books.lates.some((late) => isPaidByBank(books, late))) return undefined;
  return `all slices are over, and the withdrawal stays ${withdrawal.state}`;
}
