/**
 * What a list costs is what it shows, however much there is. Each read of the API is asked over its own door, of an
 * installation that has been at work for a month (tests/support/manyRows.ts), and PostgreSQL tells what each statement of it
 * did: which tables were read whole, how many rows each step took up or threw away, how many pages were looked at. Nothing is
 * timed.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type PublicStatus, statesOf } from '../../src/payouts/rules/machine.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type Door, openDoor } from '../support/door.ts';
import { everyRole } from '../support/doorWorld.ts';
import { type Caller, type Names, OTHERS, READS } from '../support/everyRead.ts';
import { fillMonth } from '../support/manyRows.ts';
import { faultsOf, hearPlans, type Limits, type PlansHeard, tellPlans } from '../support/plans.ts';
import { makeProvider } from '../support/providers.ts';

/** Every list has them; each list is also asked for its second page. */
const PAGING = ['limit', 'cursor'];

let db: TestDatabase;
let door: Door;
let heard: PlansHeard;
let keys: Record<Caller, string>;
let names: Record<Names, string>;

beforeAll(async () => {
  db = await testDatabase();
  await tellPlans(db.owner);
  door = await openDoor({
    db,
    payoutRuns: { schedule: async () => ({ paused: false, nextRunAt: null }) } as never, // Temporal's part of a list
  });
  heard = hearPlans(door.context.pool);
  const merchant = await door.merchant();
  const provider = await makeProvider(door, merchant, { currency: 'PKR' });
  const endpoint = await door.call('POST', '/api/v1/webhook-endpoints', {
    key: merchant.key,
    body: { url: 'http://127.0.0.1:9/' },
  });
  const made = await door.call('GET', '/api/v1/provider-keys', { key: merchant.key });
  const { admin } = await everyRole(door);
  const owners = {
    merchantId: merchant.id,
    providerId: provider.id,
    endpointId: endpoint.body.id,
    keyId: made.body.data[0].madeBy,
  };
  await fillMonth(db.owner, owners);

  const one = async (sql: string): Promise<string> => (await db.owner.query(sql)).rows[0].id;
  const payout = await one(`SELECT id FROM payouts WHERE owner_id = '${merchant.id}' ORDER BY id OFFSET 100 LIMIT 1`);
  const newcomer = await one(`SELECT id FROM merchants WHERE id = (SELECT merchant_id FROM balances WHERE id = 2290)`);
  keys = { merchant: merchant.key, newcomer: await door.key(newcomer), provider: provider.key, admin: admin.key };
  names = {
    ...{ merchant: merchant.id, provider: provider.id, endpoint: endpoint.body.id, payout },
    providersPayout: await one(`SELECT id FROM payouts WHERE owner_id = '${provider.id}' ORDER BY id OFFSET 100 LIMIT 1`),
    event: await one(`SELECT id FROM events WHERE subject_id = '${payout}' LIMIT 1`),
    run: await one('SELECT id FROM payout_runs ORDER BY id OFFSET 1000 LIMIT 1'),
    user: await one(`SELECT owner_id AS id FROM balances WHERE id = 1020`),
    game: await one(`SELECT game_id AS id FROM bets LIMIT 1`),
    market: await one(`SELECT market_id AS id FROM commitments LIMIT 1`),
    resolution: await one(`SELECT r.id FROM resolutions r JOIN commitments c ON c.market_id = r.market_id LIMIT 1`),
    distribution: await one(
      `SELECT d.id FROM distributions d JOIN commitments c ON c.market_id = d.market_id AND c.user_id = d.user_id LIMIT 1`,
    ),
    import: await one(`SELECT import_id AS id FROM import_lines LIMIT 1`),
    instantPayout: await one(
      `SELECT id FROM instant_payouts WHERE merchant_id = '${merchant.id}' ORDER BY id OFFSET 100 LIMIT 1`,
    ),
    batch: await one(
      `SELECT b.id FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id WHERE w.merchant_id = '${merchant.id}' ORDER BY b.id OFFSET 100 LIMIT 1`,
    ),
    payin: await one(`SELECT id FROM payins WHERE merchant_id = '${merchant.id}' ORDER BY id OFFSET 100 LIMIT 1`),
    nobody: `po_${'0'.repeat(32)}`,
  };
});
afterAll(async () => {
  await door.stop();
  await db.stop();
});

