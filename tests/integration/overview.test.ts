/** Figures at a glance are what the books have: whatever of it is folded already, whoever folds, and whoever dies over it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { tookMsOf } from '../../src/overview/rules/figures.ts';
import { createTotals, foldStep } from '../../src/relay/totals.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { type Door, type Merchant, openDoor } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { gamesOf } from '../support/games.ts';

let books: Books;
let door: Door;
let admins: Admins;
let a: Merchant;
let b: Merchant;
beforeAll(async () => {
  books = await openBooks();
  const schedule = async () => ({ paused: false, nextRunAt: '2026-12-24T10:00:00.000Z' });
  door = await openDoor({ db: books.db, payoutRuns: { schedule } as never });
  admins = await everyRole(door);
});
beforeEach(async () => {
  [a, b] = [await door.merchant(), await door.merchant()];
  for (const each of [a, b])
    for (const mode of ['test', 'live'] as const) await books.fund({ ...ownerOf(each), mode }, 1_000_000n, `opening-${mode}`);
});
afterAll(async () => {
  await door.stop();
  await books.stop();
});

const ownerOf = ({ id: merchantId }: Merchant): Owner => ({ merchantId, mode: 'test' });
const overview = async (query = '') => (await door.call('GET', `/api/admin/overview${query}`, { key: admins.viewer.key })).body;
const own = async (key: string) => (await door.call('GET', '/api/v1/overview', { key })).body;

async function foldAll(most?: number): Promise<void> {
  while (await foldStep(books.db.pool, most));
}

interface Line {
  readonly livemode: boolean;
  readonly flow: string;
  readonly state: string;
  readonly count: number;
  readonly amount: string;
}

const lines = (states: readonly Line[]): string[] =>
  states
    .map(({ livemode, flow, state, count, amount }) => `${livemode ? 'live' : 'test'} ${flow} ${state} ${count} ${amount}`)
    .sort();

/** As whoever has all the time in the world counts them. */
async function counted(merchantId?: string): Promise<string[]> {
  const { rows } = await books.db.owner.query<{ line: string }>(
    `SELECT concat_ws(' ', p.mode, CASE p.kind WHEN 'merchant' THEN 'payouts' ELSE 'provider-payouts' END, p.state, count(*), round(sum(p.amount) / 100.0, 2)) AS line
       FROM payouts p WHERE $1::text IS NULL OR p.merchant_id = $1 GROUP BY p.mode, p.kind, p.state
     UNION ALL SELECT concat_ws(' ', g.mode, 'games', g.state, count(*), '0.00') FROM games g WHERE $1::text IS NULL OR g.merchant_id = $1 GROUP BY g.mode, g.state`,
    [merchantId ?? null],
  );
  return rows.map(({ line }) => line).sort();
}

/** Payouts of both, in both worlds, that come to all kinds of ends. */
async function aBusyHour(): Promise<void> {
  for (const merchant of [a, b]) {
    const paid = await books.payout(ownerOf(merchant), { amount: 1234n });
    await books.told(paid, 'attempt_started 1', 'not_taken 1', 'attempt_started 1', 'outcome_unknown 1', 'paid 1');
    const failed = await books.payout({ ...ownerOf(merchant), mode: 'live' }, { amount: 55n });
    await books.told(failed, 'attempt_started 1', 'attempt_failed 1', 'attempt_started 2', 'failed 2');
    const held = await books.payout(ownerOf(merchant), { reviewReasons: [{ code: 'x', detail: 'x' }] });
    await books.tell(held, 'held', { reason: 'ask' });
    const returned = await books.payout(ownerOf(merchant));
    await books.told(returned, 'attempt_started 1', 'paid 1', 'returned 1');
    await books.payout(ownerOf(merchant));
  }
  await gamesOf(books).open(ownerOf(a));
}

test('are what a count of all the books says, before anything is folded, in the middle of it and after', async () => {
  await aBusyHour();
  const expected = await counted();
  expect(lines((await overview()).states)).toEqual(expected);
  for (let isMore = true; isMore; ) {
    isMore = await foldStep(books.db.pool, 7);
    expect(lines((await overview()).states)).toEqual(expected);
  }
  expect(lines((await overview(`?merchantId=${a.id}`)).states)).toEqual(await counted(a.id));
  expect(lines((await overview('?mode=live')).states)).toEqual(expected.filter((line) => line.startsWith('live')));
});

