/** What an owner owes: seen, paid first out of all new money, to the last unit, and told on the payout that caused it. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Books, type Owner, openBooks, type PayoutOptions } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterEach(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

/** Failed, and its money spent: paid late, all of it becomes a debt. */
async function toBeOwed(owner: Owner, options: PayoutOptions): Promise<string> {
  const id = await books.payout(owner, options);
  await books.told(id, 'attempt_started 1', 'failed 1');
  return id;
}

interface Standing {
  readonly available: bigint;
  readonly debt: bigint;
}

async function standing(owner: Owner): Promise<Standing> {
  const { rows } = await books.db.owner.query<{ available: string; debt: string }>(
    `SELECT available, debt FROM balances WHERE owner_id = $1 AND currency = 'PKR'`,
    [owner.providerId ?? owner.merchantId],
  );
  return { available: BigInt(rows[0]?.available ?? 0), debt: BigInt(rows[0]?.debt ?? 0) };
}

const repayments = async (id: string): Promise<unknown[]> =>
  (
    await books.db.owner.query(
      `SELECT data FROM events WHERE subject_id = $1 AND type = 'payout.debt_repaid' ORDER BY sequence`,
      [id],
    )
  ).rows.map((row) => row.data);

test('money that arrives repays the debt first, and only the rest can be paid out', async () => {
  const owner = await books.merchant(1000n);
  const late = await toBeOwed(owner, { amount: 1000n });
  await books.payout(owner, { amount: 1000n });
  await books.told(late, 'paid 1');
  expect(await standing(owner)).toEqual({ available: 0n, debt: 1000n });

  expect(await books.fund(owner, 400n, 'wire-1')).toBe('funded');
  expect(await standing(owner)).toEqual({ available: 0n, debt: 600n });
  expect((await books.reserve(owner, { amount: 1n })).outcome).toBe('insufficient_balance');
  expect([await books.fund(owner, 400n, 'wire-1'), await books.fund(owner, 1n, 'wire-1')]).toEqual(['already', 'mismatch']);

  expect(await books.fund(owner, 700n)).toBe('funded');
  expect(await standing(owner)).toEqual({ available: 100n, debt: 0n });
  expect((await books.entries(late)).slice(2)).toEqual(['DEBT 1000', 'REPAY 400', 'REPAY 600']);
  expect(await repayments(late)).toEqual([
    { repaidMinor: '400', debtMinor: '600', currency: 'PKR', by: 'FUND' },
    { repaidMinor: '600', debtMinor: '0', currency: 'PKR', by: 'FUND' },
  ]);
  const { rows } = await books.db.owner.query(`SELECT data FROM events WHERE subject_id = $1 AND type = 'payout.succeeded'`, [
    late,
  ]);
  expect(rows).toMatchObject([{ data: { debtMinor: '1000' } }]);
});

test('of several payouts that are owed for, the oldest is repaid first', async () => {
  const owner = await books.merchant(900n);
  const late = [
    await toBeOwed(owner, { amount: 100n, fee: 5n }),
    await toBeOwed(owner, { amount: 200n }),
    await toBeOwed(owner, { amount: 300n }),
  ] as const;
  await books.payout(owner, { amount: 900n });
  for (const id of [late[2], late[0], late[1]]) await books.told(id, 'paid 1');
  await books.fund(owner, 155n);
  expect([await repayments(late[0]), await repayments(late[1]), await repayments(late[2])]).toEqual([
    [{ repaidMinor: '105', debtMinor: '0', currency: 'PKR', by: 'FUND' }],
    [{ repaidMinor: '50', debtMinor: '150', currency: 'PKR', by: 'FUND' }],
    [],
  ]);
  expect(await standing(owner)).toEqual({ available: 0n, debt: 450n });
});

test("a provider's earning repays what the provider owes, and is paid out for that much; its merchant's debt is another", async () => {
  const merchant = await books.merchant(5000n);
  const provider = await books.provider(merchant, 1000n);
  await books.policy({ minSuccesses: 0 });
  const late = await toBeOwed(provider, { amount: 990n, fee: 10n });
  await books.payout(provider, { amount: 1000n });
  await books.told(late, 'paid 1');
  expect(await standing(provider)).toEqual({ available: 0n, debt: 1000n });

  await books.earn(provider, 300n);
  await books.earn(provider, 300n);
  await books.earn(provider, 500n);
  expect(await standing(provider)).toEqual({ available: 100n, debt: 0n });
  expect(await books.earnings(provider)).toEqual(['0/1000', '0/300', '0/300', '100/500']);
  expect(await books.uses(late)).toEqual(['1 released 1000', '1 paid_out 300', '1 paid_out 300', '1 paid_out 400']);

  await books.told(late, 'returned 1'); // repaid by then: all of the amount is there again
  expect(await standing(provider)).toEqual({ available: 1090n, debt: 0n });
});

test('what a bank sends back repays what is owed for that payout, and of the rest what is owed for others', async () => {
  const owner = await books.merchant(1000n);
  const late = [await toBeOwed(owner, { amount: 600n, fee: 10n }), await toBeOwed(owner, { amount: 900n })] as const;
  const paid = await books.payout(owner, { amount: 1000n });
  await books.told(paid, 'attempt_started 1', 'paid 1');
  for (const id of late) await books.told(id, 'paid 1');
  expect(await standing(owner)).toEqual({ available: 0n, debt: 1510n });

  await books.told(late[1], 'returned 1');
  expect(await standing(owner)).toEqual({ available: 0n, debt: 610n });
  await books.told(paid, 'returned 1');
  expect(await standing(owner)).toEqual({ available: 390n, debt: 0n });
  expect(await repayments(late[0])).toEqual([{ repaidMinor: '610', debtMinor: '0', currency: 'PKR', by: 'REVERSE' }]);
  expect(await repayments(late[1])).toEqual([{ repaidMinor: '900', debtMinor: '0', currency: 'PKR', by: 'REVERSE' }]);
});

