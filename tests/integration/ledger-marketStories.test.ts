/** Whole markets: what the database pays, row by row, is what plain long division gives, and whatever happens in whatever order keeps the books. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { coverMarket, decideDistribution, disputeDistribution, endPaying, endRollback, endWindow, findCut, planResolution, walkUsers } from '../../src/ledger/distributions.ts'; // biome-ignore format: one glance
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { marketChecks } from '../../src/markets/invariants.ts';
import { distributionId } from '../../src/markets/rules/ids.ts';
import { VOID } from '../../src/markets/rules/market.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, type MarketOptions, marketBooksOf, type TestMarket } from '../support/marketBooks.ts';
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

const USERS = 4;
type Step = { readonly what: string; readonly user: number; readonly amount: bigint; readonly option: string };
const story = fc.array(
  fc.record<Step>({
    what: fc.constantFrom('commit', 'commit', 'resolve', 'on', 'on', 'on', 'on', 'pay', 'pay', 'dispute', 'approve', 'uphold', 'overturn', 'rollback', 'rollback', 'retry', 'spend', 'spend', 'earn', 'freeze', 'free', 'empty', 'fund', 'doubt', 'judge'),
    user: fc.nat(USERS - 1),
    amount: fc.bigInt({ min: 1n, max: 60n }),
    option: fc.constantFrom('yes', 'no', VOID),
  }),
  { minLength: 15, maxLength: 40 },
); // biome-ignore format: a list

/** One that goes all the way and back: the others may be over before there is anything to take back. */
const THERE_AND_BACK = ['commit yes', 'commit no', 'resolve yes', 'on', 'on', 'pay', 'on', 'rollback', 'pay', 'on'].map(
  (each): Step => {
    const [what = '', option = 'yes'] = each.split(' ');
    return { what, option, user: 0, amount: 60n };
  },
);

/** What can be said and done to one market, in any order: of each only that the books are in order afterwards. */
async function tell(market: TestMarket, users: readonly TestUser[], { what, user: at, amount, option }: Step): Promise<unknown> {
  const { pool } = books.db;
  const user = users[at] as TestUser;
  const [row] = await of(
    'SELECT r.id, r.state FROM markets m JOIN resolutions r ON r.market_id = m.id AND r.run = m.run WHERE m.id = $1',
    market.marketId,
  );
  const resolutionId: string = row?.id ?? '';
  const money = { currency: 'INR' };
  if (what === 'commit') return markets.commit(market, user, option === VOID ? 'yes' : option, amount);
  if (what === 'resolve') return markets.resolve(market, option);
  if (what === 'spend') return markets.users.debit(user, amount, money);
  if (what === 'earn') return markets.users.credit(user, amount, money);
  if (what === 'freeze' || what === 'free') return markets.users.freeze(user, what === 'freeze');
  if (what === 'fund') return books.fund(market, amount, newId('ext'), 'INR');
  if (what === 'empty') {
    const all = await markets.merchantHas(market);
    return all > 0n ? markets.users.credit(users[USERS] as TestUser, all, money) : undefined;
  }
  if (!row) return undefined;
  if (what === 'on') return onward(resolutionId, row.state);
  if (what === 'pay')
    return walkUsers(
      pool,
      row.state === 'ROLLING_BACK' ? 'unpay_users' : 'pay_users',
      resolutionId,
      users.slice(at).map(({ userId }) => userId),
    );
  if (what === 'dispute') return markets.dispute(market, user);
  const distribution = distributionId(resolutionId, user.userId);
  const [known] = await of('SELECT 1 FROM distributions WHERE id = $1', distribution);
  if (what === 'doubt') return known && disputeDistribution(pool, { ...market, distributionId: distribution, reason: 'hm' });
  if (what === 'judge') return known && decideDistribution(pool, { distributionId: distribution, adminId: 'adm_other', key: newId('dec'), via: 'api', kind: amount % 2n === 0n ? 'uphold' : 'overturn' }); // biome-ignore format: one glance
  if (what === 'overturn') return markets.decide(resolutionId, { kind: 'overturn', to: option });
  if (what === 'rollback') return markets.decide(resolutionId, { kind: 'rollback', reason: 'so' }, 'adm_other');
  return markets.decide(
    resolutionId,
    what === 'retry' ? { kind: 'retry' } : what === 'uphold' ? { kind: 'uphold' } : { kind: 'approve', note: null },
  );
}