test('count each event once, however many fold at the same time, and nothing where one dies over it', async () => {
  await aBusyHour();
  const client = await books.db.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT fold_events(5)');
  expect(await foldStep(books.db.pool, 5)).toBe(false); // somebody else is at it
  await client.query('ROLLBACK');
  client.release();
  await Promise.all(Array.from({ length: 4 }, () => foldAll(3)));
  await foldAll(); // those that met another may have left some
  expect(lines((await overview()).states)).toEqual(await counted());
  const { rows } = await books.db.owner.query(`SELECT count(*)::int AS n FROM state_totals WHERE count < 0`);
  expect(rows).toEqual([{ n: 0 }]);
});

test('miss no event that commits late with an earlier number', async () => {
  const payout = await books.payout(ownerOf(a));
  const late = await books.db.pool.connect();
  try {
    await late.query('BEGIN');
    await late.query(`SELECT apply_fact($1, 'late', 'held', 'system', '{"reason": "late"}')`, [payout]);
    await books.payout(ownerOf(b));
    await foldAll();
    expect(lines((await overview()).states)).toEqual(await counted()); // what is behind the open one is counted, not folded
    await late.query('COMMIT');
  } finally {
    late.release(true);
  }
  expect(lines((await overview()).states)).toEqual(await counted());
  await foldAll();
  expect(lines((await overview()).states)).toEqual(await counted());
});

test('are kept by the relay: its loop folds what is there, and looks again when there may be more', async () => {
  await aBusyHour();
  const work = createTotals(books.db.pool);
  while ((await work.turn()) === 0);
  const { rows } = await books.db.owner.query(
    `SELECT count(*)::int AS left FROM events e, folded_events c WHERE (e.epoch, e.xid, e.position) > (c.epoch, c.xid, c.position)`,
  );
  expect(rows).toEqual([{ left: 0 }]);
  expect(await work.turn()).toBeGreaterThan(0); // woken at once: it is not done twenty times a second
});

test('say how many were paid, how fast, and what the PSP did, hour by hour and day by day', async () => {
  await aBusyHour();
  for (const isFolded of [false, true]) {
    if (isFolded) await foldAll();
    const { rates, hours, days, psps } = await overview(`?merchantId=${a.id}`);
    const ofTest = (rows: { livemode: boolean; flow: string }[]) =>
      rows.filter(({ livemode, flow }) => !livemode && flow === 'payouts');
    expect(ofTest(rates)).toMatchObject(
      ['hours', 'days'].map((over) => ({ over, succeeded: 2, failed: 0, successRate: 1, currency: 'PKR' })),
    );
    expect(rates.find((each: { livemode: boolean }) => each.livemode)).toMatchObject({ succeeded: 0, failed: 1, successRate: 0 });
    expect(rates.find((each: { livemode: boolean }) => !each.livemode).timeToPaidMs.p50).toBeGreaterThan(0);
    for (const rows of [hours, days]) {
      const came = (outcome: string) =>
        ofTest(rows).filter((each) => (each as unknown as { outcome: string }).outcome === outcome) as unknown as {
          count: number;
        }[];
      const count = (outcome: string) => came(outcome).reduce((sum, each) => sum + each.count, 0);
      expect([count('created'), count('SUCCEEDED'), count('RETURNED')]).toEqual([4, 2, 1]);
    }
    const { requests } = psps.find(({ name, livemode }: { name: string; livemode: boolean }) => name === 'sandbox' && !livemode);
    expect(requests.asked).toBeGreaterThanOrEqual(6); // of all merchants
    expect(requests.unknown).toBeGreaterThanOrEqual(2);
  }
});

test('the books keep times to paid in the steps that the figures read them by', async () => {
  const ms = [0, 1, 2, 10, 999, 60_000, 86_400_000, 2_592_000_000];
  const { rows } = await books.db.owner.query<{ step: number }>(
    `SELECT took_step(m * interval '1 millisecond') AS step FROM unnest($1::bigint[]) WITH ORDINALITY AS x (m, n) ORDER BY n`,
    [ms],
  );
  for (const [at, { step }] of rows.entries())
    expect(Math.abs(tookMsOf(step) - (ms[at] ?? 0))).toBeLessThanOrEqual((ms[at] ?? 0) * 0.06 + 1);
});

