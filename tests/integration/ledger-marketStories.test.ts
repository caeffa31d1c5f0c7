/** Whole markets: what the database pays, row by row, is what plain long division gives. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VOID } from '../../src/markets/rules/market.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, type MarketOptions, marketBooksOf } from '../support/marketBooks.ts';
import { type Committed, referencePayouts } from '../support/marketReference.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks({ connections: 10 });
  markets = marketBooksOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;
const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n);

/** `user`: which of the users. */
type Placed = { readonly user: number; readonly optionId: string; readonly amount: bigint };
type Fees = Required<Pick<MarketOptions, 'houseFeeBps' | 'creatorFeeBps' | 'feeBase'>>;

/** A market with these stakes, paid in chunks of so many, and compared with the reference: every row, every balance, every commitment. */
async function paidAsWritten(
  fees: Fees,
  placed: readonly Placed[],
  outcome: string,
  step: number,
  creatorIs?: number,
): Promise<void> {
  const merchant = await books.merchant(0n);
  const users: TestUser[] = [];
  for (let n = 0; n <= Math.max(0, ...placed.map(({ user }) => user)); n += 1)
    users.push(await markets.player(merchant, sum(placed.filter(({ user }) => user === n).map(({ amount }) => amount))));
  const creator = creatorIs === undefined ? await markets.users.user(merchant) : (users[creatorIs] as TestUser);
  const market = await markets.open(merchant, { ...fees, creator, options: ['x', 'y', 'z'] });
  for (const { user, optionId, amount } of placed)
    expect(await markets.commit(market, users[user] as TestUser, optionId, amount)).toBe('committed');
  await markets.pay(market, outcome, step);

  const committed = placed.map(({ user, ...each }): Committed => ({ ...each, userId: (users[user] as TestUser).userId }));
  const reference = referencePayouts(fees, committed, outcome);
  const rows = await of('SELECT user_id, payout FROM distributions WHERE market_id = $1 ORDER BY user_id', market.marketId);
  expect(rows.map((row) => [row.user_id, BigInt(row.payout)])).toEqual([...reference.payouts]);
  for (const user of users) {
    const paid = reference.payouts.get(user.userId) ?? 0n;
    expect(await markets.purse(user)).toBe(paid + (user === creator ? reference.creator : 0n));
    const parts = await of(
      'SELECT commitment_record(c) AS record FROM commitments c WHERE market_id = $1 AND user_id = $2',
      market.marketId,
      user.userId,
    );
    expect(sum(parts.map(({ record }) => BigInt(record.payoutMinor)))).toBe(paid);
  }
  expect([await markets.merchantHas(merchant), (await markets.market(market)).pool]).toEqual([reference.house, 0n]);
}

const fees = fc
  .record({ house: fc.integer({ min: 0, max: 10_000 }), creator: fc.integer({ min: 0, max: 10_000 }), feeBase: fc.constantFrom<Fees['feeBase']>('losing_pool', 'gross') })
  .map(({ house, creator, feeBase }): Fees => ({ houseFeeBps: house, creatorFeeBps: Math.min(creator, 10_000 - house), feeBase })); // biome-ignore format: one glance
const placed = fc.array(
  fc.record<Placed>({
    user: fc.nat(6),
    optionId: fc.constantFrom('x', 'y', 'z'),
    amount: fc.oneof(fc.bigInt({ min: 1n, max: 5n }), fc.bigInt({ min: 1n, max: 10n ** 15n })),
  }),
  { maxLength: 12 },
);

test('any market pays, row by row, what plain long division gives: any stakes, fees, outcome and size of chunk', async () => {
  const outcome = fc.constantFrom('x', 'y', 'z', VOID);
  await fc.assert(
    fc.asyncProperty(fees, placed, outcome, fc.integer({ min: 1, max: 4 }), (each, stakes, won, step) =>
      paidAsWritten(each, stakes, won, step),
    ),
    { numRuns: 10 },
  );
});

const NONE: Fees = { houseFeeBps: 0, creatorFeeBps: 0, feeBase: 'gross' };
const CASES: readonly (readonly [string, Fees, readonly Placed[], string, number?])[] = [
  ['a whale beside a unit', { ...NONE, houseFeeBps: 333 }, [{ user: 0, optionId: 'x', amount: 10n ** 15n }, { user: 1, optionId: 'x', amount: 1n }, { user: 2, optionId: 'y', amount: 10n ** 15n }], 'x'],
  ['equal remainders', NONE, [0, 1, 2, 3, 4, 5, 6].map((user) => ({ user, optionId: 'x', amount: 3n })).concat([{ user: 7, optionId: 'y', amount: 5n }]), 'x'],
  ['a creator who wins', { ...NONE, creatorFeeBps: 777, houseFeeBps: 111 }, [{ user: 0, optionId: 'x', amount: 70n }, { user: 1, optionId: 'x', amount: 31n }, { user: 2, optionId: 'z', amount: 1009n }], 'x', 0],
  ['one user on all sides, alone', { ...NONE, houseFeeBps: 1000 }, [{ user: 0, optionId: 'x', amount: 7n }, { user: 0, optionId: 'y', amount: 11n }, { user: 0, optionId: 'x', amount: 13n }], 'x'],
  ['a side that pays nothing: all of it is fees', { ...NONE, houseFeeBps: 9000, creatorFeeBps: 1000 }, [{ user: 0, optionId: 'x', amount: 7n }, { user: 1, optionId: 'y', amount: 11n }], 'x'],
  ['a winning side on which nobody staked', { ...NONE, houseFeeBps: 9000 }, [{ user: 0, optionId: 'x', amount: 7n }, { user: 1, optionId: 'y', amount: 11n }], 'z'],
  ['nobody at all', { ...NONE, houseFeeBps: 9000 }, [], 'x'],
]; // biome-ignore format: a table

// No fifth parameter: of a row of four, it would be the callback of a test that says itself when it is done.
test.each(CASES)('%s: each gets the share, and nothing is left over', (_, each, stakes, outcome, ...[creatorIs]) =>
  paidAsWritten(each, stakes, outcome, 2, creatorIs),
);

test('a thousand stakes of one unit are paid to the unit, and undone to the unit', async () => {
  const merchant = await books.merchant(0n);
  await books.fund(merchant, 1000n, newId('ext'), 'INR');
  const market = await markets.open(merchant, { houseFeeBps: 123 });
  const lines: object[] = [];
  for (let n = 0; n < 1000; n += 1) {
    const user = await markets.users.user(merchant);
    await markets.users.credit(user, 1n, { currency: 'INR' });
    lines.push({
      key: String(n),
      line: n + 1,
      commitmentId: newId('com'),
      userId: user.userId,
      optionId: n % 3 === 0 ? 'no' : 'yes',
      position: null,
      amountMinor: '1',
    });
  }
  const importId = newId('imp');
  await books.db.pool.query('SELECT open_import($1)', [JSON.stringify({ importId, ...market })]);
  await books.db.pool.query('SELECT import_stakes($1)', [JSON.stringify({ importId, ...merchant, lines })]);
  const resolutionId = await markets.pay(market, 'yes', 300);
  expect(
    await of('SELECT payout, count(*)::int AS n FROM distributions WHERE resolution_id = $1 GROUP BY 1 ORDER BY 1', resolutionId),
  ).toEqual([
    { payout: '0', n: 334 },
    { payout: '1', n: 344 }, // 988 units for 666 winners
    { payout: '2', n: 322 },
  ]);
  expect(await markets.rollback(resolutionId, 300)).toBe('rolled_back');
  expect(await markets.market(market)).toMatchObject({ pool: 1000n, missing: 0n });
});