const filledIn = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: Names) => names[name]);

/** Tables that stay small, however much is paid: to read one whole is as good as its index. */
const SMALL = [
  ...[
    '_functions',
    '_prisma_migrations',
    'epochs',
    'payout_edges',
    'payout_proofs',
    'game_edges',
    'resolution_edges',
    'worker_beats',
  ],
  ...['instant_payout_edges', 'instant_batch_edges', 'payin_edges'],
  ...['admins', 'merchants', 'pauses', 'push_subscriptions', 'risk_policies'], // what people enter by hand
  'console_sessions', // of people who are signed in
  'payout_requests', // of those that no worker has taken up
  ...['folded_events', 'books_checks'], // a row each
  'market_tallies', // of markets of the last second
  'psp_totals', // of some PSPs, in the hours of some days
];
const limits: Limits = { small: new Set(SMALL), rows: 1_000, pages: 1_500 };

/** As often as PostgreSQL must have seen a named statement before it may keep one plan for all values. */
const TIMES = 6;
/** Named statements that were asked so often. */
const settled = new Set<string>();

/** What is wrong with how this was read, whatever page of it: nothing. */
async function faultsOfRead(url: string, as: Caller): Promise<string[]> {
  heard.take();
  const page = async (cursor = '') => {
    const reply = await door.call('GET', `${url}${cursor}`, { key: keys[as] });
    if (reply.status !== 200) throw new Error(`${url}${cursor}: ${reply.text}`);
    return reply.body;
  };
  const { nextCursor } = await page();
  if (nextCursor) await page(`${url.includes('?') ? '&' : '?'}cursor=${nextCursor}`);
  const plans = heard.take();
  const named = (await door.context.pool.query<{ sql: string }>('SELECT statement AS sql FROM pg_prepared_statements')).rows;
  const isNew = plans.some(({ sql }) => !settled.has(sql) && named.some((each) => each.sql === sql));
  heard.take();
  for (let time = 1; isNew && time <= TIMES; time += 1) await page();
  for (const { sql } of named) settled.add(sql);
  const all = [...plans, ...heard.take()];
  return [...new Set(all.flatMap((plan) => faultsOf(plan, limits)))];
}

describe.each(Object.entries(READS))('%s costs what it shows', (path, { as, of, filters = [] }) => {
  const callers: readonly Caller[] = as === 'merchant' && of === undefined ? [as, 'newcomer'] : [as];
  const cases = ['', ...filters].flatMap((filter) => callers.map((caller) => [filter, caller] as const));
  test.each(cases)('%s (%s)', async (filter, caller) => {
    const url = filledIn(`${path.replace('{id}', `{${of}}`)}${filter && `?${filter}`}`);
    expect(await faultsOfRead(url, caller)).toEqual([]);
  });
});

test.each(['all', 'merchantId', 'mode'])('a dry run of a risk policy costs the payouts that it judges: %s', async (of) => {
  const filter = { merchantId: names.merchant, mode: 'live' };
  const body = { last: 20, ...(of === 'all' ? {} : { [of]: filter[of as keyof typeof filter] }) };
  heard.take();
  const { status } = await door.call('POST', '/api/admin/risk-policy/dry-run', { key: keys.admin, body });
  expect(status).toBe(200);
  expect(heard.take().flatMap((plan) => faultsOf(plan, limits))).toEqual([]);
});

