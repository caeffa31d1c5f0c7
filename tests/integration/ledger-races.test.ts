/** Callers who meet: one of them wins, the others learn it, and the books are right at every moment in between. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import type { FactAnswer } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks, reserveRequest } from '../support/books.ts';

const CALLERS = 50;
/** Rounds of a race between two: either order came up many times over in each run. */
const ROUNDS = 25;

let books: Books;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
});
afterEach(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const count = (outcomes: string[], outcome: string): number => outcomes.filter((each) => each === outcome).length;

test('20 identical requests at once make one payout and get 20 equal answers', async () => {
  const owner = await books.merchant(5000n);
  const request = reserveRequest(owner, { amount: 1000n });
  const answers = await times(20, () => books.ledger.reserve(request));
  expect(
    count(
      answers.map((each) => each.outcome),
      'reserved',
    ),
  ).toBe(1);
  expect(new Set(answers.map((each) => JSON.stringify('payout' in each ? each.payout : each))).size).toBe(1);
  expect(await books.money(owner)).toEqual({ available: 4000n, reserved: 1000n });
});

test('20 payouts with one reference at once: one is taken in', async () => {
  const owner = await books.merchant(50_000n);
  const answers = await times(20, () => books.reserve(owner, { reference: 'INV-1' }));
  const outcomes = answers.map((each) => each.outcome);
  expect([count(outcomes, 'reserved'), count(outcomes, 'duplicate_reference')]).toEqual([1, 19]);
  expect(await books.money(owner)).toEqual({ available: 49_000n, reserved: 1000n });
});

test('one announcement of money, told 20 times at once, is booked once', async () => {
  const owner = await books.merchant(0n);
  const outcomes = await times(20, (index) => books.fund(owner, 100n, 'wire-1', index % 2 === 0 ? 'PKR' : 'USD'));
  expect([count(outcomes, 'funded'), count(outcomes, 'already'), count(outcomes, 'mismatch')]).toEqual([1, 9, 10]);
});

test('50 callers for 20 payouts worth of money: exactly 20 are taken in, and the refused stay refused when money comes', async () => {
  const owner = await books.merchant(20_000n);
  const requests = Array.from({ length: CALLERS }, () => reserveRequest(owner, { amount: 990n, fee: 10n }));
  const answers = await Promise.all(requests.map((request) => books.ledger.reserve(request)));
  expect(
    count(
      answers.map((each) => each.outcome),
      'reserved',
    ),
  ).toBe(20);
  expect(await books.money(owner)).toEqual({ available: 0n, reserved: 20_000n });

  await books.fund(owner, 100_000n);
  const again = await Promise.all(requests.map((request) => books.ledger.reserve(request)));
  expect(again.map((each) => each.outcome === 'already')).toEqual(answers.map((each) => each.outcome === 'reserved'));
  expect(await books.money(owner)).toEqual({ available: 100_000n, reserved: 20_000n });
});

test('twins of which one was refused are both refused, though money came between them', async () => {
  const reserve = 'SELECT reserve_payout($1) AS answer';
  for (let round = 0; round < ROUNDS; round += 1) {
    const owner = await books.merchant(500n);
    const request = reserveRequest(owner, { amount: 1000n });
    const first = await books.db.owner.connect();
    await first.query('BEGIN');
    const { rows } = await first.query<{ answer: { outcome: string } }>(reserve, [JSON.stringify(request)]);
    const twin = books.ledger.reserve(request); // waits for the first
    await callersWaiting(1);
    const money = books.fund(owner, 1000n); // waits for the first's balance
    await callersWaiting(2);
    await first.query('COMMIT');
    first.release();
    expect([rows[0]?.answer.outcome, (await twin).outcome, await money]).toEqual([
      'insufficient_balance',
      'insufficient_balance',
      'funded',
    ]);
  }
});

async function callersWaiting(n: number): Promise<void> {
  const blocked = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  for (;;) {
    const { rows } = await books.db.owner.query<{ n: number }>(blocked);
    if ((rows[0]?.n ?? 0) >= n) return;
  }
}

interface Race {
  readonly name: string;
  readonly review?: true;
  readonly before: readonly string[];
  readonly one: (id: string) => Promise<FactAnswer>;
  readonly other: (id: string) => Promise<FactAnswer>;
  /** Every way it may end: the two outcomes and the state. */
  readonly ends: readonly string[];
}

const tell =
  (...args: Parameters<Books['tell']> extends [string, ...infer Rest] ? Rest : never) =>
  (id: string) =>
    books.tell(id, ...args);

const RACES: readonly Race[] = [
  {
    name: 'paid and failed: the payment is booked once, in time or late',
    before: ['attempt_started 1'],
    one: tell('paid', { attempt: 1 }),
    other: tell('failed', { attempt: 1 }),
    ends: ['applied ignored SUCCEEDED', 'applied applied SUCCEEDED'],
  },
  {
    name: 'cancelled and sent: never both',
    before: [],
    one: tell('cancelled'),
    other: tell('attempt_started', { attempt: 1 }),
    ends: ['applied wrong_state CANCELLED', 'wrong_state applied SUBMITTING'],
  },
  {
    name: 'approved and rejected by two admins: one decides',
    review: true,
    before: [],
    one: tell('approved', { adminId: 'adm_1' }),
    other: tell('rejected', { adminId: 'adm_2', reason: 'no' }),
    ends: ['applied wrong_state QUEUED', 'wrong_state applied REJECTED'],
  },
  {
    name: 'approved twice by one admin: one decision',
    review: true,
    before: [],
    one: tell('approved', { adminId: 'adm_1' }),
    other: tell('approved', { adminId: 'adm_1' }),
    ends: ['applied already_decided QUEUED', 'already_decided applied QUEUED'],
  },
  {
    name: 'approved and expired: one decides',
    review: true,
    before: [],
    one: tell('approved', { adminId: 'adm_1' }),
    other: tell('review_expired'),
    ends: ['applied wrong_state QUEUED', 'wrong_state applied REJECTED'],
  },
  {
    name: 'held and sent: never both',
    before: [],
    one: tell('held', { reason: 'look at it' }),
    other: tell('attempt_started', { attempt: 1 }),
    ends: ['applied wrong_state ON_HOLD', 'wrong_state applied SUBMITTING'],
  },
  {
    name: 'sent by two workers under one key: sent once',
    before: [],
    one: tell('attempt_started', { attempt: 1, key: 'attempt_started:1:1' }),
    other: tell('attempt_started', { attempt: 1, key: 'attempt_started:1:1' }),
    ends: ['applied already SUBMITTING', 'already applied SUBMITTING'],
  },
  {
    name: 'paid by the reply and by the callback, one key: paid once',
    before: ['attempt_started 1'],
    one: tell('paid', { attempt: 1, source: 'reply', key: 'paid:1' }),
    other: tell('paid', { attempt: 1, source: 'callback', key: 'paid:1' }),
    ends: ['applied already SUCCEEDED', 'already applied SUCCEEDED'],
  },
  {
    name: 'paid under two keys: paid once',
    before: ['attempt_started 1'],
    one: tell('paid', { attempt: 1 }),
    other: tell('paid', { attempt: 1 }),
    ends: ['applied unchanged SUCCEEDED', 'unchanged applied SUCCEEDED'],
  },
  {
    name: 'resolved as paid and as not paid: one counts',
    before: ['attempt_started 1', 'mismatch 1'],
    one: tell('resolved_paid', { adminId: 'adm_1' }),
    other: tell('resolved_not_paid', { adminId: 'adm_2' }),
    ends: ['applied wrong_state SUCCEEDED', 'wrong_state applied FAILED'],
  },
  {
    name: 'returned twice: reversed once',
    before: ['attempt_started 1', 'paid 1'],
    one: tell('returned', { attempt: 1 }),
    other: tell('returned', { attempt: 1 }),
    ends: ['applied unchanged RETURNED', 'unchanged applied RETURNED'],
  },
  {
    name: 'reinitiated twice: reserved once',
    before: ['attempt_started 1', 'failed 1'],
    one: tell('reinitiated'),
    other: tell('reinitiated'),
    ends: ['applied wrong_state QUEUED', 'wrong_state applied QUEUED'],
  },
  {
    name: 'reinitiated and paid after all: settled once, nothing sent again',
    before: ['attempt_started 1', 'failed 1'],
    one: tell('reinitiated'),
    other: tell('paid', { attempt: 1 }),
    ends: ['applied applied SUCCEEDED', 'wrong_state applied SUCCEEDED'],
  },
  {
    name: 'the next attempt sent and the last one paid: settled at once, or seen before a third',
    before: ['attempt_started 1', 'attempt_failed 1'],
    one: tell('attempt_started', { attempt: 2 }),
    other: tell('paid', { attempt: 1 }),
    ends: ['applied ignored SUBMITTING', 'wrong_state applied SUCCEEDED'],
  },
];

test.each(RACES)('$name', async ({ review, before, one, other, ends }) => {
  const owner = await books.merchant(BigInt(ROUNDS) * 2000n);
  const ids = await times(ROUNDS, async () => {
    const id = await books.payout(owner, {
      amount: 1000n,
      fee: 10n,
      reviewReasons: review ? [{ code: 'amount', detail: 'large' }] : [],
    });
    if (before.length > 0) await books.told(id, ...before);
    return id;
  });
  for (const [index, id] of ids.entries()) {
    // Who calls first alternates; the rest is the scheduler's.
    const calls = index % 2 === 0 ? [one(id), other(id)] : [other(id), one(id)].reverse();
    const [first, second] = await Promise.all(calls);
    const state = (await books.ledger.read(id))?.state;
    expect(ends).toContain(`${first?.outcome} ${second?.outcome} ${state}`);
    expect((await books.entries(id)).filter((line) => line.startsWith('SETTLE')).length).toBe(
      state === 'SUCCEEDED' || state === 'RETURNED' ? 1 : 0,
    );
  }
});

test('50 payouts live their lives at once on one balance, and the books are right at every moment of it', async () => {
  const owner = await books.merchant(40_000n);
  let running = true;
  const watch = (async () => {
    let looks = 0;
    for (; running; looks += 1) {
      const results = await checkInvariants(books.db.owner);
      expect(results.filter((each) => each.violations > 0)).toEqual([]);
    }
    return looks;
  })();
  const ends = await times(CALLERS, async (index) => {
    const answer = await books.reserve(owner, { amount: 990n, fee: 10n, psp: `psp-${index % 3}` });
    return 'payout' in answer ? liveOn(owner, answer.payout.id, index) : answer.outcome;
  });
  running = false;
  expect(await watch).toBeGreaterThan(0);
  expect(count(ends, 'insufficient_balance')).toBeLessThan(CALLERS);
  expect((await books.money(owner)).reserved).toBe(0n);
});

/** Failed, paid, returned, cancelled or tried again, by number. */
async function liveOn(owner: Owner, id: string, index: number): Promise<string> {
  if (index % 5 === 0) return (await books.told(id, 'cancelled')).state;
  await books.told(id, 'attempt_started 1', 'psp_processing 1');
  if (index % 5 === 1) return (await books.told(id, 'paid 1')).state;
  if (index % 5 === 2) return (await books.told(id, 'paid 1', 'returned 1')).state;
  await books.told(id, 'failed 1');
  if (index % 5 === 3) return (await books.told(id, 'paid 1')).state; // late, from whatever is left
  await books.fund(owner, 50n, newId('ext'));
  if ((await books.tell(id, 'reinitiated')).outcome === 'applied')
    return (await books.told(id, 'attempt_started 2', 'paid 2')).state;
  return 'FAILED';
}

test('the first payouts of a new currency and PSP open its accounts once, whoever comes first', async () => {
  const psp = newId('psp');
  const owners = await times(20, () => books.merchant(1000n, 'NGN'));
  await Promise.all(
    owners.map(async (owner) => {
      const id = await books.payout(owner, { currency: 'NGN', psp, amount: 900n, fee: 10n });
      await books.told(id, 'attempt_started 1', 'paid 1');
    }),
  );
  const { rows } = await books.db.owner.query(
    `SELECT count(*)::int AS n FROM accounts WHERE purpose = 'clearing' AND owner_id = $1`,
    [psp],
  );
  expect(rows).toEqual([{ n: 1 }]);
});