test('a reserve that is released is no new money: it can be paid out, whatever is owed', async () => {
  const owner = await books.merchant(500n);
  const late = await toBeOwed(owner, { amount: 500n });
  const other = await books.payout(owner, { amount: 500n });
  await books.told(late, 'paid 1');
  await books.told(other, 'attempt_started 1', 'failed 1');
  expect(await standing(owner)).toEqual({ available: 500n, debt: 500n });
  await books.payout(owner, { amount: 500n });
});

test('a currency owes for itself', async () => {
  const owner = await books.merchant(100n);
  const late = await toBeOwed(owner, { amount: 100n });
  await books.payout(owner, { amount: 100n });
  await books.told(late, 'paid 1');
  await books.fund(owner, 70n, 'usd', 'USD');
  expect(await books.money(owner, 'USD')).toEqual({ available: 70n, reserved: 0n });
  expect(await standing(owner)).toEqual({ available: 0n, debt: 100n });
});

const paidAgain = (id: string) => books.tell(id, 'paid', { attempt: 1, pspFeeMinor: '7' });

test.each(['merchant', 'provider'] as const)(
  'paid again after it came back, as often as a bank may do it: a %s loses the amount each time, and the fee once',
  async (kind) => {
    const merchant = await books.merchant(5000n);
    await books.policy({ minSuccesses: 0 });
    const owner = kind === 'merchant' ? merchant : await books.provider(merchant, 2000n, 3000n);
    const id = await books.payout(owner, { amount: 2000n, fee: 30n });
    await books.told(id, 'attempt_started 1', 'paid 1', 'returned 1');
    await books.payout(owner, { amount: 4000n }); // so that 970 are there
    await paidAgain(id);
    expect(await standing(owner)).toEqual({ available: 0n, debt: 1030n });
    await books.expectInOrder();
    await books.told(id, 'returned 1');
    expect(await standing(owner)).toEqual({ available: 970n, debt: 0n });
    await paidAgain(id);
    if (owner.providerId === undefined) await books.fund(owner, 1100n);
    else {
      await books.fund(merchant, 1100n);
      await books.earn({ ...owner, providerId: owner.providerId }, 1100n);
    }
    expect(await standing(owner)).toEqual({ available: 70n, debt: 0n });
    await books.expectInOrder();
    await books.told(id, 'returned 1');
    expect(await standing(owner)).toEqual({ available: 2070n, debt: 0n });
    const { rows } = await books.db.owner.query(
      `SELECT string_agg(DISTINCT split_part(op_key, $1, 2), ' ' ORDER BY split_part(op_key, $1, 2)) AS keys, count(*) FILTER (WHERE type = 'FEE')::int AS fees,
              count(*) FILTER (WHERE type = 'PSP_FEE')::int AS psp_fees FROM ledger_entries WHERE subject_id = $1 AND type <> 'REPAY'`,
      [id],
    );
    expect(rows).toEqual([
      { keys: ':psp_fee :reserve:1 :reverse :reverse:2 :reverse:3 :settle :settle:2 :settle:3', fees: 1, psp_fees: 1 },
    ]);
  },
);

const LIMIT = 10n ** 18n;

test('no new money lifts a balance over its limit: it is an answer, and nothing is booked', async () => {
  const owner = await books.merchant(LIMIT - 5n);
  expect(await books.fund(owner, 6n, 'wire')).toBe('balance_limit');
  expect(await books.fund(owner, 2n ** 63n - 1n)).toBe('balance_limit');
  const held = await books.payout(owner, { amount: 1000n }); // reserved counts too
  expect(await books.fund(owner, 6n)).toBe('balance_limit');
  expect(await books.fund(owner, 5n, 'wire')).toBe('funded'); // a refusal was not final for its name
  await books.told(held, 'attempt_started 1', 'failed 1');
  expect(await books.money(owner)).toEqual({ available: LIMIT, reserved: 0n });

  const provider = await books.provider(owner);
  await books.db.owner.query(
    `SELECT post_earning($1::jsonb || jsonb_build_object('earningId', 'ern_' || n, 'externalId', n::text)) FROM generate_series(1, 1000) n`,
    [JSON.stringify({ ...provider, currency: 'PKR', amountMinor: String(LIMIT / 1000n) })],
  );
  await books.fund(owner, 1n);
  expect((await books.earn(provider, 1n)).outcome).toBe('balance_limit');
  expect(await books.money(owner)).toEqual({ available: 1n, reserved: 0n });
});

test('what is released or comes back to a balance at its limit is booked', async () => {
  const owner = await books.merchant(LIMIT);
  const amount = 10n ** 15n;
  const paid = await books.payout(owner, { amount });
  const failed = await books.payout(owner, { amount });
  await books.told(paid, 'attempt_started 1', 'paid 1');
  await books.fund(owner, amount);
  await books.told(paid, 'returned 1');
  await books.told(failed, 'attempt_started 1', 'failed 1');
  expect(await books.money(owner)).toEqual({ available: LIMIT + amount, reserved: 0n });
  expect(await books.fund(owner, 1n)).toBe('balance_limit');
});
