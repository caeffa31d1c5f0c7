/** Rollbacks: what a resolution paid comes back to the last unit, or is owed by who has spent it; nobody is paid from nothing. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { coverMarket, decideDistribution, disputeDistribution, walkUsers } from '../../src/ledger/distributions.ts';
import type { MarketsClient } from '../../src/markets/client.ts';
import { distributionId } from '../../src/markets/rules/ids.ts';
import { decide } from '../../src/markets/useCases/decide.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, marketBooksOf } from '../support/marketBooks.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks({ connections: 30 });
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
const spend = async (user: TestUser, amount: bigint) =>
  expect(await markets.users.debit(user, amount, { currency: 'INR' })).toBe('moved');
const earn = (user: TestUser, amount: bigint) => markets.users.credit(user, amount, { currency: 'INR' });

test('a rollback is the exact inverse, fees included, once; the market can be resolved again, and pays what it would have paid', async () => {
  const merchant = await books.merchant(0n);
  const creator = await markets.users.user(merchant);
  const market = await markets.open(merchant, { houseFeeBps: 300, creatorFeeBps: 200, creator });
  const users = await times(7, () => markets.player(merchant, 1000n));
  await Promise.all(users.map((user, n) => markets.commit(market, user, n < 3 ? 'yes' : 'no', BigInt(100 + n * 37))));
  const before = await pursesOf(users);
  const first = await markets.pay(market, 'yes', 2);
  expect(await markets.decide(first, { kind: 'rollback', reason: 'x' }, 'adm_maker')).toBe('self_approval');
  expect(await markets.rollback(first, 3)).toBe('rolled_back');
  expect(await markets.decide(first, { kind: 'rollback', reason: 'again' })).toBe('already_rolled_back');
  expect(await pursesOf(users)).toEqual(before);
  expect([await markets.purse(creator), await markets.merchantHas(merchant)]).toEqual([0n, 0n]);
  const { staked, ...after } = await markets.market(market);
  expect(after).toEqual({ state: 'UNRESOLVED', run: 1, missing: 0n, pool: staked });
  expect(await of('SELECT DISTINCT state FROM distributions WHERE resolution_id = $1', first)).toEqual([
    { state: 'rolled_back' },
  ]);
  expect(await of('SELECT sum(markets) AS markets, sum(committed) AS committed, sum(distributed) AS paid FROM user_stats WHERE user_id = ANY ($1)', users.map(({ userId }) => userId))).toEqual([{ markets: '0', committed: '0', paid: '0' }]); // biome-ignore format: one glance
  const one = users[0] as TestUser;
  expect(await markets.commit(market, one, 'yes', 1n)).toBe('market_closed'); // it was frozen, for ever
  const commitments = await of(
    'SELECT DISTINCT commitment_record(c) ->> $2 AS state FROM commitments c WHERE market_id = $1',
    market.marketId,
    'state',
  );
  expect(commitments).toEqual([{ state: 'placed' }]);
  const second = await markets.pay(market, 'no');
  expect(await markets.state(second)).toBe('COMPLETED');
  expect((await markets.told(one)).map(({ type }) => type)).toEqual([
    'distribution.completed',
    'distribution.rolled_back',
    'distribution.completed',
  ]);
  const total = (await pursesOf(users)).reduce((sum, each) => sum + each, await markets.purse(creator));
  expect(total + (await markets.merchantHas(merchant))).toBe(7000n);
});

test('who has spent the winnings gives back what is there and owes the rest; the merchant covers it at once, and is repaid first', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const [winner, loser] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(market, winner, 'yes', 100n);
  await markets.commit(market, loser, 'no', 100n);
  const resolutionId = await markets.pay(market, 'yes');
  await spend(winner, 150n); // and the merchant has it
  expect(await markets.rollback(resolutionId)).toBe('rolled_back');
  expect(await markets.market(market)).toEqual({ state: 'UNRESOLVED', run: 1, staked: 200n, missing: 0n, pool: 200n });
  expect([await markets.purse(winner), await markets.debt(winner), await markets.merchantHas(merchant)]).toEqual([0n, 150n, 0n]);
  await markets.pay(market, 'no');
  expect(await pursesOf([winner, loser])).toEqual([0n, 200n]);
  await books.fund(merchant, 40n, newId('ext'), 'INR');
  await earn(winner, 40n);
  expect([await markets.purse(winner), await markets.debt(winner), await markets.merchantHas(merchant)]).toEqual([0n, 110n, 40n]);
});

test('with an empty merchant the rollback stands, and the next resolution waits until the pool is whole: nothing is printed', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { houseFeeBps: 1000 });
  const [winner, loser] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(market, winner, 'yes', 100n);
  await markets.commit(market, loser, 'no', 100n);
  const resolutionId = await markets.pay(market, 'yes'); // 180, and 20 for the house
  const other = await markets.player(merchant, 0n);
  await spend(winner, 180n);
  await earn(other, 200n); // the merchant has nothing left, nor the fee
  expect(await markets.rollback(resolutionId)).toBe('rolled_back');
  expect(await markets.market(market)).toEqual({ state: 'UNRESOLVED', run: 1, staked: 200n, missing: 200n, pool: 0n });
  const second = await markets.resolved(market, 'no');
  expect([await markets.plan(second), await markets.state(second)]).toEqual(['short', 'WAITING_FOR_FUNDS']);
  await books.fund(merchant, 150n, newId('ext'), 'INR');
  expect(await coverMarket(books.db.pool, second)).toEqual({ outcome: 'short', missingMinor: '50' });
  expect(await walkUsers(books.db.pool, 'pay_users', second, [loser.userId])).toEqual({ outcome: 'stopped' });
  await books.expectInOrder();
  await books.fund(merchant, 60n, newId('ext'), 'INR');
  expect(await markets.plan(second)).toBe('planned');
  expect(await markets.walk(second)).toBe('completed');
  expect([await markets.purse(loser), await markets.merchantHas(merchant), await markets.debt(winner)]).toEqual([
    180n,
    30n,
    180n,
  ]);
});

test('a rollback in the middle of paying, and users who spend while it runs: every unit is somewhere, by every caller, once', async () => {
  const merchant = await books.merchant(0n);
  await books.fund(merchant, 10_000n, newId('ext'), 'INR');
  const market = await markets.open(merchant, { houseFeeBps: 100 });
  const users = await times(20, () => markets.player(merchant, 100n));
  await Promise.all(users.map((user, n) => markets.commit(market, user, n % 4 === 0 ? 'no' : 'yes', 100n)));
  const resolutionId = await markets.pay(market, 'yes');
  expect(await markets.decide(resolutionId, { kind: 'rollback', reason: 'wrong' })).toBe('done');
  const ids = users.map(({ userId }) => userId);
  const spending = users.map((user) => markets.users.debit(user, 60n, { currency: 'INR' }));
  await Promise.all([
    ...spending,
    ...[0, 5, 10, 15].map((from) => walkUsers(books.db.pool, 'unpay_users', resolutionId, ids.slice(from))),
  ]);
  expect(await markets.walk(resolutionId, 4)).toBe('rolled_back');
  expect((await markets.market(market)).pool).toBe(2000n);
  for (const user of users) {
    const [purse, debt, taken] = [await markets.purse(user), await markets.debt(user), await Promise.all(spending)];
    expect(purse - debt).toBe(taken[users.indexOf(user)] === 'moved' ? -60n : 0n);
  }
});

test('a frozen winner is named and keeps the others from nothing, in paying and in undoing, and is done once somebody retries', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const users = await times(5, () => markets.player(merchant, 100n));
  const [frozen, frozenLoser] = [users[1] as TestUser, users[4] as TestUser];
  await Promise.all(users.map((user, n) => markets.commit(market, user, n === 4 ? 'no' : 'yes', 100n)));
  for (const user of [frozen, frozenLoser]) await markets.users.freeze(user, true);
  const resolutionId = await markets.resolved(market, 'yes');
  await markets.plan(resolutionId);
  expect([await markets.walk(resolutionId), await markets.state(resolutionId)]).toEqual(['stopped', 'PAYING_STOPPED']);
  expect(await pursesOf(users)).toEqual([125n, 0n, 125n, 125n, 0n]); // of a loser nothing moves
  const failed = await of(
    'SELECT user_id, failure FROM distributions WHERE resolution_id = $1 AND state = $2',
    resolutionId,
    'failed',
  );
  expect(failed).toEqual([{ user_id: frozen.userId, failure: 'user_frozen' }]);
  await books.expectInOrder();
  await markets.users.freeze(frozen, false);
  expect(await markets.decide(resolutionId, { kind: 'retry' }, 'adm_maker')).toBe('done');
  expect(await markets.walk(resolutionId)).toBe('completed');
  expect(await markets.purse(frozen)).toBe(125n);
  await markets.users.freeze(frozen, true);
  expect([await markets.rollback(resolutionId), await markets.state(resolutionId)]).toEqual(['stopped', 'ROLLING_BACK_STOPPED']);
  expect(await pursesOf(users)).toEqual([0n, 125n, 0n, 0n, 0n]);
  await books.expectInOrder();
  await markets.users.freeze(frozen, false);
  expect(await markets.decide(resolutionId, { kind: 'retry' })).toBe('done');
  expect(await markets.walk(resolutionId)).toBe('rolled_back');
  expect((await markets.market(market)).pool).toBe(500n);
});

test('what was stopped may be rolled back at once: who was never paid stays so', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { houseFeeBps: 500 });
  const users = await times(3, () => markets.player(merchant, 100n));
  await Promise.all(users.map((user) => markets.commit(market, user, 'yes', 100n)));
  await markets.users.freeze(users[0] as TestUser, true);
  const resolutionId = await markets.resolved(market, 'yes');
  await markets.plan(resolutionId);
  expect(await markets.walk(resolutionId)).toBe('stopped');
  expect(await markets.rollback(resolutionId)).toBe('rolled_back');
  expect(await pursesOf(users)).toEqual([0n, 0n, 0n]);
  expect(
    await of('SELECT state, count(*)::int AS n FROM distributions WHERE resolution_id = $1 GROUP BY 1 ORDER BY 1', resolutionId),
  ).toEqual([
    { state: 'failed', n: 1 },
    { state: 'rolled_back', n: 2 },
  ]);
  expect(await markets.market(market)).toMatchObject({ state: 'UNRESOLVED', pool: 300n, missing: 0n });
});

test('a creator who won owes winnings and fee, a debt that was repaid by the winnings stays repaid', async () => {
  const merchant = await books.merchant(0n);
  const [first, second] = [await markets.open(merchant), await markets.open(merchant)];
  const [debtor, other] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(first, debtor, 'yes', 50n);
  const firstId = await markets.pay(first, 'yes'); // 50 back
  const third = await markets.open(merchant, { creatorFeeBps: 1000, creator: debtor });
  await markets.commit(third, debtor, 'yes', 60n);
  await markets.commit(third, other, 'no', 40n);
  await spend(debtor, 40n);
  expect(await markets.rollback(firstId)).toBe('rolled_back'); // owes 50
  expect(await markets.debt(debtor)).toBe(50n);
  const thirdId = await markets.pay(third, 'yes'); // 90 less the debt, and a fee of 10
  expect([await markets.purse(debtor), await markets.debt(debtor)]).toEqual([50n, 0n]);
  await spend(debtor, 50n);
  expect(await markets.rollback(thirdId)).toBe('rolled_back');
  expect([await markets.purse(debtor), await markets.debt(debtor)]).toEqual([0n, 100n]); // of this one alone
  expect(await of('SELECT owed FROM debts d JOIN balances b ON b.id = d.balance_id WHERE b.owner_id = $1 ORDER BY d.id', debtor.userId)).toEqual([{ owed: '0' }, { owed: '100' }]); // biome-ignore format: one glance
  expect((await markets.market(second)).state).toBe('OPEN');
});

test('a disputed distribution stays as it is until another than the resolver decides: upheld it is as before, overturned all is taken back', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const [winner, loser] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(market, winner, 'yes', 100n);
  await markets.commit(market, loser, 'no', 100n);
  const resolutionId = await markets.pay(market, 'yes');
  const { pool } = books.db;
  const dispute = async (user: TestUser, reason: string) =>
    (await disputeDistribution(pool, { ...merchant, distributionId: distributionId(resolutionId, user.userId), reason })).outcome;
  const decide = async (user: TestUser, kind: 'uphold' | 'overturn', adminId = 'adm_checker', key = newId('dec')) =>
    (
      await decideDistribution(pool, {
        distributionId: distributionId(resolutionId, user.userId),
        adminId,
        key,
        via: 'api',
        kind,
      })
    ).outcome;
  expect([await dispute(winner, 'too little'), await dispute(winner, 'too little'), await dispute(winner, 'no')]).toEqual(['disputed', 'already', 'already_disputed']); // biome-ignore format: as it reads
  const operator = async () => (await of('SELECT needs_operator FROM resolutions WHERE id = $1', resolutionId))[0].needs_operator;
  expect(await operator()).toBe(true);
  expect([await decide(loser, 'uphold'), await decide(winner, 'uphold', 'adm_maker')]).toEqual(['wrong_state', 'self_approval']);
  expect([await decide(winner, 'uphold', 'adm_checker', 'k'), await decide(winner, 'uphold', 'adm_checker', 'k')]).toEqual([
    'done',
    'already',
  ]);
  expect(await operator()).toBe(false);
  expect([await dispute(loser, 'i won'), await decide(loser, 'overturn')]).toEqual(['disputed', 'done']);
  expect(await markets.walk(resolutionId)).toBe('rolled_back');
  expect(await decide(loser, 'overturn')).toBe('already_rolled_back');
  expect(await pursesOf([winner, loser])).toEqual([0n, 0n]);
});

test('a rollback that a user’s dispute overtakes is not refused for good, and a second one is told what it is', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const winner = await markets.player(merchant, 100n);
  await markets.commit(market, winner, 'yes', 100n);
  const resolutionId = await markets.pay(market, 'yes');
  const { pool } = books.db;
  /** A workflow that has just been begun again: it has seen what `meanwhile` did, and whoever asks has not. */
  const rollback = (meanwhile: () => Promise<unknown>) => {
    const client = { decide: () => meanwhile().then(() => ({ outcome: 'wrong_state' })) } as unknown as MarketsClient;
    const decision = { kind: 'rollback', reason: 'a wrong result' } as const;
    return decide({ pool, markets: client }, resolutionId, { adminId: 'adm_checker', updateId: newId('upd'), decision });
  };
  const disputed = { ...merchant, distributionId: distributionId(resolutionId, winner.userId), reason: 'too little' };
  expect(await rollback(() => disputeDistribution(pool, disputed))).toEqual({ outcome: 'unheard' });
  expect(await rollback(async () => undefined)).toEqual({ outcome: 'wrong_state', state: 'COMPLETED' });
  expect(await rollback(() => markets.rollback(resolutionId))).toEqual({ outcome: 'already_rolled_back' });
});
