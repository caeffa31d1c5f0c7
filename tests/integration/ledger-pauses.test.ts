/** While a pause holds, the books let nothing new be sent, whoever asks and whenever it was begun; what is out goes on. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { endPaying, endRollback, walkUsers } from '../../src/ledger/distributions.ts';
import { matchBatch, matchPayin } from '../../src/ledger/instant.ts';
import { importStakes } from '../../src/ledger/postings.ts';
import { openImport } from '../../src/markets/useCases/openImport.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { gamesOf } from '../support/games.ts';
import { instantOf } from '../support/instant.ts';
import { marketBooksOf } from '../support/marketBooks.ts';
import { beginPause, endPause, type PauseOver } from '../support/pauses.ts';
import { eventually } from '../support/payouts.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let owner: Owner;
beforeAll(async () => {
  books = await openBooks();
  owner = await books.merchant(10n ** 9n);
});
afterAll(async () => {
  await books.expectInOrder();
  await books.stop();
});
/** Whatever a test left behind: each begins with nothing paused. */
afterEach(async () => {
  await books.db.owner.query(`UPDATE pauses SET resumed_at = now(), resumed_by = 'adm_1' WHERE resumed_at IS NULL`);
});

const pause = (...over: PauseOver) => beginPause(books.db.pool, over);
const resume = (id: string) => endPause(books.db.pool, id);
const start = (id: string, attempt = 1) => books.tell(id, 'attempt_started', { attempt });
const PAUSED = 'payout.paused QUEUED→QUEUED';

describe('what a pause is over', () => {
  const scopes = (): PauseOver[] => [['all'], ['psp', 'sandbox'], ['merchant', owner.merchantId], ['flow', 'payouts']];
  test.each([0, 1, 2, 3])('holds back a payout before any request of it is written down (%i)', async (nth) => {
    const over = scopes()[nth] ?? ['all'];
    const id = await books.payout(owner);
    const by = await pause(...over);
    const refused = await start(id);
    expect(refused).toMatchObject({ outcome: 'paused', payout: { state: 'QUEUED', pausedBy: by, attempt: 0 } });
    expect(await books.attempts(id)).toEqual([]);
    await resume(by);
    expect(await start(id)).toMatchObject({ outcome: 'applied', payout: { state: 'SUBMITTING', pausedBy: null } });
  });

  test('holds back nothing else', async () => {
    const others: PauseOver[] = [
      ['psp', 'flutterwave'],
      ['merchant', 'mer_other'],
      ['flow', 'providers'],
      ['flow', 'games'],
    ];
    for (const over of others) await pause(...over);
    expect((await start(await books.payout(owner))).outcome).toBe('applied');
  });

  test('a provider’s payouts are a flow of their own', async () => {
    await books.policy({ minSuccesses: 0 });
    const id = await books.payout(await books.provider(owner, 5000n));
    await pause('flow', 'providers');
    expect((await start(id)).outcome).toBe('paused');
    expect((await start(await books.payout(owner))).outcome).toBe('applied');
  });
});

test('that a payout waits for a pause is told once, however often it asks', async () => {
  const id = await books.payout(owner);
  const by = await pause('all');
  for (let time = 0; time < 3; time += 1) expect((await start(id)).outcome).toBe('paused');
  expect(await books.timeline(id)).toEqual(['payout.created →QUEUED', PAUSED]);
  const { rows } = await books.db.owner.query(`SELECT data FROM events WHERE subject_id = $1 AND sequence = 2`, [id]);
  expect(rows).toEqual([{ data: { by, pauseReason: 'an incident' } }]);
});

test('of two pauses both must end', async () => {
  const id = await books.payout(owner);
  const [first, second] = [await pause('psp', 'sandbox'), await pause('all')];
  expect((await start(id)).payout.pausedBy).toBe(first);
  await resume(first);
  expect((await start(id)).payout.pausedBy).toBe(second);
  await resume(second);
  expect((await start(id)).outcome).toBe('applied');
});

test('a pause ends by itself at its time', async () => {
  const id = await books.payout(owner);
  const by = await beginPause(books.db.pool, ['all'], new Date(Date.now() + 3_600_000));
  expect((await start(id)).outcome).toBe('paused');
  await books.db.owner.query(`UPDATE pauses SET until = now() WHERE id = $1`, [by]);
  expect((await start(id)).outcome).toBe('applied');
});

