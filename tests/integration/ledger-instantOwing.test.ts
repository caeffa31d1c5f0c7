/** Whoever owes keeps no money from whom it is owed to by a withdrawal: what comes back of one repays first, as whatever else comes in. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Books, openBooks } from '../support/books.ts';
import { type Instant, instantOf } from '../support/instant.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let instant: Instant;
beforeAll(async () => {
  books = await openBooks({ connections: 20 });
  instant = instantOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

interface Owing {
  readonly debtor: TestUser;
  readonly creditor: TestUser;
  /** A withdrawal of the debtor's, of as much as is owed, opened before anybody said that it was owed. */
  readonly own: { readonly id: string; readonly batches: readonly string[] };
}

/** A payer who has not paid, was credited all the same, and has put the credit into a withdrawal before it was taken back. */
async function hiding(
  onUnfilled: 'refund' | 'psp' = 'refund',
  slices: readonly bigint[] = [100n],
  payer?: TestUser,
): Promise<Owing> {
  const [creditor, debtor] = [await instant.user(100n), payer ?? (await instant.user())];
  const [batch = ''] = (await instant.open(creditor, [100n])).batches;
  await instant.prove(batch, await instant.claim(debtor, batch));
  const own = await instant.open(debtor, slices, { onUnfilled });
  await instant.dispute(batch);
  await instant.decide(batch, 'reject');
  return { debtor, creditor, own };
}

const both = async ({ debtor, creditor }: Owing) => [await instant.purse(debtor), await instant.purse(creditor)];
const REPAID = [
  { available: 0n, reserved: 0n, debt: 0n },
  { available: 100n, reserved: 0n, debt: 0n },
];

test('a withdrawal that was opened before a debt was booked, and is cancelled, repays it: the creditor does not wait for new money', async () => {
  const owing = await hiding();
  expect(await both(owing)).toMatchObject([{ reserved: 100n, debt: 100n }, { available: 0n }]);
  await instant.close(owing.own.id);
  expect(await both(owing)).toEqual(REPAID);
});

test('slices that come back one by one repay as far as they go; what is over is the debtor’s', async () => {
  const debtor = await instant.user(30n);
  const owing = await hiding('refund', [90n, 40n], debtor);
  await instant.claim(await instant.user(), owing.own.batches[0] as string);
  await instant.close(owing.own.id);
  expect(await both(owing)).toEqual([
    { available: 0n, reserved: 90n, debt: 60n },
    { available: 40n, reserved: 0n, debt: 0n },
  ]);
  await instant.expire(owing.own.batches[0] as string);
  expect(await both(owing)).toEqual([
    { available: 30n, reserved: 0n, debt: 0n },
    { available: 100n, reserved: 0n, debt: 0n },
  ]);
});

test('what a payee gets back of a slice that was not paid repays what the payee owes', async () => {
  const payee = await instant.user(50n);
  const owing = await hiding('refund', [150n], payee); // owes 100, and has one slice of 150 out
  const cheat = await instant.user();
  const [batch = ''] = owing.own.batches;
  await instant.prove(batch, await instant.claim(cheat, batch));
  await instant.dispute(batch);
  await instant.decide(batch, 'reject');
  expect(await both(owing)).toEqual([
    { available: 50n, reserved: 0n, debt: 0n },
    { available: 100n, reserved: 0n, debt: 0n },
  ]);
});

test('nor does a rest whose payout fails come back past the creditor, as by an account that is not there', async () => {
  const owing = await hiding('psp');
  await instant.close(owing.own.id, 'unfilled');
  expect(await instant.rest(owing.own.id)).toBe('handed reserved');
  expect(await both(owing)).toMatchObject([{ reserved: 100n, debt: 100n }, { available: 0n }]); // on its way to the bank it is whole
  const payoutId = (await instant.withdrawal(owing.own.id)).restPayoutId ?? '';
  await books.told(payoutId, 'attempt_started 1', 'failed 1');
  expect(await both(owing)).toEqual(REPAID);
  const { rows } = await books.db.pool.query(
    `SELECT apply_fact($1, 'k', 'reinitiated', 'merchant:m', '{"requestId":"req_1"}') ->> 'outcome' AS outcome`,
    [payoutId],
  );
  expect(rows).toEqual([{ outcome: 'insufficient_balance' }]); // it is the creditor's
});

test('a rest whose payout failed and is sent again leaves as a withdrawal does: a user’s transactions add up to the balance', async () => {
  const payee = await instant.user(100n);
  const { id } = await instant.open(payee, [100n], { onUnfilled: 'psp' });
  await instant.close(id, 'unfilled');
  await instant.rest(id);
  const payoutId = (await instant.withdrawal(id)).restPayoutId ?? '';
  await books.told(payoutId, 'attempt_started 1', 'failed 1');
  const listed = async (): Promise<string[]> => {
    const { rows } = await books.db.owner.query<{ type: string }>(
      `SELECT e.type FROM ledger_entries e JOIN balances b ON b.id = e.debit_balance AND b.owner_id = $1 WHERE e.type LIKE 'WITHDRAWAL%' ORDER BY e.id`,
      [payee.userId],
    );
    return rows.map(({ type }) => type);
  };
  expect(await listed()).toEqual(['WITHDRAWAL', 'WITHDRAWAL_BACK']);
  await books.db.pool.query(`SELECT apply_fact($1, 'k', 'reinitiated', 'merchant:m', '{"requestId":"req_2"}')`, [payoutId]);
  expect(await listed()).toEqual(['WITHDRAWAL', 'WITHDRAWAL_BACK', 'WITHDRAWAL']);
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 100n });
});

test('two who owe each other and cancel at once wait for nobody, and every unit is with whom it belongs to', async () => {
  for (let round = 0; round < 5; round += 1) {
    const [one, other] = [await instant.user(100n), await instant.user(100n)];
    const cheated: string[] = [];
    for (const [payee, payer] of [
      [one, other],
      [other, one],
    ] as const) {
      const [batch = ''] = (await instant.open(payee, [100n])).batches;
      await instant.prove(batch, await instant.claim(payer, batch));
      cheated.push(batch);
    }
    const own = [await instant.open(one, [60n, 40n]), await instant.open(other, [60n, 40n])];
    for (const batch of cheated) {
      await instant.dispute(batch);
      await instant.decide(batch, 'reject');
    }
    await Promise.all(own.flatMap(({ id }) => [instant.close(id), instant.close(id, 'unfilled')]));
    const purses = await Promise.all([one, other].map((user) => instant.purse(user)));
    expect(purses.reduce((sum, { available }) => sum + available, 0n)).toBe(200n);
    expect(purses.map(({ reserved }) => reserved)).toEqual([0n, 0n]);
  }
});
