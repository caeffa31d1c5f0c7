/** Running it: health, metrics, the document, the log, and what clients see while something is away. */
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KEY_PREFIXES, newApiKey } from '../../src/crypto/newSecret.ts';
import { createPool } from '../../src/db/pool.ts';
import { createPrisma } from '../../src/db/prisma.ts';
import { outageOf } from '../../src/http/plugins/outages.ts';
import { type Document, documentCheck } from '../support/document.ts';
import { type Door, type Merchant, openDoor, payoutBody } from '../support/door.ts';
import { lineTo } from '../support/line.ts';

const NOBODY = 'postgresql://oncepay_app@127.0.0.1:1/nothing';

let door: Door;
let merchant: Merchant;
const lines: string[] = [];

beforeAll(async () => {
  const logTo = new PassThrough();
  logTo.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)));
  door = await openDoor({ logTo, env: { LOG_LEVEL: 'info' } });
  merchant = await door.merchant({ funds: 1_000_000n });
});
afterAll(() => door.stop());

test('every answer that a test asks for is held against the document: a field too many, one too few, a status that is not in it', async () => {
  const check = documentCheck(door.app.swagger() as unknown as Document);
  const { status, body } = await door.call('GET', '/api/v1/balance', { key: merchant.key });
  const answered = { method: 'GET', path: '/api/v1/balance', status, contentType: 'application/json', body };
  check(answered);
  const [first] = body.balances;
  const { debt: _, ...less } = first;
  for (const balances of [[{ ...first, secret: 'x' }], [less]])
    expect(() => check({ ...answered, body: { ...body, balances } })).toThrow('not as in the document');
  expect(() => check({ ...answered, status: 418 })).toThrow('not in the document');
});

test('health says what is there and what is not', async () => {
  expect(await door.call('GET', '/health')).toMatchObject({
    status: 503,
    body: { status: 'degraded', checks: { database: 'ok', temporal: 'down', worker: 'down' } },
  });
  await door.db.owner.query("INSERT INTO worker_beats (id) VALUES ('w')");
  expect((await door.call('GET', '/health')).body.checks.worker).toBe('ok');
  await door.db.owner.query("UPDATE worker_beats SET seen_at = now() - interval '11 seconds'");
  expect((await door.call('GET', '/health')).body.checks.worker).toBe('down');
});

test('a worker that beats and gets nowhere is no worker: health and metrics say so, while one that does get on is enough', async () => {
  await door.db.owner.query(`DELETE FROM worker_beats; INSERT INTO worker_beats (id, stuck) VALUES ('wedged', true)`);
  expect(await door.call('GET', '/health')).toMatchObject({ status: 503, body: { checks: { worker: 'stuck' } } });
  expect((await door.call('GET', '/metrics')).text).toContain('oncepay_workers{state="stuck"} 1');
  await door.db.owner.query(`INSERT INTO worker_beats (id) VALUES ('well')`);
  expect((await door.call('GET', '/health')).body.checks.worker).toBe('ok');
  await door.db.owner.query('DELETE FROM worker_beats');
});

test('while Temporal is away a payout is 503, and reads go on', async () => {
  const reply = await door.call('POST', '/api/v1/payouts', { key: merchant.key, body: payoutBody(), idempotencyKey: 'away' });
  expect(reply).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
  expect(reply.headers['retry-after']).toMatch(/^[1-9][0-9]?$/);
  expect((await door.call('GET', '/api/v1/balance', { key: merchant.key })).body.balances[0].available).toBe('10000.00');
  // Its key is free at once.
  const { rows } = await door.db.owner.query(
    `SELECT status, lease_until <= now() AS free FROM idempotency_keys WHERE key = 'away'`,
  );
  expect(rows).toEqual([{ status: null, free: true }]);
});

test('while PostgreSQL is away every route is 503, and nobody is called a stranger', async () => {
  const away = await openDoor({ db: door.db, databaseUrl: NOBODY });
  try {
    const asked = [
      ['GET', '/api/v1/balance'],
      ['GET', '/api/v1/payouts'],
      ['POST', '/api/v1/payouts'],
      ['GET', '/api/admin/payouts'],
    ] as const;
    for (const [method, path] of asked) {
      const reply = await away.call(method, path, { key: merchant.key, ...(method === 'POST' ? { body: payoutBody() } : {}) });
      expect(reply).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
      expect(reply.headers['retry-after']).toBeDefined();
      expect(reply.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|SELECT/);
    }
    expect((await away.call('GET', '/health')).body.checks.database).toBe('down');
    expect((await away.call('GET', '/metrics')).status).toBe(200);
  } finally {
    await away.stop();
  }
});

