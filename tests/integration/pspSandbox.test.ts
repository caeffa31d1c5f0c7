/** The sandbox PSP: its scenarios, its book, its idempotency, its control door. */

import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { fetch } from 'undici';
import { startSandbox } from '../../src/psp/sandbox/server.ts';
import { emptyDatabase } from '../support/database.ts';
import { API_KEY, eventually, orderTo, patience, type SandboxWorld, sandboxWorld, WEBHOOK_SECRET } from '../support/sandbox.ts';

let w: SandboxWorld;
beforeAll(async () => {
  w = await sandboxWorld({ returnAfterMs: 1500 });
});
afterAll(() => w.close());

const submit = (order: ReturnType<typeof orderTo>) => w.connector.submit(order, patience());
const lookUp = (order: ReturnType<typeof orderTo>) => w.connector.lookUp(order, patience());

const ask = async (body: unknown, headers: Record<string, string> = { authorization: `Bearer ${API_KEY}` }) => {
  const response = await fetch(`${w.url}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};
const wireOrder = (reference: string, over: object = {}) => ({
  reference,
  amount: '1500.00',
  currency: 'PKR',
  destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: null },
  narration: null,
  ...over,
});

test.each(['0001', '4711'])(
  'an account ending in %s is paid at once: reply, look-up, book and callback agree',
  async (suffix) => {
    const order = orderTo(suffix);

    const reply = await submit(order);

    expect(reply).toEqual({ kind: 'paid', pspRef: expect.stringMatching(/^sbt_/) });
    expect(await lookUp(order)).toEqual(reply);
    expect(await w.entry(order.reference)).toEqual({
      reference: order.reference,
      amount: '1500.00',
      currency: 'PKR',
      accountNumber: `1234567890${suffix}`,
      status: 'paid',
      takenAt: expect.stringMatching(/Z$/),
      requests: 1,
    });
    const [callback] = await eventually(
      () => w.receiver.of(order.reference),
      (all) => all.length === 1,
    );
    expect(callback?.json).toMatchObject({
      type: 'transfer.paid',
      data: { status: 'paid', amount: '1500.00', currency: 'PKR', reason: null },
    });
  },
);

test('0002 fails for certain but temporarily, and the next attempt is paid', async () => {
  const first = orderTo('0002');
  expect(await submit(first)).toMatchObject({ kind: 'failed', failure: { class: 'B', code: 'bank_unavailable' } });
  expect(await w.entry(first.reference)).toMatchObject({ status: 'failed', takenAt: null });
  expect(await submit(orderTo('0002', 2))).toMatchObject({ kind: 'paid' });
});

test.each([
  ['0003', 'F', 'declined_by_bank'],
  ['0006', 'E', 'no_account'],
  ['0007', 'F', 'account_closed'],
])('%s fails for certain and for good, and nothing is taken', async (suffix, failureClass, code) => {
  const order = orderTo(suffix);
  const failed = { kind: 'failed', failure: { class: failureClass, code } };
  expect(await submit(order)).toMatchObject(failed);
  expect(await lookUp(order)).toMatchObject(failed);
  expect(await w.entry(order.reference)).toMatchObject({ status: 'failed', takenAt: null });
  await eventually(
    () => w.receiver.of(order.reference),
    ([callback]) => callback?.json.type === 'transfer.failed',
  );
});

test.each([
  ['0004', 'queued', null],
  ['0005', 'held', 'compliance_check'],
])('%s is accepted and stays %s, with nothing taken', async (suffix, stage, reason) => {
  const order = orderTo(suffix);
  const accepted = { kind: 'accepted', stage, pspRef: expect.any(String), reason };
  expect(await submit(order)).toEqual(accepted);
  expect(await lookUp(order)).toEqual(accepted);
  expect(await w.entry(order.reference)).toMatchObject({ status: stage, takenAt: null });
});

test('0008 takes the money and never answers: only a look-up tells', async () => {
  const order = orderTo('0008');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'timeout' });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid', takenAt: expect.any(String) });
  const { rows } = await w.pool.query(
    'SELECT FROM sandbox.callbacks c JOIN sandbox.transfers t ON t.id = c.transfer_id WHERE t.reference = $1',
    [order.reference],
  );
  expect(rows).toHaveLength(0);
  // asked again, it says so, and does not pay again
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
});

test('0009 is paid, and later returned with a callback', async () => {
  const order = orderTo('0009');
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
  await eventually(
    () => w.receiver.of(order.reference).map(({ json }) => json.type),
    (types) => types.includes('transfer.returned'),
  );
  expect(await lookUp(order)).toMatchObject({ kind: 'returned', reason: 'returned_by_bank' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'returned', takenAt: expect.any(String) });
});

test('20 equal requests at once are one transfer, and 20 equal answers', async () => {
  const order = orderTo('0001');
  const replies = await Promise.all(Array.from({ length: 20 }, () => submit(order)));
  expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
  expect(replies[0]).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ requests: 20 });
  const { rows } = await w.pool.query(
    `SELECT account, count(*)::int, sum(p.amount)::text FROM sandbox.postings p JOIN sandbox.transfers t ON t.id = p.transfer_id
     WHERE reference = $1 GROUP BY account ORDER BY account`,
    [order.reference],
  );
  expect(rows).toEqual([
    { account: 'float', count: 1, sum: '-1500.00' },
    { account: 'payee', count: 1, sum: '1500.00' },
  ]);
});

test('a reference never stands for two transfers', async () => {
  const order = orderTo('0001');
  await submit(order);
  const other = { ...order, amountMinor: 150_001n };
  expect(await submit(other)).toEqual({ kind: 'unknown', reason: 'reference_reused' });
  expect(await lookUp(other)).toEqual({ kind: 'mismatch', pspRef: expect.any(String), detail: 'differs in amount' });
  expect(await w.entry(order.reference)).toMatchObject({ amount: '1500.00' });
  expect(await ask(wireOrder(order.reference, { amount: '1' }))).toMatchObject({
    status: 409,
    body: { error: { code: 'reference_reused' } },
  });
});

test('a look-up of another account, currency or bank under our reference is never taken for ours', async () => {
  const order = orderTo('0001');
  await submit(order);
  const destination = { ...order.destination, accountNumber: '99999999990001' };
  expect(await lookUp({ ...order, destination })).toMatchObject({ kind: 'mismatch', detail: 'differs in account' });
  expect(await lookUp({ ...order, currency: 'NGN' })).toMatchObject({ kind: 'mismatch', detail: 'differs in currency' });
  expect(
    await lookUp({
      ...order,
      destination: { type: 'bank', bankCode: 'UBL', accountNumber: '12345678900001', accountTitle: null },
    }),
  ).toMatchObject({ kind: 'mismatch', detail: 'differs in account' });
});

test('amounts cross without a float: JPY has no decimals, KWD three, and 10^15 minor units arrive whole', async () => {
  for (const [currency, amountMinor, text] of [
    ['JPY', 1500n, '1500'],
    ['KWD', 1n, '0.001'],
    ['PKR', 999_999_999_999_999n, '9999999999999.99'],
  ] as const) {
    const order = orderTo('0001', 1, { currency, amountMinor });
    expect(await submit(order)).toMatchObject({ kind: 'paid' });
    expect(await w.entry(order.reference)).toMatchObject({ amount: text, currency });
  }
});

test('a wallet with leading zeros is paid as it was asked', async () => {
  const order = orderTo('', 1, {
    destination: { type: 'wallet', walletCode: 'EASYPAISA', accountNumber: '03001234567', accountTitle: null },
  });
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ accountNumber: '03001234567' });
});

test('an unknown reference is not found; an invalid order fails for certain and leaves no transfer', async () => {
  expect(await lookUp(orderTo('0001'))).toEqual({ kind: 'not_found' });
  const invalid = orderTo('0001', 1, {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: 'no account!', accountTitle: null },
  });
  expect(await submit(invalid)).toMatchObject({ kind: 'failed', pspRef: null, failure: { class: 'A', code: 'invalid_request' } });
  expect(await w.entry(invalid.reference)).toBeUndefined();
});

test.each([
  ['no JSON', '{'],
  ['an empty body', ''],
  ['a list', []],
  ['an amount as a number', wireOrder('po_bad:1', { amount: 1500 })],
  ['zero', wireOrder('po_bad:1', { amount: '0.00' })],
  ['a negative amount', wireOrder('po_bad:1', { amount: '-1.00' })],
  ['a NUL in the narration', wireOrder('po_bad:1', { narration: 'a\0b' })],
  ['a currency sign in the narration', wireOrder('po_bad:1', { narration: '5 €' })],
  ['an emoji in the narration', wireOrder('po_bad:1', { narration: '🎉' })],
  ['a narration longer than a statement shows', wireOrder('po_bad:1', { narration: 'x'.repeat(141) })],
  [
    'a lone surrogate',
    '{"reference":"po_bad:1","amount":"1","currency":"PKR","narration":"\\ud800","destination":{"type":"bank","bankCode":"HBL","accountNumber":"12340001","accountTitle":null}}',
  ],
  ['an unknown field', wireOrder('po_bad:1', { priority: 'high' })],
  ['a missing destination', wireOrder('po_bad:1', { destination: undefined })],
  ['a NUL in the reference', wireOrder('po\0bad')],
])('the PSP refuses %s by a 400 in its own words', async (_what, body) => {
  expect(await ask(body)).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_request', message: expect.any(String) } },
  });
});

test('without the right key nothing is asked for, and the key is on no tape', async () => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: API_KEY }]) {
    expect(await ask(wireOrder('po_nokey:1'), headers as Record<string, string>)).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthorized' } },
    });
  }
  expect(await w.entry('po_nokey:1')).toBeUndefined();
  const { body } = await w.control('GET', '/requests?limit=3');
  expect(body.data.map(({ status }) => status)).toEqual([401, 401, 401]);
  expect(JSON.stringify((await w.control('GET', '/requests?limit=1000')).body)).not.toContain(API_KEY);
});

test('the tape tells newest first what was asked, how it ended and which fault it met', async () => {
  const order = orderTo('0001');
  await w.control('POST', '/faults', { kind: 'error_before', match: { reference: order.reference }, times: 1 });
  await submit(order);
  await submit(order);
  await lookUp(order);
  const tape = await eventually(
    async () => (await w.control('GET', '/requests?limit=3')).body.data,
    (data) => data[0]?.status === 200,
  );
  expect(tape).toMatchObject([
    {
      method: 'GET',
      path: `/transfers/by-reference/${encodeURIComponent(order.reference)}`,
      reference: order.reference,
      fault: null,
      status: 200,
    },
    { method: 'POST', path: '/transfers', reference: order.reference, fault: null, status: 201 },
    { method: 'POST', path: '/transfers', reference: order.reference, fault: 'error_before', status: 500 },
  ]);
  expect(await w.entry(order.reference)).toMatchObject({ requests: 2 });
});

test('the book can be read page by page and by the beginning of a reference', async () => {
  const orders = Array.from({ length: 5 }, (_, index) => orderTo('0001', 1, { reference: `po_page_${index}:1` }));
  for (const order of orders) await submit(order);
  await submit(orderTo('0001', 1, { reference: 'po_pageX0:1' }));
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await w.control('GET', `/transfers?reference=po_page_&limit=2${cursor}`);
    expect(body.total).toBe(5);
    seen.push(...body.data.map(({ reference }) => reference ?? ''));
    cursor = body.nextCursor ? `&cursor=${body.nextCursor}` : '';
  } while (cursor !== '');
  expect(seen).toEqual(orders.map(({ reference }) => reference).reverse());
});

test('a forced state is in the book, in the look-up and in a callback', async () => {
  const order = orderTo('0004');
  await submit(order);
  const path = `/transfers/${order.reference}`;

  expect(await w.control('POST', path, { status: 'paid' })).toMatchObject({ status: 200, body: { status: 'paid' } });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  await eventually(
    () => w.receiver.of(order.reference).map(({ json }) => json.type),
    (types) => types.includes('transfer.paid'),
  );
  await w.control('POST', path, { status: 'returned', reason: 'account_frozen' });
  expect(await lookUp(order)).toMatchObject({ kind: 'returned', reason: 'account_frozen' });

  const failed = orderTo('0003');
  await submit(failed);
  await w.control('POST', `/transfers/${encodeURIComponent(failed.reference)}`, { status: 'paid' });
  expect(await lookUp(failed)).toMatchObject({ kind: 'paid' });
});

test.each([
  ['POST', '/transfers/po_nobody:1', { status: 'paid' }, 404, /no such transfer/],
  ['POST', '/transfers/po_nobody:1', { status: 'lost' }, 400, /status/],
  ['POST', '/transfers/po_nobody:1', undefined, 400, /body/],
  ['POST', '/faults', { kind: 'earthquake' }, 400, /kind/],
  ['POST', '/faults', { kind: 'delay', params: { ms: -1 } }, 400, /params\.ms/],
  ['POST', '/faults', { kind: 'delay', params: { mss: 1 } }, 400, /mss/],
  ['POST', '/faults', { kind: 'delay', times: 0 }, 400, /times/],
  ['POST', '/faults', { kind: 'delay', match: { account: '1' } }, 400, /account/],
  ['GET', '/transfers?limit=0', undefined, 400, /limit/],
  ['GET', '/transfers?cursor=x', undefined, 400, /cursor/],
  ['GET', '/transfers?reference=%00', undefined, 400, /NUL/],
  ['GET', '/requests?limit=many', undefined, 400, /limit/],
  ['GET', '/nothing', undefined, 404, /route/],
] as const)('control %s %s refuses %j with a clear message', async (method, path, body, status, message) => {
  const answer = await w.control(method, path, body);
  expect(answer.status).toBe(status);
  expect(answer.body.error?.message).toMatch(message);
});

test('an account is verified by the PSP: its own title, and why it cannot be paid', async () => {
  const verify = (suffix: string) => w.connector.verifyAccount(orderTo(suffix).destination, patience());
  expect(await verify('0001')).toEqual({ valid: true, accountTitle: 'Ayesha Khan', detail: null });
  expect(await verify('0006')).toEqual({ valid: false, accountTitle: null, detail: 'no_account' });
  expect(await verify('0007')).toEqual({ valid: false, accountTitle: null, detail: 'account_closed' });
});

test('every posting has its counterpart, and what is out is what the book calls paid', async () => {
  const unbalanced = await w.pool.query('SELECT transfer_id FROM sandbox.postings GROUP BY transfer_id HAVING sum(amount) <> 0');
  expect(unbalanced.rows).toEqual([]);
  const wrong = await w.pool.query(
    `SELECT t.reference, t.status FROM sandbox.transfers t LEFT JOIN sandbox.postings p ON p.transfer_id = t.id AND p.account = 'payee'
     GROUP BY t.id HAVING coalesce(sum(p.amount), 0) <> CASE WHEN t.status = 'paid' THEN t.amount ELSE 0 END`,
  );
  expect(wrong.rows).toEqual([]);
});

test('PostgreSQL drops every connection: the simulator goes on, and so do its callbacks', async () => {
  await w.pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'oncepay-sandbox'`);
  const order = orderTo('0001');
  await eventually(
    () => submit(order),
    ({ kind }) => kind === 'paid',
  );
  await eventually(
    () => w.receiver.of(order.reference),
    (callbacks) => callbacks.length > 0,
  );
});

