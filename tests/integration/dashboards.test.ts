/** What operators' dashboards say of markets is what the books have, whatever of it is folded already; nothing is counted for a look. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Registry } from 'prom-client';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { createResolutionActivities } from '../../activities/markets/resolution.ts';
import { foldStep, foldTallies } from '../../src/relay/totals.ts';
import { resolutionMetrics } from '../../src/worker/resolutionMetrics.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { type Door, type Merchant, openDoor } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type MarketBooks, marketBooksOf } from '../support/marketBooks.ts';

let books: Books;
let door: Door;
let admins: Admins;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks();
  door = await openDoor({ db: books.db });
  admins = await everyRole(door);
  markets = marketBooksOf(books);
});
afterAll(async () => {
  await books.expectInOrder(); // also that the figures add up
});
afterAll(async () => {
  await door.stop();
  await books.stop(); // also when the books are not in order
});

const ownerOf = ({ id: merchantId }: Merchant): Owner => ({ merchantId, mode: 'test' });
const look = async (path: string, { id }: Merchant) =>
  (await door.call('GET', `/api/admin/${path}?merchantId=${id}`, { key: admins.viewer.key })).body;

const foldAll = async (): Promise<void> => {
  while (await foldStep(books.db.pool));
  while (await foldTallies(books.db.pool, 1));
};

/** Of two markets of a merchant's: one paid, one open. Users `a` and `b` stake on both, on one of them twice. */
async function aBusyDay(merchant: Merchant) {
  const [first, second] = [await markets.open(ownerOf(merchant), { houseFeeBps: 1_000 }), await markets.open(ownerOf(merchant))];
  const [a, b] = [await markets.player(ownerOf(merchant), 10_000n), await markets.player(ownerOf(merchant), 10_000n)];
  await markets.commit(first, a, 'yes', 1_000n);
  await markets.commit(first, a, 'yes', 2_000n);
  await markets.commit(first, b, 'no', 1_000n);
  await markets.commit(second, b, 'no', 500n);
  const resolutionId = await markets.pay(first, 'yes');
  return { first, second, a, b, resolutionId };
}

const PAID = {
  ...{
    livemode: false,
    currency: 'INR',
    commitments: 4,
    staked: '45.00',
    participants: 3,
    users: 2,
    activeUsers: 2,
    resolutions: 1,
  },
  ...{ rollbacks: 0, paid: '36.00', fees: { total: '4.00', house: '4.00', creator: '0.00' } },
};

test('the dashboard counts stakes, users once a day, pools, fees and payouts, before they are folded and after', async () => {
  const merchant = await door.merchant();
  await aBusyDay(merchant);
  const day = { day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), ...PAID };
  for (let isFolded = false; ; isFolded = true) {
    const { totals, days } = await look('dashboard', merchant);
    expect(totals).toEqual([{ ...PAID, pools: '5.00' }]);
    expect(days).toEqual([day]);
    if (isFolded) break;
    await foldAll();
  }
});

test('a stake that comes while others are folded is counted once, and so is one of a user who was there the day before', async () => {
  const merchant = await door.merchant();
  const { second, a, b } = await aBusyDay(merchant);
  await foldAll();
  await books.db.owner.query('UPDATE market_users SET active_on = active_on - 1 WHERE user_id = $1', [a.userId]);
  const client = await books.db.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT fold_tallies(5)');
  expect(await foldTallies(books.db.pool)).toBe(false); // somebody else is at it
  for (const user of [a, b, a]) await markets.commit(second, user, 'yes', 100n);
  await client.query('ROLLBACK'); // dies over it
  client.release();
  await Promise.all(Array.from({ length: 3 }, () => foldTallies(books.db.pool)));
  const { totals } = await look('dashboard', merchant);
  expect(totals).toMatchObject([{ commitments: 7, staked: '48.00', participants: 4, users: 2, activeUsers: 3, pools: '8.00' }]);
});