test('neither the next attempt nor the same one again goes out under a pause', async () => {
  const [failed, unknown] = [await books.payout(owner), await books.payout(owner)];
  await books.told(failed, 'attempt_started 1', 'attempt_failed 1');
  await books.told(unknown, 'attempt_started 1', 'outcome_unknown 1');
  await pause('psp', 'sandbox');
  expect(await start(failed, 2)).toMatchObject({ outcome: 'paused', payout: { state: 'RETRY_WAIT' } });
  expect(await start(unknown, 1)).toMatchObject({ outcome: 'paused', payout: { state: 'UNKNOWN', unproven: [1] } });
  const { rows } = await books.db.owner.query('SELECT sends FROM payout_attempts WHERE payout_id = $1', [unknown]);
  expect(rows).toEqual([{ sends: 1 }]);
});

test('what is on the wire goes on, and ends, under a pause', async () => {
  const id = await books.payout(owner);
  await start(id);
  await pause('all');
  expect((await books.told(id, 'psp_processing 1', 'paid 1')).state).toBe('SUCCEEDED');
});

test('what is held, cancelled or parked while it waits is so as ever', async () => {
  const [held, cancelled, parked] = [await books.payout(owner), await books.payout(owner), await books.payout(owner)];
  const by = await pause('all');
  for (const id of [held, cancelled, parked]) await start(id);
  expect(await books.told(held, 'held')).toMatchObject({ state: 'ON_HOLD', pausedBy: null });
  expect(await books.told(cancelled, 'cancelled')).toMatchObject({ state: 'CANCELLED', pausedBy: null });
  expect(await books.told(parked, 'parked')).toMatchObject({ state: 'QUEUED', pausedBy: by, needsOperator: true });
  await books.told(held, 'hold_lifted');
  expect((await start(held)).payout.pausedBy).toBe(by); // and its timeline says it anew
});

test('nobody may say that a payout is paused: only a pause can do that', async () => {
  const id = await books.payout(owner);
  expect((await books.tell(id, 'paused', { by: 'pau_x', pauseReason: 'x' })).outcome).toBe('wrong_state');
});