test('control answers this machine only, whatever address a header claims; the PSP API answers everybody', async () => {
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  // A machine without any network has no outside to be refused from.
  if (!outside) return;
  const sandbox = await startSandbox({
    databaseUrl: w.databaseUrl,
    port: 0,
    host: '0.0.0.0',
    apiKey: API_KEY,
    callbackUrl: w.receiver.url,
    webhookSecret: WEBHOOK_SECRET,
  });
  const from = (host: string, path: string) =>
    fetch(`http://${host}:${sandbox.port}${path}`, { headers: { 'x-forwarded-for': '127.0.0.1' } }).then(({ status }) => status);
  expect(await from(outside.address, '/control/transfers')).toBe(403);
  expect(await from(outside.address, '/transfers/sbt_1')).toBe(401);
  expect(await from('127.0.0.1', '/control/transfers')).toBe(200);
  await sandbox.close();
});

test('two simulators may start at once on one empty database', async () => {
  const twice = await emptyDatabase();
  const options = {
    databaseUrl: twice.url,
    port: 0,
    apiKey: API_KEY,
    callbackUrl: w.receiver.url,
    webhookSecret: WEBHOOK_SECRET,
  };
  const both = await Promise.all([startSandbox(options), startSandbox(options)]);
  for (const { url, close } of both) {
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await close();
  }
  await twice.stop();
});