test('a rollback takes its payouts and fees out of the figures, and one that had paid only some takes out nothing that was never in', async () => {
  const merchant = await door.merchant();
  const { first, second, b, resolutionId } = await aBusyDay(merchant);
  expect(await markets.rollback(resolutionId)).toBe('rolled_back');
  const back = { resolutions: 1, rollbacks: 1, paid: '0.00', fees: { total: '0.00' }, pools: '45.00' };
  expect((await look('dashboard', merchant)).totals).toMatchObject([back]);

  await markets.users.freeze(b, true);
  const stopped = await markets.resolved(second, 'no');
  await markets.plan(stopped);
  expect(await markets.walk(stopped)).toBe('stopped');
  await markets.rollback(stopped);
  expect((await look('dashboard', merchant)).totals).toMatchObject([back]);

  await foldAll();
  const { needsOperator, ...shown } = await look('resolution', merchant);
  const states = (list: { state: string; count: number }[]) => list.map(({ state, count }) => `${state} ${count}`).sort();
  expect(states(shown.markets)).toEqual(['UNRESOLVED 2']);
  expect(states(shown.resolutions)).toEqual(['ROLLED_BACK 2']);
  expect(needsOperator).toBe(0);
  const { data } = (await door.call('GET', '/api/admin/markets', { key: admins.viewer.key })).body;
  const own = data.find(({ id }: { id: string }) => id === first.marketId);
  expect(own.statistics).toEqual({
    ...{ averageCommitment: '13.33', averageStake: '20.00', pool: '40.00', missing: '0.00', paid: '0.00' },
    fees: { total: '0.00', house: '0.00', creator: '0.00' },
  });
});

test('tokens in circulation are what users and pools have, as of the last check of the books, and say when that was', async () => {
  const merchant = await door.merchant();
  await aBusyDay(merchant);
  expect((await look('tokens', merchant)).circulation).toEqual([]); // not checked yet
  const { checkBooks } = createMaintenanceActivities({ pool: books.db.pool, payouts: {} as never });
  await new MockActivityEnvironment().run(checkBooks);
  const { circulation, days } = await look('tokens', merchant);
  const asOf = expect.stringMatching(/Z$/);
  const users = { available: '191.00', reserved: '0.00', owed: '0.00', holders: 2 };
  expect(circulation).toEqual([{ livemode: false, currency: 'INR', ...users, pools: '5.00', total: '196.00', asOf }]);
  expect(days).toHaveLength(1);
  await new MockActivityEnvironment().run(checkBooks);
  expect((await look('tokens', merchant)).circulation).toHaveLength(1);
});

test('what planning, paying and rolling back take, and what goes wrong in it, is in the worker’s metrics', async () => {
  const merchant = await door.merchant();
  const { second, b } = await aBusyDay(merchant);
  const registry = new Registry();
  const activities = createResolutionActivities({ pool: books.db.pool, watch: resolutionMetrics(registry) });
  const of = { marketId: second.marketId, resolutionId: await markets.resolved(second, 'no') };
  await markets.plan(of.resolutionId);
  await markets.users.freeze(b, true);
  const run = <T>(work: (of: { marketId: string; resolutionId: string }) => Promise<T>) =>
    new MockActivityEnvironment().run(work, of);
  expect(await run(activities.payUsers)).toMatchObject({ state: 'PAYING_STOPPED' });
  await markets.users.freeze(b, false);
  await markets.decide(of.resolutionId, { kind: 'retry' });
  expect(await run(activities.payUsers)).toMatchObject({ state: 'COMPLETED' });
  await markets.decide(of.resolutionId, { kind: 'rollback', reason: 'no' });
  expect(await run(activities.rollUsersBack)).toMatchObject({ state: 'ROLLED_BACK' });
  const text = await registry.metrics();
  const lines = text
    .split('\n')
    .filter((line) => /^oncepay_resolution_(users_total|errors_total|(phase|chunk)_seconds_count)/.test(line));
  expect(lines.filter((line) => !line.endsWith(' 0')).sort()).toEqual([
    'oncepay_resolution_chunk_seconds_count{phase="pay"} 2',
    'oncepay_resolution_chunk_seconds_count{phase="roll_back"} 1',
    'oncepay_resolution_errors_total{phase="end",code="stopped"} 1',
    'oncepay_resolution_errors_total{phase="pay",code="user_failed"} 1',
    'oncepay_resolution_phase_seconds_count{phase="end"} 2',
    'oncepay_resolution_phase_seconds_count{phase="end_rollback"} 1',
    'oncepay_resolution_phase_seconds_count{phase="pay"} 2',
    'oncepay_resolution_phase_seconds_count{phase="roll_back"} 1',
    'oncepay_resolution_phase_seconds_count{phase="verify"} 1',
    'oncepay_resolution_users_total{phase="pay"} 2',
    'oncepay_resolution_users_total{phase="roll_back"} 1',
  ]);
});