test('when PostgreSQL comes back, the same key works, on the same process', async () => {
  const line = await lineTo(new URL(door.db.appUrl));
  const cut = await openDoor({ db: door.db, databaseUrl: line.url });
  const fund = (idempotencyKey: string) =>
    cut.call('POST', '/api/v1/test/balance/fund', { key: merchant.key, idempotencyKey, body: { amount: '1', currency: 'PKR' } });
  try {
    const before = await fund('line-1');
    expect(before.status).toBe(201);
    await line.cut();
    const during = await Promise.all(['line-1', 'line-2', 'line-2'].map(fund));
    expect(during.map(({ status }) => status)).toEqual([503, 503, 503]);
    await line.restore();
    expect((await fund('line-1')).text).toBe(before.text);
    expect((await fund('line-2')).status).toBe(201);
  } finally {
    await cut.stop();
    await line.cut();
  }
});

test('an outage is told from a mistake, by whichever way PostgreSQL is asked', async () => {
  const pool = createPool({ url: NOBODY, max: 1, applicationName: 'test' });
  const fault = (promise: PromiseLike<unknown>) => Promise.resolve(promise).then(() => 'none', outageOf);
  expect(await fault(pool.query('SELECT 1'))).toBe('PostgreSQL');
  expect(await fault(createPrisma(pool).balance.findMany())).toBe('PostgreSQL');
  await pool.end();
  expect(await fault(createPrisma(pool).balance.findMany())).toBe('PostgreSQL');

  const client = await door.db.owner.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  client.on('error', () => undefined);
  const sleeping = fault(client.query('SELECT pg_sleep(30)'));
  await door.db.owner.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  expect(await sleeping).toBe('PostgreSQL');
  client.release(true);

  expect(await fault(door.db.pool.query('SELECT nonsense'))).toBeUndefined();
  expect(await fault(door.db.pool.query(`SELECT 'x'::int`))).toBeUndefined();
  expect(await fault(door.context.prisma.$queryRawUnsafe('SELECT nonsense'))).toBeUndefined();
  expect(outageOf(undefined)).toBeUndefined();
});

test('a read that takes PostgreSQL too long says what its caller can do; a write that does stays safe to repeat', async () => {
  const url = new URL(door.db.appUrl);
  url.searchParams.set('statement_timeout', '300');
  const short = await openDoor({ db: door.db, databaseUrl: url.toString() });
  const admin = await short.admin('viewer');
  const funding = { key: merchant.key, idempotencyKey: 'slow-1', body: { amount: '1', currency: 'PKR' } };
  const slow = await door.db.owner.connect();
  try {
    // Whoever reads or writes these waits for the lock, until the server ends the statement.
    await slow.query('BEGIN; LOCK TABLE payouts, balances IN ACCESS EXCLUSIVE MODE');
    const lists = [
      ['GET', '/api/v1/payouts?createdFrom=2026-01-01T00:00:00Z', merchant.key], // by a query of our own
      ['GET', '/api/admin/debts', admin.key], // by Prisma
      ['HEAD', '/api/v1/payouts', merchant.key],
    ] as const;
    for (const [method, path, key] of lists) {
      const reply = await short.call(method, path, { key });
      expect([path, reply.status, reply.headers['retry-after']]).toEqual([path, 503, '10']);
      if (method === 'HEAD') continue;
      expect(reply.body).toMatchObject({ code: 'query_too_slow', detail: expect.stringContaining('Ask for less') });
      expect(reply.text).not.toMatch(/PostgreSQL|statement|SELECT/);
    }
    expect(await short.call('POST', '/api/v1/test/balance/fund', funding)).toMatchObject({
      status: 503,
      body: { code: 'service_unavailable', detail: expect.stringContaining('same idempotency key') },
    });
  } finally {
    await slow.query('ROLLBACK');
    slow.release();
    await short.stop();
  }
  expect((await door.call('POST', '/api/v1/test/balance/fund', funding)).status).toBe(201);
});

test('what is our fault is 500 and logged, and nothing of it gets out', async () => {
  const { owner } = door.db;
  await owner.query('ALTER TABLE balances RENAME TO balances_gone');
  try {
    const reply = await door.call('GET', '/api/v1/balance', { key: merchant.key, headers: { 'x-request-id': 'our-fault' } });
    expect(reply).toMatchObject({ status: 500, body: { code: 'internal_error', requestId: 'our-fault' } });
    expect(reply.text).not.toMatch(/balances|relation|prisma|at /i);
    const logged = lines.map((line) => JSON.parse(line)).find((line) => line.reqId === 'our-fault' && line.level === 50);
    expect(logged.err.stack).toContain('balance');
  } finally {
    await owner.query('ALTER TABLE balances_gone RENAME TO balances');
  }
});