test('a book that an earlier version has made is gone on with: what was paid is not paid again', async () => {
  const earlier = await emptyDatabase();
  const client = new pg.Client({ connectionString: earlier.url });
  await client.connect();
  await client.query(`
    CREATE SCHEMA sandbox;
    CREATE TABLE sandbox.transfers (
      seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE, id text PRIMARY KEY, reference text COLLATE "C" NOT NULL UNIQUE,
      fingerprint text NOT NULL, amount numeric NOT NULL, currency text NOT NULL, destination jsonb NOT NULL, account_number text NOT NULL,
      narration text, status text NOT NULL, reason text, taken_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(), next_status text, next_reason text, due_at timestamptz,
      CHECK ((next_status IS NULL) = (due_at IS NULL)));
    INSERT INTO sandbox.transfers (id, reference, fingerprint, amount, currency, destination, account_number, status, taken_at, next_status, due_at)
    VALUES ('sbt_1', 'po_1:1', 'x', 1500.00, 'PKR', '{"type":"bank","bankCode":"HBL","accountNumber":"12345678900009","accountTitle":null}',
            '12345678900009', 'paid', now(), 'returned', now())`);
  await client.end();
  const options = {
    databaseUrl: earlier.url,
    port: 0,
    apiKey: API_KEY,
    callbackUrl: w.receiver.url,
    webhookSecret: WEBHOOK_SECRET,
  };
  const sandbox = await startSandbox(options);
  const answer = await fetch(`${sandbox.url}/transfers/by-reference/po_1:1`, { headers: { authorization: `Bearer ${API_KEY}` } });
  expect(await answer.json()).toMatchObject({ id: 'sbt_1', status: 'paid', amount: '1500.00' });
  await sandbox.close();
  await earlier.stop();
});
