/** What must hold of a market in every world, and what must hold of one at rest. */
import { isPausable, RESOLUTION, STATES } from '../../src/markets/rules/machine.ts';
import { type Distribution, idOf, isParticipant, type MarketBooks, poolOf, type Resolution, stakeOf, sum } from './books.ts';
import { planned, shareFor } from './paying.ts';
import type { MarketBounds } from './rules.ts';
import type { MarketWorld } from './world.ts';

/** Undefined: all is well. */
export function brokenAlways(world: MarketWorld, bounds: MarketBounds): string | undefined {
  const { books } = world;
  return brokenMoney(world, bounds) ?? brokenRuns(books) ?? brokenPayouts(books) ?? brokenPeople(world, bounds);
}

const isHeld = ({ state }: Distribution): boolean => state === 'completed' || state === 'disputed';

const heldOf = ({ distributions }: Resolution): bigint =>
  sum(
    Object.values(distributions)
      .filter(isHeld)
      .map(({ payout }) => payout),
  );

const feesOf = ({ feesBooked, plan }: Resolution): bigint => (feesBooked && plan ? plan.feeTotal : 0n);

/** Nothing is printed, and nothing lost: stakes = what is held of payouts and fees + the pool + what it is known to lack. */
function brokenMoney({ books, given, givenToMerchant }: MarketWorld, { beginning }: MarketBounds): string | undefined {
  const { merchant, pool, missing, people, resolutions } = books;
  if ([merchant, pool, missing, ...people.flatMap(({ available, debt }) => [available, debt])].some((each) => each < 0n))
    return 'money is paid from nothing';
  const before = beginning.merchant + sum(beginning.people.map(({ available }) => available)) + givenToMerchant + sum(given);
  const now = merchant + pool + sum(people.map(({ available }) => available));
  if (now !== before) return `there were ${before}, and there are ${now}`;
  const held = sum(resolutions.map((each) => heldOf(each) + feesOf(each)));
  if (held + pool + missing !== poolOf(books))
    return `of ${poolOf(books)} staked ${held} are held, ${pool} in the pool, and ${missing} missing`;
  const owed = sum(people.map(({ debt }) => debt));
  const owedBefore = sum(beginning.people.map(({ debt = 0n }) => debt));
  const house = sum(resolutions.map(({ feesBooked, plan }) => (feesBooked && plan ? plan.houseFee : 0n)));
  const equity = merchant + owed - missing;
  const expected = beginning.merchant + owedBefore + givenToMerchant + house;
  return equity === expected ? undefined : `the merchant has ${equity}, owed and less what is missing, and not ${expected}`;
}

/** One at a time: all before it are over, and nothing of them is held. */
function brokenRuns({ resolutions }: MarketBooks): string | undefined {
  for (const [nth, each] of resolutions.entries()) {
    const { state } = each;
    const isNewest = nth === resolutions.length - 1;
    if (!isNewest && state !== 'REJECTED' && state !== 'ROLLED_BACK') return `${each.id} is ${state}, and another one began`;
    if ((state === 'REJECTED' || state === 'ROLLED_BACK') && heldOf(each) + feesOf(each) > 0n)
      return `${each.id} is ${state}, and something of it is held`;
  }
  return undefined;
}

/** Each row is of what came true, once. */
function brokenPayouts(books: MarketBooks): string | undefined {
  for (const { outcome, distributions, plan, paidUsers, undoneUsers } of books.resolutions) {
    const rows = Object.entries(distributions);
    const exact = planned(books, outcome);
    for (const [id, { state, payout, toldPaid, toldUndone }] of rows) {
      const person = books.people.find((each) => each.id === id);
      if (!plan || !person) return `${id} has a row, and nothing is planned for it`;
      const share = shareFor(exact, person, outcome).payout;
      if (payout !== share) return `${id} is paid ${payout}, and the outcome ${outcome} brings ${share}`;
      const [paid, undone] = [state === 'failed' ? 0 : 1, state === 'rolled_back' ? 1 : 0];
      if (toldPaid !== paid || toldUndone !== undone)
        return `${id} is ${state}, was told ${toldPaid} times that it was paid, and ${toldUndone} times that it is undone`;
    }
    if (paidUsers !== rows.filter(([, { state }]) => state !== 'failed').length) return `${paidUsers} users count as paid`;
    if (undoneUsers !== rows.filter(([, { state }]) => state === 'rolled_back').length)
      return `${undoneUsers} users count as undone`;
  }
  return undefined;
}

/** Whoever holds nothing has exactly what was brought, or owes it; whoever holds a payout has that much more, once. */
function brokenPeople({ books, given }: MarketWorld, { beginning }: MarketBounds): string | undefined {
  for (const [nth, person] of books.people.entries()) {
    const { available, debt = 0n } = beginning.people[nth] ?? { available: 0n };
    const brought = available - debt + (given[nth] ?? 0n) - stakeOf(person);
    const held = sum(
      books.resolutions.map(({ distributions, feesBooked, plan }) => {
        const row = distributions[idOf(nth)];
        const fee = feesBooked && plan && person.id === books.creator ? plan.creatorFee : 0n;
        return fee + (row && isHeld(row) ? row.payout : 0n);
      }),
    );
    const has = person.available - person.debt;
    if (has !== brought + held) return `${person.id} has ${has}, and not ${brought + held}`;
  }
  return undefined;
}

/** States in which a person is asked for by their name alone: who approves, and the merchant whose money it waits for. */
const ASKS: readonly Resolution['state'][] = ['IN_REVIEW', 'WAITING_FOR_FUNDS'];

/** Nothing is due any more: what the books say now, they say until somebody does something. */
export function brokenAtRest({ books }: MarketWorld): string | undefined {
  const { state: marketState, pool, missing, merchant, isPaused, people } = books;
  const newest = books.resolutions.at(-1);
  if (!newest) return marketState === 'OPEN' ? undefined : `the market is ${marketState}, and nobody resolves it`;
  const { state, needsOperator, distributions } = newest;
  if (Object.values(distributions).some((each) => each.state === 'disputed') && !needsOperator && !STATES[state].stopped)
    return `somebody disputes what was paid, it is ${state}, and nobody is told`;
  if (isPaused && isPausable(state)) return undefined;
  if (STATES[state].stopped || state === 'DISPUTED') return needsOperator ? undefined : `it is ${state}, and nobody is told`;
  if (state === 'WAITING_FOR_FUNDS' && (merchant > 0n || missing === 0n)) return 'the merchant has money, and nobody takes it';
  if (!RESOLUTION.isFinal(state))
    return ASKS.includes(state) ? undefined : `it stays ${state}, and nobody does anything about it`;
  if (state !== 'COMPLETED') return marketState === 'UNRESOLVED' ? undefined : `it is ${state}, and its market ${marketState}`;
  if (pool !== 0n) return `everybody is paid, and ${pool} are left in the pool`;
  const unpaid = people.find((person) => isParticipant(person) && !isHeld(distributions[person.id] ?? { ...NOBODY }));
  return unpaid ? `it is ${state}, and ${unpaid.id} was not paid` : undefined;
}

const NOBODY: Distribution = { state: 'failed', failure: null, payout: 0n, disputeReason: null, toldPaid: 0, toldUndone: 0 };