test.each([
  ['POST', '/api/v1/events/{event}/resend', undefined],
  ['POST', '/api/v1/events/{event}/resend', { endpointId: '{endpoint}' }],
  ['POST', '/api/v1/webhook-endpoints/{endpoint}/pause', undefined],
  ['POST', '/api/v1/webhook-endpoints/{endpoint}/resume', undefined],
  ['POST', '/api/v1/webhook-endpoints/{endpoint}/secret/rotate', undefined],
  ['PATCH', '/api/v1/webhook-endpoints/{endpoint}', { disabled: false }],
] as const)('%s %s %j costs what it changes', async (method, path, said) => {
  const body = said && JSON.parse(filledIn(JSON.stringify(said)));
  heard.take();
  const { status, text } = await door.call(method, filledIn(path), { key: keys.merchant, ...(body && { body }) });
  if (status > 299) throw new Error(text);
  expect(heard.take().flatMap((plan) => faultsOf(plan, limits))).toEqual([]);
});

test('no table that grows has been left empty here, which any plan would do for', async () => {
  const tables = await db.owner.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relpages <= 20`,
  );
  expect(tables.rows.map(({ name }) => name).filter((name) => !SMALL.includes(name))).toEqual([]);
});

/** Each filter of a list of payouts, as whoever has all the time in the world would ask for it. */
const CONDITIONS: Readonly<Record<string, (value: string) => string>> = {
  status: (value) => `state IN (${statesOf(...(value.split(',') as PublicStatus[])).map((state) => `'${state}'`)})`,
  currency: (value) => `currency = '${value}'`,
  reference: (value) => `reference = '${value}'`,
  createdFrom: (value) => `created_at >= '${value}'`,
  createdTo: (value) => `created_at <= '${value}'`,
  merchantId: (value) => `merchant_id = '${value}'`,
  ownerId: (value) => `owner_id = '${value}'`,
  kind: (value) => `kind = '${value}'`,
  mode: (value) => `mode = '${value}'`,
  needsOperator: (value) => `needs_operator = ${value}`,
};

const OF_ALL = [
  ['/api/v1/payouts', () => `owner_kind = 'merchant' AND owner_id = '${names.merchant}' AND mode = 'test'`],
  ['/api/admin/payouts', () => 'true'],
] as const;

describe.each(OF_ALL)('%s shows what the books have, and nothing else', (path, own) => {
  const { as, filters = [] } = READS[path] ?? { as: 'admin' };
  test.each(['', ...filters])('%s', async (filter) => {
    const asked = filledIn(filter);
    const conditions = [...new URLSearchParams(asked)].map(([name, value]) => CONDITIONS[name]?.(value));
    const sql = `SELECT id FROM payouts WHERE ${[own(), ...conditions].join(' AND ')} ORDER BY id DESC LIMIT 150`;
    const expected = (await db.owner.query<{ id: string }>(sql)).rows.map(({ id }) => id);
    const shown: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await door.call('GET', `${path}?limit=75${asked && `&${asked}`}${cursor}`, { key: keys[as] });
      shown.push(...body.data.map(({ id }: { id: string }) => id));
      if (!body.hasMore || shown.length === 150) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(shown).toEqual(expected);
  });
});

test('every read of the API stands above, with every filter that it has', () => {
  const { paths = {} } = door.app.swagger() as unknown as { paths?: Record<string, { get?: { parameters?: Parameter[] } }> };
  const missing: string[] = [];
  for (const [path, { get }] of Object.entries(paths)) {
    if (get === undefined || OTHERS[path]) continue;
    const read = READS[path];
    const filters = (get.parameters ?? []).filter((each) => each.in === 'query' && !PAGING.includes(each.name));
    const asked = (name: string) => read?.filters?.some((filter) => new URLSearchParams(filter).has(name));
    if (!read) missing.push(path);
    for (const { name } of filters) if (!asked(name) && name !== 'wait') missing.push(`${path}?${name}`);
  }
  expect(missing).toEqual([]);
});

interface Parameter {
  readonly in: string;
  readonly name: string;
}
