/** Markets: stakes go into a pool, and all of it comes out again, each user's part once, to the last unit. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endPaying, walkUsers } from '../../src/ledger/distributions.ts';
import { importStakes } from '../../src/ledger/postings.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, marketBooksOf } from '../support/marketBooks.ts';
import type { TestUser } from '../support/users.ts';

const CALLERS = 30;

let books: Books;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  markets = marketBooksOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const pursesOf = (users: readonly TestUser[]): Promise<bigint[]> => Promise.all(users.map((user) => markets.purse(user)));
const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;

test('a stake is taken at once and once, and kept in the totals; nobody stakes what they have not, while frozen, or elsewhere', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const user = await markets.player(merchant, 100n);
  const id = newId('com');
  expect([await markets.commit(market, user, 'yes', 60n, id), await markets.commit(market, user, 'yes', 60n, id)]).toEqual([
    'committed',
    'already',
  ]);
  await expect(markets.commit(market, user, 'yes', 59n, id)).rejects.toThrow('another one');
  expect(await markets.commit(market, user, 'no', 41n)).toBe('insufficient_balance');
  expect(await markets.commit(market, await markets.users.user(merchant), 'no', 1n)).toBe('insufficient_balance');
  expect([await markets.commit(market, user, 'no', 10n), await markets.commit(market, user, 'yes', 5n)]).toEqual([
    'committed',
    'committed',
  ]);
  await markets.users.freeze(user, true);
  expect(await markets.commit(market, user, 'no', 1n)).toBe('user_frozen');
  await markets.users.freeze(user, false);
  const stranger = await books.merchant(0n);
  await expect(markets.commit({ ...market, ...stranger }, user, 'no', 1n)).rejects.toThrow('is not of merchant');
  await expect(markets.commit(market, await markets.player(stranger, 1n), 'no', 1n)).rejects.toThrow('is not of merchant');
  await expect(markets.commit(market, user, 'maybe', 1n)).rejects.toThrow();
  expect(await markets.purse(user)).toBe(25n);
  expect(await markets.market(market)).toEqual({ state: 'OPEN', run: 0, staked: 75n, missing: 0n, pool: 75n });
  expect(await markets.entries(user)).toEqual(['USER_CREDIT 100', 'COMMITMENT 60', 'COMMITMENT 10', 'COMMITMENT 5']);
  const rows = await of('SELECT market_record(m) AS record FROM markets m WHERE id = $1', market.marketId);
  expect(rows[0].record).toMatchObject({
    commitments: 3,
    participants: 1,
    stakedMinor: '75',
    options: [
      { id: 'yes', stakedMinor: '65', commitments: 2, participants: 1 },
      { id: 'no', stakedMinor: '10', commitments: 1, participants: 1 },
    ],
  });
});

test('a winner gets the pool less the fees by the share of the stake, a loser nothing, and the fees go where they belong', async () => {
  const merchant = await books.merchant(0n);
  const creator = await markets.users.user(merchant);
  const market = await markets.open(merchant, { houseFeeBps: 200, creatorFeeBps: 100, feeBase: 'losing_pool', creator });
  const [a, b, c] = [
    await markets.player(merchant, 300n),
    await markets.player(merchant, 100n),
    await markets.player(merchant, 1000n),
  ];
  await markets.commit(market, a, 'yes', 300n);
  await markets.commit(market, b, 'yes', 100n);
  await markets.commit(market, c, 'no', 1000n);
  const resolutionId = await markets.pay(market, 'yes');
  // 3 % of 1000 are 30, of which 10 are the creator's; 1370 × 3/4 = 1027.5, × 1/4 = 342.5: the tie goes to the lower id
  expect(await pursesOf([a, b, c, creator])).toEqual([1028n, 342n, 0n, 10n]);
  expect(await markets.merchantHas(merchant)).toBe(20n);
  expect(await markets.market(market)).toEqual({ state: 'RESOLVED', run: 1, staked: 1400n, missing: 0n, pool: 0n });
  expect(await markets.state(resolutionId)).toBe('COMPLETED');
  expect((await markets.told(a))[0]).toMatchObject({
    type: 'distribution.completed',
    object: {
      distribution: { payoutMinor: '1028', stakeWonMinor: '300', stakeLostMinor: '0', roundedUp: true },
      balance: { availableMinor: '1028' },
    },
  });
  expect((await markets.told(c))[0]).toMatchObject({ object: { distribution: { payoutMinor: '0', stakeLostMinor: '1000' } } });
  const commitments = await of(
    'SELECT commitment_record(c) AS record FROM commitments c WHERE market_id = $1 ORDER BY amount',
    market.marketId,
  );
  expect(commitments.map(({ record }) => [record.state, record.payoutMinor])).toEqual([['won', '342'], ['won', '1028'], ['lost', '0']]); // biome-ignore format: as it reads
});

test('whoever pays again, alone or among others, at the same moment or later, pays nobody twice, and the fees once', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { houseFeeBps: 1000 });
  const users = await times(12, () => markets.player(merchant, 100n));
  await Promise.all(users.map((user, n) => markets.commit(market, user, n % 3 === 0 ? 'no' : 'yes', 100n)));
  const resolutionId = await markets.resolved(market, 'yes');
  expect(await markets.plan(resolutionId)).toBe('planned');
  const ids = users.map(({ userId }) => userId);
  expect(await endPaying(books.db.pool, resolutionId, {})).toEqual({ outcome: 'more' });
  await times(10, (n) => walkUsers(books.db.pool, 'pay_users', resolutionId, n % 2 === 0 ? ids.slice(n) : [...ids].reverse()));
  const ends = await times(5, () => endPaying(books.db.pool, resolutionId, {}));
  expect(ends.map(({ outcome }) => outcome).sort()).toEqual(['completed', 'elsewhere', 'elsewhere', 'elsewhere', 'elsewhere']);
  expect(await walkUsers(books.db.pool, 'pay_users', resolutionId, ids)).toEqual({ outcome: 'stopped' });
  expect(await pursesOf(users)).toEqual(users.map((_, n) => (n % 3 === 0 ? 0n : 135n)));
  expect(await markets.merchantHas(merchant)).toBe(120n);
});

test('a user who has staked the most that a pool takes ten times over is paid the tenth time, too', async () => {
  const merchant = await books.merchant(0n);
  const most = 10n ** 18n;
  const whale = await markets.player(merchant, most);
  const line = { userId: whale.userId, optionId: 'yes', position: null, amountMinor: String(most / 1_000n) };
  for (let time = 0; time < 10; time += 1) {
    const market = await markets.open(merchant);
    const request = { importId: newId('imp'), ...market };
    await books.db.pool.query('SELECT open_import($1)', [JSON.stringify(request)]);
    for (let from = 1; from < 1_000; from += 500) {
      const lines = Array.from({ length: 500 }, (_, at) => ({
        ...line,
        key: `k${from + at}`,
        line: from + at,
        commitmentId: newId('com'),
      }));
      expect(await importStakes(books.db.pool, { ...request, lines })).toMatchObject({ accepted: 500 });
    }
    await markets.pay(market, 'yes');
    expect(await markets.purse(whale)).toBe(most);
  }
  const stats = await of('SELECT markets, committed::text, distributed::text FROM user_stats WHERE user_id = $1', whale.userId);
  expect(stats).toEqual([{ markets: 10, committed: String(10n * most), distributed: String(10n * most) }]);
});

test('void, and a winner on whom nobody staked, give everybody the stakes back, whatever the fees', async () => {
  const merchant = await books.merchant(0n);
  for (const outcome of ['void', 'c']) {
    const market = await markets.open(merchant, { options: ['a', 'b', 'c'], houseFeeBps: 9000, feeBase: 'gross' });
    const [user, other] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
    await markets.commit(market, user, 'a', 33n);
    await markets.commit(market, user, 'b', 67n);
    await markets.commit(market, other, 'b', 1n);
    await markets.pay(market, outcome);
    expect(await pursesOf([user, other])).toEqual([100n, 100n]);
    expect(await markets.entries(other)).toEqual(['USER_CREDIT 100', 'COMMITMENT 1', 'STAKE_RETURN 1']);
    expect((await markets.market(market)).state).toBe(outcome === 'void' ? 'VOID' : 'RESOLVED');
    expect(await of('SELECT * FROM user_stats WHERE user_id = $1', user.userId)).toEqual([]);
  }
});
