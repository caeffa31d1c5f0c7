/** What only grows is cut back, and nothing that somebody still needs. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type CutBack, createCutBackActivities } from '../../activities/cutBack.ts';
import type { Sql } from '../../src/db/pool.ts';
import { THIN_STEP, THINNED, type Thinned, thinStep } from '../../src/relay/thin.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const DAY_MS = 86_400_000;
const KEPT_MS = 90 * DAY_MS;

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db?.stop());
beforeEach(() => db.owner.query('TRUNCATE webhook_deliveries, webhook_attempts, notifications'));

const environment = new MockActivityEnvironment();
async function cutBack(): Promise<CutBack> {
  const activities = createCutBackActivities({
    pool: db.pool,
    deliveriesKeptMs: KEPT_MS,
    images: { remove: async () => undefined },
  });
  return (await environment.run(activities.cutBack)) as CutBack;
}

/** In the form of ours: of a payout that was taken in so long ago. */
const idOf = (daysAgo: number, serial: number): string =>
  (Date.now() - daysAgo * DAY_MS).toString(16).padStart(12, '0') + serial.toString(16).padStart(20, '0');

let serial = 0;
interface Row {
  readonly state: string;
  /** Since its payout was taken in. */
  readonly daysOld: number;
  /** Since it was last tried. */
  readonly daysQuiet?: number;
}

/** With two tries each. */
async function delivery({ state, daysOld, daysQuiet = daysOld }: Row): Promise<string> {
  serial += 1;
  const id = `whd_${idOf(daysOld, serial)}_0001_callback`;
  await db.owner.query(
    `INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, url, state, created_at, updated_at)
     VALUES ($1, 'evt_x', 'payout', $1, 1, 'mer_x', 'test', 'cb_x', 'https://m.example', $2, now() - $3::int * interval '1 day', now() - $3::int * interval '1 day')`,
    [id, state, daysQuiet],
  );
  await db.owner.query(
    `INSERT INTO webhook_attempts (delivery_id, number, trigger, duration_ms) VALUES ($1, 1, 'auto', 5), ($1, 2, 'auto', 5)`,
    [id],
  );
  return id;
}

async function notification({ state, daysOld }: Row): Promise<string> {
  serial += 1;
  const id = `ntf_${idOf(daysOld, serial)}`;
  await db.owner.query(
    `INSERT INTO notifications (id, event_key, event_id, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address, state, created_at)
     VALUES ($1, $1, 'evt_x', 'payout', 'po_x', 'mer_x', 'test', 'admin', 'adm_x', 'email', 'x', 'x@x.example', $2, now() - $3::int * interval '1 day')`,
    [id, state, daysOld],
  );
  return id;
}

const ids = async (table: string, column = 'id'): Promise<string[]> =>
  (await db.owner.query<{ id: string }>(`SELECT DISTINCT ${column} AS id FROM ${table} ORDER BY 1`)).rows.map(({ id }) => id);

test('what was delivered or given up long ago is removed with its tries; what is younger, waits or was sent again lately stays', async () => {
  await delivery({ state: 'delivered', daysOld: 91 });
  await delivery({ state: 'failed', daysOld: 400 });
  const kept = [
    await delivery({ state: 'pending', daysOld: 400 }), // its endpoint is paused
    await delivery({ state: 'delivered', daysOld: 400, daysQuiet: 1 }), // a return after a year, or a resend
    await delivery({ state: 'delivered', daysOld: 89 }),
    await delivery({ state: 'failed', daysOld: 1 }),
  ].sort();
  expect(await cutBack()).toMatchObject({ deliveries: 2 });
  expect(await ids('webhook_deliveries')).toEqual(kept);
  expect(await ids('webhook_attempts', 'delivery_id')).toEqual(kept);
});

test('notifications that were sent or given up long ago are removed; those that wait or are younger stay', async () => {
  await notification({ state: 'sent', daysOld: 91 });
  await notification({ state: 'failed', daysOld: 91 });
  const kept = [await notification({ state: 'pending', daysOld: 91 }), await notification({ state: 'sent', daysOld: 89 })].sort();
  expect(await cutBack()).toMatchObject({ notifications: 2 });
  expect(await ids('notifications')).toEqual(kept);
});

/** Old deliveries, of which every tenth waits, each with a try. */
async function deliveries(count: number): Promise<void> {
  await db.owner.query(
    `INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, url, state, updated_at)
     SELECT 'whd_' || lpad(to_hex((extract(epoch FROM x.at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0') || '_0001_callback',
            'evt_x', 'payout', 'po_x', 1, 'mer_x', 'test', 'cb_x', 'https://m.example', CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'delivered' END, x.at
       FROM generate_series(1, $1::int) n, LATERAL (SELECT now() - interval '200 days' + n * interval '1 minute' AS at) x`,
    [count],
  );
  await db.owner.query(
    `INSERT INTO webhook_attempts (delivery_id, number, trigger, duration_ms) SELECT id, 1, 'auto', 5 FROM webhook_deliveries`,
  );
}
async function notifications(count: number): Promise<void> {
  await db.owner.query(
    `INSERT INTO notifications (id, event_key, event_id, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address, state, created_at)
     SELECT 'ntf_' || lpad(to_hex((extract(epoch FROM x.at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'),
            n::text, 'evt_x', 'payout', 'po_x', 'mer_x', 'test', 'admin', 'adm_x', 'email', 'x', 'x@x.example', 'sent', x.at
       FROM generate_series(1, $1::int) n, LATERAL (SELECT now() - interval '200 days' + n * interval '1 minute' AS at) x`,
    [count],
  );
}

test('all that is old goes, step by step, past what has to stay', async () => {
  await deliveries(2.5 * THIN_STEP);
  expect(await cutBack()).toMatchObject({ deliveries: (2.5 * THIN_STEP * 9) / 10 });
  expect(await ids('webhook_deliveries')).toEqual(await ids('webhook_attempts', 'delivery_id'));
  expect(await cutBack()).toMatchObject({ deliveries: 0 });
});

test('what somebody sends again at this moment stays, and nobody waits for it', async () => {
  const id = await delivery({ state: 'failed', daysOld: 100 });
  const client = await db.owner.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT resend_delivery($1)', [id]);
    expect(await cutBack()).toMatchObject({ deliveries: 0 });
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  expect(await cutBack()).toMatchObject({ deliveries: 0 });
  expect(await ids('webhook_deliveries')).toEqual([id]);
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

test.each(THINNED)('a step over %s reads no more rows than it may remove, and never the whole table', async (what: Thinned) => {
  const FILLED = 40 * THIN_STEP; // so many that reading all is the worse way
  await deliveries(FILLED);
  await notifications(FILLED);
  await db.owner.query('ANALYZE webhook_deliveries, webhook_attempts, notifications');
  const plans: Plan[] = [];
  const query = async (sql: string, values: unknown[]) => {
    const { rows } = await db.owner.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, values);
    plans.push(...rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan: plan }) => nodesOf(plan))));
    return { rows: [] };
  };
  await thinStep({ query } as unknown as Sql, what, '', KEPT_MS);
  const reading = plans.filter((node) => node['Relation Name'] !== undefined && node['Node Type'] !== 'ModifyTable');
  expect(reading.length).toBeGreaterThan(0);
  for (const node of reading) {
    expect(node['Node Type']).toMatch(/Index|Bitmap/);
    expect((node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']).toBeLessThanOrEqual(THIN_STEP);
  }
});