describe('a merchant', () => {
  test('sees its own, of its key’s mode, in its own words, and nothing of ours', async () => {
    await aBusyHour();
    await books.db.owner.query(
      `INSERT INTO receivers (id, merchant_id, mode, failing_since) VALUES ('cb_' || $1, $1, 'test', now()), ('cb_' || $2, $2, 'test', now()), ('cb_live' || $1, $1, 'live', now())`,
      [a.id, b.id],
    );
    const answer = await own(a.key);
    expect(lines(answer.states)).toEqual([
      'test games OPEN 1 0.00',
      'test payouts ON_HOLD 1 10.00',
      'test payouts PENDING 1 10.00',
      'test payouts RETURNED 1 10.00',
      'test payouts SUCCESS 1 12.34',
    ]);
    expect(answer.review).toMatchObject({ waiting: 1, oldestAgeSeconds: expect.any(Number) });
    expect(answer.receivers).toMatchObject({ failing: 1, data: [{ id: `cb_${a.id}`, merchantId: a.id }] });
    expect(Object.keys(answer)).not.toEqual(expect.arrayContaining(['psps', 'workers', 'books']));
    expect(lines((await own(a.liveKey)).states)).toEqual(['live payouts FAILED 1 0.55']);
    const nobody = await own((await door.merchant()).key);
    expect(nobody).toMatchObject({ states: [], rates: [], hours: [], days: [], review: { waiting: 0, oldestSince: null } });
  });
});

describe('an operator', () => {
  test('sees the oldest that waits for an approver, whose receivers fail, the next run, workers and the last check of the books', async () => {
    const [old] = [await books.payout(ownerOf(b), { reviewReasons: [{ code: 'x', detail: 'x' }] })];
    await books.payout(ownerOf(b), { reviewReasons: [{ code: 'x', detail: 'x' }] });
    await books.db.owner.query(`UPDATE payouts SET created_at = now() - interval '3 hours' WHERE id = $1`, [old]);
    await books.db.owner.query(`INSERT INTO worker_beats (id, stuck) VALUES ('w1', false), ('w2', true)`);
    const { checkBooks } = createMaintenanceActivities({ pool: books.db.pool, payouts: {} as never });
    await new MockActivityEnvironment().run(checkBooks);
    const { review, nextRun, workers, books: checked, asOf } = await overview(`?merchantId=${b.id}`);
    expect(review.oldestAgeSeconds).toBeGreaterThanOrEqual(3 * 3600);
    expect(nextRun).toEqual({ paused: false, nextRunAt: '2026-12-24T10:00:00.000Z' });
    expect(workers).toEqual({ running: 2, stuck: 1 });
    expect(checked).toMatchObject({ checkedAt: expect.any(String), checked: expect.any(Number), broken: expect.any(Array) });
    expect(Math.abs(Date.parse(asOf) - Date.now())).toBeLessThan(60_000);
    await books.db.owner.query('UPDATE payouts SET created_at = updated_at WHERE id = $1', [old]);
  });

  test('is told of all else while Temporal is away', async () => {
    const away = await openDoor({ db: books.db, payoutRuns: { schedule: () => Promise.reject(new Error('away')) } as never });
    const { status, body } = await away.call('GET', '/api/admin/overview', { key: admins.viewer.key });
    await away.stop();
    expect([status, body.nextRun]).toEqual([200, null]);
  });

  test('asks for what there is, and is told what there is not', async () => {
    for (const [query, pointer] of [
      ['mode=both', '/mode'],
      ['merchantId=%00', '/merchantId'],
      ['since=now', '/since'],
    ] as const) {
      const { status, body } = await door.call('GET', `/api/admin/overview?${query}`, { key: admins.viewer.key });
      expect([query, status, body.errors?.[0]?.pointer]).toEqual([query, 400, pointer]);
    }
    expect((await door.call('GET', '/api/v1/overview?merchantId=x', { key: a.key })).status).toBe(400);
    expect((await door.call('GET', '/api/v1/overview', { key: await door.key(a.id, { scopes: ['balance:read'] }) })).status).toBe(
      403,
    );
    expect((await door.call('GET', '/api/admin/overview', { key: a.key })).status).toBe(403);
    expect((await overview('?merchantId=mer_nobody')).states).toEqual([]);
  });
});
