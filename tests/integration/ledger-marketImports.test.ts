/** Imports: each line of a stream is one stake, once, whatever is sent again; a wrong one is refused alone, and says why. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ImportAnswer, type ImportLine, importStakes } from '../../src/ledger/postings.ts';
import { listImportErrors } from '../../src/markets/importReads.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, marketBooksOf, type TestMarket } from '../support/marketBooks.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks({ connections: 20 });
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

const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;

async function opened(market: TestMarket): Promise<(lines: readonly ImportLine[]) => Promise<ImportAnswer>> {
  const importId = newId('imp');
  const request = { importId, ...market };
  await books.db.pool.query('SELECT open_import($1), open_import($1)', [JSON.stringify(request)]);
  return (lines) => importStakes(books.db.pool, { importId, merchantId: market.merchantId, mode: market.mode, lines });
}

let made = 0;
function stake({ userId }: Pick<TestUser, 'userId'>, optionId: string, amount: bigint): ImportLine {
  made += 1;
  return {
    key: `k${made}`,
    line: made,
    commitmentId: newId('com'),
    userId,
    optionId,
    position: null,
    amountMinor: String(amount),
  };
}

test('lines are taken in as single stakes would be, and the same lines again, in whatever pieces, are nothing', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { options: ['a', 'b'] });
  const [user, other] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(market, user, 'a', 5n);
  const send = await opened(market);
  const lines = [
    stake(user, 'a', 10n),
    stake(other, 'a', 20n),
    stake(user, 'a', 30n),
    stake(user, 'b', 1n),
    stake(other, 'b', 2n),
  ];
  expect(await send(lines)).toEqual({ outcome: 'taken_in', accepted: 5, rejected: 0 });
  expect(await send(lines.slice(2))).toEqual({ outcome: 'taken_in', accepted: 0, rejected: 0 });
  expect(await send([...lines, stake(other, 'b', 3n), ...lines])).toEqual({ outcome: 'taken_in', accepted: 1, rejected: 0 });
  expect([await markets.purse(user), await markets.purse(other)]).toEqual([54n, 75n]);
  expect(
    await of(
      'SELECT amount, staked_before, balance_after, balance_version FROM commitments WHERE user_id = $1 ORDER BY balance_version',
      user.userId,
    ),
  ).toEqual([
    { amount: '5', staked_before: '0', balance_after: '95', balance_version: '2' },
    { amount: '10', staked_before: '5', balance_after: '85', balance_version: '3' },
    { amount: '30', staked_before: '15', balance_after: '55', balance_version: '4' },
    { amount: '1', staked_before: '0', balance_after: '54', balance_version: '5' },
  ]);
  const [{ record }] = await of('SELECT market_record(m) AS record FROM markets m WHERE id = $1', market.marketId);
  expect(record).toMatchObject({ commitments: 7, participants: 2, stakedMinor: '71', options: [{ id: 'a', stakedMinor: '65', participants: 2 }, { id: 'b', stakedMinor: '6', participants: 2 }] }); // biome-ignore format: one glance
  expect(await of('SELECT lines, accepted, rejected FROM imports WHERE market_id = $1', market.marketId)).toEqual([
    { lines: 6, accepted: 6, rejected: 0 },
  ]);
});

test('a wrong line is refused with its code, by itself: the balance counts over the lines before it that were taken in', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const [user, frozen, poor] = [
    await markets.player(merchant, 100n),
    await markets.player(merchant, 100n),
    await markets.users.user(merchant),
  ];
  const stranger = await markets.player(await books.merchant(0n), 100n);
  await markets.users.freeze(frozen, true);
  const send = await opened(market);
  const wrong: ImportLine = { key: 'wrong', line: 9, code: 'invalid_type', detail: 'amount: a string of digits' };
  const lines = [stake(user, 'yes', 70n), stake(user, 'no', 40n), stake(user, 'no', 30n), stake(user, 'yes', 1n), stake(frozen, 'yes', 1n), stake(poor, 'yes', 1n), stake(stranger, 'yes', 1n), stake({ userId: 'usr_none' }, 'yes', 1n), stake(frozen, 'maybe', 1n), wrong]; // biome-ignore format: one glance
  expect(await send(lines)).toEqual({ outcome: 'taken_in', accepted: 2, rejected: 8 });
  const codes = await of('SELECT l.code, l.detail IS NOT NULL AS said FROM import_lines l JOIN imports i ON i.id = l.import_id WHERE i.market_id = $1 AND l.code IS NOT NULL ORDER BY array_position($2, l.key)', market.marketId, lines.map(({ key }) => key)); // biome-ignore format: one glance
  expect(codes.map(({ code, said }) => said && code)).toEqual(['insufficient_balance', 'insufficient_balance', 'user_frozen', 'insufficient_balance', 'unknown_user', 'unknown_user', 'unknown_option', 'invalid_type']); // biome-ignore format: one glance
  expect([await markets.purse(user), (await markets.market(market)).pool]).toEqual([0n, 100n]);
  await markets.users.freeze(frozen, false);
  expect(await send(lines)).toEqual({ outcome: 'taken_in', accepted: 0, rejected: 0 }); // a key is dealt with once
});

test('refused lines are listed page by page without one that is left out or comes twice, however often a stream began anew from the middle', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { options: ['a', 'b'] });
  const user = await markets.player(merchant, 100n);
  const send = await opened(market);
  // Three streams, each of which counts its own lines from 1: their numbers repeat.
  const refused = new Set<string>();
  const stream = (optionIds: readonly string[]) =>
    optionIds.map((optionId, at): ImportLine => {
      const line = { ...stake(user, optionId, 1n), line: at + 1 };
      if (optionId === 'nope') refused.add(line.key);
      return line;
    });
  const streams = [stream(['nope', 'a', 'nope']), stream(['nope', 'nope', 'b']), stream(['a', 'nope', 'nope', 'nope'])];
  for (const lines of streams) await send(lines);
  await send(streams.flat()); // again: nothing
  const [{ id }] = await of('SELECT id FROM imports WHERE market_id = $1', market.marketId);
  const seen: string[] = [];
  for (let after: number | undefined; ; ) {
    const page = await listImportErrors(books.db.pool, id, { after, take: 2 });
    seen.push(...page.map(({ key }) => key));
    after = page.at(-1)?.nth;
    if (page.length < 2) break;
  }
  expect(seen).toEqual([...refused]);
});

test('a pool takes no more than one account may hold: the line that would be too much is refused, and so is a single stake', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const [whale, user] = [await markets.player(merchant, 10n ** 18n), await markets.player(merchant, 10n)];
  const send = await opened(market);
  const large = Array.from({ length: 999 }, () => stake(whale, 'yes', 10n ** 15n));
  expect(await send([...large, stake(whale, 'no', 10n ** 15n - 5n)])).toEqual({
    outcome: 'taken_in',
    accepted: 1000,
    rejected: 0,
  });
  const lines = [stake(user, 'yes', 4n), stake(user, 'yes', 2n), stake(user, 'yes', 1n), stake(whale, 'no', 1n)];
  expect(await send(lines)).toEqual({ outcome: 'taken_in', accepted: 2, rejected: 2 });
  expect(await markets.commit(market, user, 'yes', 1n)).toBe('balance_limit');
  await markets.pay(market, 'yes');
  expect([await markets.purse(whale), await markets.purse(user)]).toEqual([10n ** 18n, 10n]); // all that was lost is less than a share of the smaller
});

test('lines that come at once, from several callers and beside single stakes, are each in once, and nobody waits for another for ever', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant);
  const users: TestUser[] = [];
  for (let n = 0; n < 10; n += 1) users.push(await markets.player(merchant, 1000n));
  const send = await opened(market);
  const lines = Array.from({ length: 100 }, (_, n) =>
    stake(users[(n * 7) % 10] as TestUser, n % 3 === 0 ? 'no' : 'yes', BigInt(n % 9) + 1n),
  );
  const answers = await Promise.all([
    ...[0, 20, 40, 60, 0, 30].map((from) => send(lines.slice(from, from + 50))),
    send(lines),
    ...users.map((user) => markets.commit(market, user, 'yes', 1n)),
  ]);
  const accepted = answers.reduce((sum, answer) => sum + (typeof answer === 'string' ? 0 : answer.accepted), 0);
  expect(accepted).toBe(100);
  expect((await markets.market(market)).staked).toBe(
    10n + lines.reduce((sum, line) => sum + BigInt('amountMinor' in line ? line.amountMinor : 0), 0n),
  );
  await markets.pay(market, 'yes', 3);
  expect((await markets.market(market)).pool).toBe(0n);
  expect(await send([stake(users[0] as TestUser, 'yes', 1n)])).toEqual({ outcome: 'market_closed', accepted: 0, rejected: 0 });
});

test('an import of users who have just been entered reads each of them some times, not all of them for each line', async () => {
  const merchant = await books.merchant(0n);
  await books.fund(merchant, 10n ** 9n, newId('ext'), 'INR');
  const market = await markets.open(merchant);
  await (await opened(market))([stake(await markets.player(merchant, 10n), 'yes', 1n)]); // planned while they were few
  const users = await of(
    `WITH entered AS (INSERT INTO users (id, merchant_id, mode, external_id)
       SELECT 'usr_' || replace(uuidv7()::text, '-', ''), $1, $2, 'many-' || n FROM generate_series(1, 2000) n RETURNING id)
     SELECT id AS "userId" FROM entered`,
    merchant.merchantId,
    merchant.mode,
  );
  await of(
    `SELECT move_user_money(jsonb_build_object('merchantId', $1::text, 'mode', $2::text, 'userId', id, 'type', 'USER_CREDIT', 'currency', 'INR',
                                               'amountMinor', '10', 'externalId', 'many-' || id)) FROM unnest($3::text[]) id`,
    merchant.merchantId,
    merchant.mode,
    users.map(({ userId }) => userId),
  );
  const lines = users.slice(0, 500).map((user) => stake(user, 'yes', 1n));
  const importId = newId('imp');
  const client = await books.db.owner.connect();
  try {
    await client.query('SELECT open_import($1)', [JSON.stringify({ importId, ...market })]);
    await client.query('BEGIN');
    const request = { importId, merchantId: market.merchantId, mode: market.mode, lines };
    const { rows: answers } = await client.query('SELECT import_stakes($1) AS answer', [JSON.stringify(request)]);
    expect(answers[0].answer).toMatchObject({ accepted: 500 });
    const { rows } = await client.query<{ name: string; read: number }>(
      `SELECT relname AS name, (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables WHERE relname IN ('users', 'balances') ORDER BY 1`,
    );
    await client.query('COMMIT');
    for (const { name, read } of rows) expect([name, read < 20 * lines.length ? 'few' : read]).toEqual([name, 'few']);
  } finally {
    client.release();
  }
});