const lockWaits = async (): Promise<number> => {
  const { rows } = await books.db.owner.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_locks WHERE relation = 'pauses'::regclass AND NOT granted`,
  );
  return rows[0]?.count ?? 0;
};

/** Two sessions, the first of which has done its part and not committed yet when the second comes. */
async function race<T>(first: (db: pg.PoolClient) => Promise<void>, second: () => Promise<T>): Promise<T> {
  const db = await books.db.pool.connect();
  try {
    await db.query('BEGIN');
    await first(db);
    const late = second();
    await eventually(async () => expect(await lockWaits()).toBe(1));
    await db.query('COMMIT');
    return await late;
  } finally {
    db.release();
  }
}

describe('a pause and an attempt of the same instant', () => {
  const ATTEMPT = `SELECT apply_fact($1, 'attempt_started:1:1', 'attempt_started', 'system', '{"attempt": 1}')`;

  test('an attempt that came first is on the wire, and the pause is answered only when it is written', async () => {
    const id = await books.payout(owner);
    await race(
      async (db) => void (await db.query(ATTEMPT, [id])),
      () => pause('all'),
    );
    expect(await books.attempts(id)).toEqual(['1 open']);
    expect((await start(await books.payout(owner))).outcome).toBe('paused');
  });

  test('an attempt that asks while the pause is being written sees it', async () => {
    const id = await books.payout(owner);
    const { outcome } = await race(
      async (db) => void (await db.query(`SELECT begin_pause('pau_race', 'all', '', 'x', NULL, 'adm_1')`)),
      () => start(id),
    );
    expect([outcome, await books.attempts(id)]).toEqual(['paused', []]);
  });
});

describe('letting go', () => {
  const letGo = async (most = 100): Promise<string[]> => {
    const { rows } = await books.db.pool.query<{ payout: { id: string } }>('SELECT let_go_paused($1) AS payout', [most]);
    return rows.map(({ payout }) => payout.id);
  };

  test('tells those alone whom no pause holds back any more, each once in ten minutes', async () => {
    const [one, other] = [await books.payout(owner), await books.payout(owner)];
    const rest = await letGo(); // of other tests
    const by = await pause('merchant', owner.merchantId);
    await start(one);
    await start(other);
    expect(await letGo()).toEqual([]);
    await resume(by);
    expect(await letGo(1)).toEqual([one]);
    expect(await letGo()).toEqual([other]);
    expect(await letGo()).toEqual([]);
    await books.db.owner.query(`UPDATE payouts SET let_go_at = now() - interval '11 minutes' WHERE id = $1`, [one]);
    expect(await letGo()).toEqual([one]); // it still waits: its workflow was lost
    expect(rest).not.toContain(one);
  });

  test('who is told, asks and meets another pause is told again when that ends', async () => {
    const id = await books.payout(owner);
    const first = await pause('all');
    await start(id);
    await resume(first);
    expect(await letGo()).toContain(id);
    const second = await pause('all');
    await start(id);
    await resume(second);
    expect(await letGo()).toContain(id);
  });
});

test('a game’s players are neither settled nor given their stakes back under a pause, and are after it', async () => {
  const games = gamesOf(books);
  const house = await games.house(10_000n);
  const game = await games.open(house);
  const user = await games.player(house, 100n);
  await games.bet(game, user, 'andar', 100n);
  await games.complete(game, 'andar');
  const step = async (name: string) =>
    (await books.db.pool.query(`SELECT ${name}($1, $2) ->> 'outcome' AS outcome`, [game.gameId, [user.userId]])).rows[0].outcome;
  const late = await games.open(house);
  const by = await pause('flow', 'games');
  expect(await games.bet(late, user, 'andar', 1n)).toBe('paused');
  expect(await step('settle_users')).toBe('paused');
  await resume(by);
  expect(await step('settle_users')).toBe('done');
  await games.void(game);
  const again = await pause('merchant', house.merchantId);
  expect(await step('void_users')).toBe('paused');
  await resume(again);
  expect(await step('void_users')).toBe('done');
});

describe('a market under a pause', () => {
  /** Four users of ten each on yes and on no: each of the two who are right gets twenty. */
  async function staked(houseFeeBps = 0) {
    const markets = marketBooksOf(books);
    const merchant = await books.merchant(0n);
    const market = await markets.open(merchant, { houseFeeBps });
    const players: TestUser[] = [];
    for (const option of ['yes', 'yes', 'no', 'no']) {
      const user = await markets.player(merchant, 10n);
      await markets.commit(market, user, option, 10n);
      players.push(user);
    }
    const ids = players.map(({ userId }) => userId).sort();
    const purses = () => Promise.all(players.map((user) => markets.purse(user)));
    return { markets, market, ids, purses };
  }
  const none = [0n, 0n, 0n, 0n];
  const paid = [20n, 20n, 0n, 0n];

  test('pays, and takes back, nobody between one step and the next, and everybody once after it', async () => {
    const { markets, market, ids, purses } = await staked();
    const walk = async (step: 'pay_users' | 'unpay_users', id: string, users: readonly string[]) =>
      (await walkUsers(books.db.pool, step, id, users)).outcome;
    const id = await markets.resolved(market, 'yes');
    await markets.plan(id);
    expect(await walk('pay_users', id, ids.slice(0, 2))).toBe('done');
    const before = await purses();
    const by = await pause('flow', 'markets');
    expect(await walk('pay_users', id, ids)).toBe('paused');
    expect(await purses()).toEqual(before);
    await resume(by);
    expect(await markets.walk(id)).toBe('completed');
    expect(await purses()).toEqual(paid);
    const again = await pause('merchant', market.merchantId);
    expect(await markets.decide(id, { kind: 'rollback', reason: 'wrong' })).toBe('done'); // people decide all the same
    expect(await walk('unpay_users', id, ids)).toBe('paused');
    expect(await purses()).toEqual(paid);
    await resume(again);
    expect(await markets.walk(id, 3)).toBe('rolled_back');
    expect(await purses()).toEqual(none);
  });

  test('takes nothing from the merchant: neither a fee is booked or given back, nor a pool made whole', async () => {
    const { markets, market, ids } = await staked(1000);
    const id = await markets.resolved(market, 'yes');
    const first = await pause('all');
    expect(await markets.plan(id)).toBe('paused');
    await resume(first);
    expect(await markets.plan(id)).toBe('planned');
    await walkUsers(books.db.pool, 'pay_users', id, ids);
    const second = await pause('all');
    expect((await endPaying(books.db.pool, id, {})).outcome).toBe('paused');
    expect(await markets.merchantHas(market)).toBe(0n);
    await resume(second);
    expect((await endPaying(books.db.pool, id, {})).outcome).toBe('completed');
    await markets.decide(id, { kind: 'rollback', reason: 'wrong' });
    await walkUsers(books.db.pool, 'unpay_users', id, ids);
    const third = await pause('all');
    expect((await endRollback(books.db.pool, id)).outcome).toBe('paused');
    expect(await markets.merchantHas(market)).toBe(4n);
    await resume(third);
    expect((await endRollback(books.db.pool, id)).outcome).toBe('rolled_back');
  });

  test('takes no stake, no line of an import and no outcome, and no new import is begun', async () => {
    const { markets, market } = await staked();
    const user = await markets.player(market, 5n);
    const { merchantId, mode, marketId } = market;
    const begin = (importId: string) => openImport(books.db, { merchantId, mode, importId, marketId });
    const importId = newId('imp');
    expect(await begin(importId)).toBe('opened');
    const line = { key: 'k', line: 1, commitmentId: newId('com'), userId: user.userId, optionId: 'yes', position: null, amountMinor: '5' }; // biome-ignore format: one glance
    const send = async () => (await importStakes(books.db.pool, { importId, merchantId, mode, lines: [line] })).outcome;
    const by = await pause('flow', 'markets');
    expect(await markets.commit(market, user, 'yes', 5n)).toBe('paused');
    expect(await send()).toBe('paused');
    expect(await begin(newId('imp'))).toBe('paused');
    expect((await markets.resolve(market, 'yes')).outcome).toBe('paused');
    expect(await markets.purse(user)).toBe(5n);
    await resume(by);
    expect(await send()).toBe('taken_in');
    expect(await markets.purse(user)).toBe(0n);
  });

  test('that is paid at the instant at which the pause begins is paid before it is answered, or not at all', async () => {
    const { markets, market, ids, purses } = await staked();
    const id = await markets.resolved(market, 'yes');
    await markets.plan(id);
    const late = await race(
      async (db) => void (await db.query(`SELECT begin_pause('pau_race_market', 'flow', 'markets', 'x', NULL, 'adm_1')`)),
      () => walkUsers(books.db.pool, 'pay_users', id, ids),
    );
    expect([late.outcome, await purses()]).toEqual(['paused', none]);
    await resume('pau_race_market');
    await race(
      async (db) => void (await db.query('SELECT pay_users($1, $2)', [id, ids])),
      () => pause('all'),
    );
    expect(await purses()).toEqual(paid);
  });
});

describe('a withdrawal under a pause', () => {
  /** One with a free slice, and a payer of another merchant. */
  async function offered(amount: bigint) {
    const instant = instantOf(books);
    const [payee, payer] = [await instant.user(amount), await instant.user()];
    const { batches } = await instant.open(payee, [amount]);
    return { instant, payee, payer, batchId: batches[0] as string };
  }

  test('is not opened, and nothing of the user is held; after it the same one is', async () => {
    const instant = instantOf(books);
    const payee = await instant.user(100n);
    const id = newId('ip');
    for (const over of [['all'], ['flow', 'instant'], ['merchant', payee.merchantId]] as PauseOver[]) {
      const by = await pause(...over);
      expect((await instant.tryOpen(payee, [100n], { id })).outcome).toBe('paused');
      expect(await instant.purse(payee)).toMatchObject({ available: 100n, reserved: 0n });
      await resume(by);
    }
    expect((await instant.tryOpen(payee, [100n], { id })).outcome).toBe('opened');
    await pause('all');
    expect((await instant.tryOpen(payee, [100n], { id })).outcome).toBe('already');
  });

  test.each(['payee', 'payer'] as const)(
    'gives nobody its slice, whichever of the two merchants is paused (the %s’s)',
    async (which) => {
      const amount = which === 'payee' ? 10_301n : 10_302n; // no other withdrawal here has slices of it
      const found = await offered(amount);
      const { instant, payer, batchId } = found;
      const by = await pause('merchant', found[which].merchantId);
      const claim = newId('pin');
      expect((await instant.tryClaim(payer, batchId, claim)).outcome).toBe('paused');
      await resume(by);
      expect(await instant.tryClaim(payer, batchId, claim)).toMatchObject({ outcome: 'opened', payin: { state: 'assigned' } });
    },
  );

  test('is matched with nobody who waits, from neither side, until the pause ends', async () => {
    const { instant, payee, payer, batchId } = await offered(10_303n);
    const first = await pause('merchant', payee.merchantId);
    const waiting = newId('pin');
    expect(await instant.tryPayin(payer, 10_303n, waiting)).toMatchObject({ outcome: 'opened', payin: { state: 'waiting' } });
    expect((await matchPayin(books.db.pool, waiting)).outcome).toBe('waiting');
    expect((await matchBatch(books.db.pool, batchId)).outcome).toBe('free');
    const second = await pause('merchant', payer.merchantId);
    await resume(first);
    expect((await matchPayin(books.db.pool, waiting)).outcome).toBe('waiting');
    expect((await matchBatch(books.db.pool, batchId)).outcome).toBe('free');
    await resume(second);
    expect(await matchBatch(books.db.pool, batchId)).toMatchObject({ outcome: 'matched', payinId: waiting });
  });

  test('keeps no payer from a slice of another merchant’s withdrawal, also where it came first', async () => {
    const { instant, payee, payer } = await offered(10_304n);
    const other = await instant.open(await instant.user(10_304n), [10_304n]);
    await pause('merchant', payee.merchantId);
    expect(await instant.tryPayin(payer, 10_304n)).toMatchObject({ outcome: 'opened', payin: { batchId: other.batches[0] } });
  });

  test('that somebody is paying goes on to its end', async () => {
    const { instant, payer, batchId } = await offered(10_305n);
    const payinId = await instant.claim(payer, batchId);
    await pause('flow', 'instant');
    expect((await instant.prove(batchId, payinId)).outcome).toBe('credited');
    expect(await instant.confirm(batchId)).toBe('confirmed');
    expect(await instant.purse(payer)).toMatchObject({ available: 10_305n });
  });

  test('whose rest is an ordinary payout sends nothing of it', async () => {
    const instant = instantOf(books);
    const { id } = await instant.open(await instant.user(100n), [100n], { onUnfilled: 'psp' });
    await instant.close(id, 'unfilled');
    expect(await instant.rest(id)).toBe('handed reserved');
    const restPayoutId = String((await instant.withdrawal(id)).restPayoutId);
    const by = await pause('flow', 'instant');
    expect(await start(restPayoutId)).toMatchObject({ outcome: 'paused', payout: { pausedBy: by } });
    await resume(by);
    expect((await start(restPayoutId)).outcome).toBe('applied');
  });

  test('whose slice is taken at the instant at which the pause begins is taken before it is answered, or not at all', async () => {
    const { instant, payer, batchId } = await offered(10_306n);
    const late = await race(
      async (db) => void (await db.query(`SELECT begin_pause('pau_race_instant', 'flow', 'instant', 'x', NULL, 'adm_1')`)),
      () => instant.tryClaim(payer, batchId),
    );
    expect(late.outcome).toBe('paused');
  });

  test('keeps a pause waiting for nobody who waits for the slice: they could wait for one who asks for the pause', async () => {
    const { instant, payer, batchId } = await offered(10_307n);
    const db = await books.db.owner.connect();
    try {
      await db.query('BEGIN');
      await db.query('SELECT 1 FROM instant_batches WHERE id = $1 FOR NO KEY UPDATE', [batchId]);
      const claim = instant.tryClaim(payer, batchId);
      await eventually(async () => expect(await claimsThatWait()).toBe(1));
      await pause('merchant', 'mer_other');
      await db.query('COMMIT');
      expect((await claim).outcome).toBe('opened');
    } finally {
      db.release();
    }
  });

  const claimsThatWait = async (): Promise<number> => {
    const { rows } = await books.db.owner.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%open_payin(%'`,
    );
    return rows[0]?.count ?? 0;
  };
});