test('the log tells who was answered what, but no key, no secret, no account and no body', async () => {
  const body = payoutBody({ description: 'a-private-remark' });
  await door.call('POST', '/api/v1/payouts', { key: merchant.key, body, headers: { 'x-request-id': 'told' } });
  await door.call('GET', '/api/v1/payouts?reference=a-private-reference', {
    headers: { authorization: `Bearer ${merchant.key}` },
  });
  await door.call('GET', '/api/v1/payouts/12345678900001', { key: merchant.key });
  const keys = KEY_PREFIXES.map((prefix) => newApiKey(prefix).key); // pasted into a path by mistake
  for (const key of keys) await door.call('GET', `/api/v1/payouts/${key}`, { key: merchant.key });
  const told = lines.map((line) => JSON.parse(line)).filter((line) => line.reqId === 'told');
  expect(told).toContainEqual(
    expect.objectContaining({ req: expect.objectContaining({ method: 'POST', path: '/api/v1/payouts' }) }),
  );
  expect(told).toContainEqual(expect.objectContaining({ res: expect.objectContaining({ statusCode: 503 }) }));
  const all = lines.join('\n');
  for (const secret of [merchant.key, ...keys, 'a-private-remark', 'a-private-reference', '12345678900001', 'Ayesha']) {
    expect(all).not.toContain(secret);
  }
});

test('metrics count requests by route, and what waits in the engine', async () => {
  await door.call('GET', '/api/v1/payouts/po_1', { key: merchant.key });
  const { text, headers } = await door.call('GET', '/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toMatch(/oncepay_http_request_seconds_count\{method="GET",route="\/api\/v1\/payouts\/:id",status="404"\} [1-9]/);
  expect(text).toContain('oncepay_payouts_open{state="UNKNOWN"} 0');
  expect(text).toContain('oncepay_payouts_need_operator 0');
  expect(text).toContain('oncepay_webhook_deliveries_pending 0');
  expect(text).toMatch(/^oncepay_events_held_back_seconds \d/m);
  expect(text).not.toContain(merchant.id);
});

test('the document names every route, what it answers, and the keys it needs; its page is readable', async () => {
  const { body: document } = await door.call('GET', '/openapi.json');
  expect(document.openapi).toMatch(/^3\.1\./);
  const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  const named = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(named).toEqual(
    expect.arrayContaining([
      'POST /api/v1/payouts',
      'GET /api/v1/payouts',
      'GET /api/v1/payouts/{id}',
      'POST /api/v1/payouts/{id}/reinitiate',
      'POST /api/v1/payouts/{id}/cancel',
      'GET /api/v1/payouts/{id}/timeline',
      'GET /api/v1/balance',
      'GET /api/v1/balance/history',
      'GET /api/v1/directory',
      'POST /api/v1/verify-account',
      'POST /api/v1/test/balance/fund',
      'POST /api/v1/ipn/{psp}',
      'GET /health',
    ]),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of operations) {
    expect([path, operation.operationId]).toEqual([path, expect.any(String)]);
    expect([path, Object.keys(operation.responses)]).toEqual([path, expect.arrayContaining(['429', '500'])]);
    if (/^\/api\/(v1|admin)/.test(path) && !path.includes('/ipn/')) {
      expect([path, Object.keys(operation.responses)]).toEqual([path, expect.arrayContaining(['401', '403', '503'])]);
      expect([path, operation.security?.length ?? 0]).not.toEqual([path, 0]);
    }
  }
  const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(refs.filter((name) => document.components.schemas[name] === undefined)).toEqual([]);

  const page = await door.call('GET', '/docs');
  expect(page.status).toBe(200);
  expect(page.text).toContain('swagger');
});

interface Operation {
  readonly operationId?: string;
  readonly responses: Record<string, unknown>;
  readonly security?: unknown[];
}

test('what never became a request is answered as a problem too, also a method that nobody knows', async () => {
  const { port } = new URL(await door.app.listen({ host: '127.0.0.1', port: 0 }));
  const say = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number.parseInt(port, 10), '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const foo = await say('FOO /api/v1/payouts/po_1?x=1 HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(foo).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\nContent-Type: application\/problem\+json/);
  expect(foo).toContain('"instance":"/api/v1/payouts/po_1"');
  expect(await say('FOO /nowhere HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_request"/s);
  expect(await say(`GET /health HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 .*headers_too_large/s,
  );
  expect(await say('garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"requestId":"[0-9a-f-]{36}"/s);
});
