/** What a PSP takes for paying is our expense: booked once, and never out of anybody's balance. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Books, openBooks } from '../support/books.ts';
import { openDoor } from '../support/door.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const FEE = { attempt: 1, pspFeeMinor: '27' } as const;

/** What we have spent on PSPs' fees, and what they have paid for us. */
async function spent(psp: string): Promise<Record<string, bigint>> {
  const { rows } = await books.db.owner.query<{ purpose: string; net: string }>(
    `SELECT a.purpose, sum(CASE a.id WHEN e.credit_account THEN e.amount ELSE -e.amount END)::text AS net
       FROM accounts a JOIN ledger_entries e ON a.id IN (e.debit_account, e.credit_account)
      WHERE a.owner_id = $1 AND a.purpose IN ('psp_fees', 'clearing') GROUP BY a.purpose`,
    [psp],
  );
  return Object.fromEntries(rows.map(({ purpose, net }) => [purpose, BigInt(net)]));
}

test('a fee that the PSP names is booked with the payment, and the payee, the fee and the balance are as without it', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n, psp: 'one' });
  await books.told(id, 'attempt_started 1');
  expect((await books.tell(id, 'paid', FEE)).outcome).toBe('applied');
  expect(await books.entries(id)).toEqual(['RESERVE 1025', 'SETTLE 1000', 'FEE 25', 'PSP_FEE 27']);
  expect(await books.money(owner)).toEqual({ available: 3975n, reserved: 0n });
  expect(await spent('one')).toEqual({ clearing: 1027n, psp_fees: -27n });
});

test('a payment that is told twenty times at once costs us one fee', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { psp: 'twenty' });
  await books.told(id, 'attempt_started 1');
  await Promise.all(Array.from({ length: 20 }, () => books.tell(id, 'paid', { ...FEE, key: 'paid:1' })));
  await books.tell(id, 'paid', FEE);
  expect(await spent('twenty')).toEqual({ clearing: 1027n, psp_fees: -27n });
});

test('where the PSP names no fee, or none was taken, none is booked', async () => {
  const owner = await books.merchant(5000n);
  for (const pspFeeMinor of [undefined, '0']) {
    const id = await books.payout(owner, { psp: 'free' });
    await books.told(id, 'attempt_started 1');
    await books.tell(id, 'paid', { attempt: 1, ...(pspFeeMinor === undefined ? {} : { pspFeeMinor }) });
  }
  expect(await spent('free')).toEqual({ clearing: 2000n });
});

test('a late payment costs its fee too, and adds nothing to the debt', async () => {
  const owner = await books.merchant(1000n);
  const id = await books.payout(owner, { psp: 'late' });
  await books.told(id, 'attempt_started 1', 'failed 1');
  await books.payout(owner, { amount: 600n });
  await books.tell(id, 'paid', FEE);
  expect(await books.debt(owner)).toBe(600n);
  expect(await spent('late')).toEqual({ clearing: 1027n, psp_fees: -27n });
});

test("the fee of a payment that is settled with another attempt's end is booked then", async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { psp: 'noted' });
  await books.told(id, 'attempt_started 1', 'attempt_failed 1', 'attempt_started 2');
  await books.tell(id, 'paid', { ...FEE, source: 'look_up' });
  expect(await spent('noted')).toEqual({});
  await books.tell(id, 'failed', { attempt: 2, pspRef: 'noted-2', source: 'look_up' });
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000', 'PSP_FEE 27']);
});

test('what the bank sends back does not bring the fee back', async () => {
  const owner = await books.merchant(1000n);
  const id = await books.payout(owner, { psp: 'back' });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'paid', FEE);
  await books.told(id, 'returned 1');
  expect(await books.money(owner)).toEqual({ available: 1000n, reserved: 0n });
  expect(await spent('back')).toEqual({ clearing: 27n, psp_fees: -27n });
});

test('a failed attempt costs nothing: the fee is known only of what was paid', async () => {
  const owner = await books.merchant(1000n);
  const id = await books.payout(owner, { psp: 'failed' });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'failed', { ...FEE, failure: { class: 'F', code: 'x', message: 'x', retryable: false } });
  expect(await spent('failed')).toEqual({});
});

test("our expense is not in the history of a merchant's own money", async () => {
  const door = await openDoor({ db: books.db });
  const { id: merchantId, key } = await door.merchant({ funds: 5000n });
  const id = await books.payout({ merchantId, mode: 'test' }, { psp: 'shown' });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'paid', FEE);
  const { body } = await door.call('GET', '/api/v1/balance/history', { key });
  expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['SETTLE', 'RESERVE', 'FUND']);
  await door.stop();
});