/** The next step of a resolution, as its workflow would take it. */
async function onward(resolutionId: string, state: string): Promise<unknown> {
  const { pool } = books.db;
  switch (state) {
    case 'DISPUTE_WINDOW':
      return endWindow(pool, resolutionId);
    case 'WAITING_FOR_FUNDS':
      return coverMarket(pool, resolutionId);
    case 'PLANNING': {
      const { outcome } = await coverMarket(pool, resolutionId);
      return outcome === 'whole' ? planResolution(pool, resolutionId, await findCut(pool, resolutionId)) : outcome;
    }
    case 'PAYING':
      return endPaying(pool, resolutionId, {});
    case 'ROLLING_BACK':
      return endRollback(pool, resolutionId);
    default:
      return undefined;
  }
}

test('whatever is said of a market, in whatever order, the books are in order after every step, and in the end nobody has lost a unit', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(story, async (steps) => {
      const merchant = await books.merchant(0n);
      const users: TestUser[] = [];
      for (let n = 0; n <= USERS; n += 1) users.push(await markets.player(merchant, 200n));
      const market = await markets.open(merchant, { houseFeeBps: 700, creatorFeeBps: 300, creator: users[0] as TestUser });
      for (const step of steps) {
        await tell(market, users, step);
        const broken = (await checkInvariants(books.db.pool, marketChecks.invariants)).filter(({ violations }) => violations > 0);
        expect(broken).toEqual([]);
        for (const { state } of await of('SELECT state FROM resolutions WHERE market_id = $1', market.marketId))
          reached.add(state);
      }
      for (const user of users) await markets.users.freeze(user, false);
      await books.fund(merchant, 100_000n, newId('ext'), 'INR');
      for (let turn = 0; turn < 12; turn += 1) {
        await tell(market, users, { what: 'uphold', user: 0, amount: 1n, option: 'yes' });
        await tell(market, users, { what: 'retry', user: 0, amount: 1n, option: 'yes' });
        for (let at = 0; at < USERS; at += 1) await tell(market, users, { what: 'pay', user: at, amount: 1n, option: 'yes' }); // apart, too
        for (const user of users) await walkAlone(market, user);
        await tell(market, users, { what: 'on', user: 0, amount: 1n, option: 'yes' });
      }
      const { state, staked, missing, pool } = await markets.market(market);
      expect(missing === 0n || state === 'UNRESOLVED').toBe(true);
      expect(pool).toBe(state === 'OPEN' || state === 'UNRESOLVED' ? staked - missing : 0n);
      expect(['OPEN', 'UNRESOLVED', 'RESOLVED', 'VOID']).toContain(state);
    }),
    { numRuns: 7, examples: [[THERE_AND_BACK]] }, // each some thirty steps, and a check of the books after every one
  );
  expect([...reached]).toEqual(expect.arrayContaining(['DISPUTE_WINDOW', 'PLANNING', 'PAYING', 'COMPLETED', 'ROLLING_BACK']));
});

async function walkAlone(market: TestMarket, { userId }: TestUser): Promise<void> {
  const [row] = await of(
    'SELECT r.id, r.state FROM markets m JOIN resolutions r ON r.market_id = m.id AND r.run = m.run WHERE m.id = $1',
    market.marketId,
  );
  if (row) await walkUsers(books.db.pool, row.state === 'ROLLING_BACK' ? 'unpay_users' : 'pay_users', row.id, [userId]);
}
