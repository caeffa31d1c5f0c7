/** The Flutterwave simulator and our connector: the same transfer in both, whatever either goes through. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createFlutterwaveConnector } from '../../src/psp/flutterwave/connector.ts';
import { startFlutterwave } from '../../src/psp/flutterwave/server.ts';
import type { PspOrder, PspReply } from '../../src/psp/port.ts';
import { startSandbox } from '../../src/psp/sandbox/server.ts';
import { type FlutterwaveWorld, flutterwaveWorld, nairaTo, SECRET_KEY, WEBHOOK_HASH } from '../support/flutterwave.ts';
import { rawExchange } from '../support/rawExchange.ts';
import { eventually, patience } from '../support/sandbox.ts';

const TIMEOUT_MS = 1000;
let w: FlutterwaveWorld;
beforeAll(async () => {
  w = await flutterwaveWorld({ timeoutMs: TIMEOUT_MS, returnAfterMs: 1000, minuteMs: 100 });
});
afterAll(() => w.close());
afterEach(async () => {
  await w.control('DELETE', '/faults');
  await w.control('PUT', '/settings', { requiresApproval: false });
  await w.control('PUT', '/balances', { currency: 'NGN', available: '10000000000' });
});

const submit = (order: PspOrder) => w.connector.submit(order, patience());
const lookUp = (order: PspOrder) => w.connector.lookUp(order, patience());
const until = (order: PspOrder, kind: PspReply['kind']) =>
  eventually(
    () => lookUp(order),
    (reply) => reply.kind === kind,
  );
const fault = async (kind: string, more: { match?: object; times?: number; params?: object } = {}) => {
  expect(await w.control('POST', '/faults', { kind, ...more })).toMatchObject({ status: 201 });
};
const heard = (order: PspOrder, count: number) =>
  eventually(
    () => w.receiver.of(order.reference),
    (callbacks) => callbacks.length >= count,
  );
const claims = (order: PspOrder) =>
  w.receiver.of(order.reference).map(({ rawBody, headers }) => w.connector.parseCallback(rawBody, headers)?.claim ?? 'refused');
const balance = async () => (await w.connector.account.balance('NGN', patience())) as { available: string };

const accepted = { kind: 'accepted', stage: 'processing', pspRef: expect.stringMatching(/^test_\d+$/), reason: null };
const wireOrder = (over: object = {}) => ({
  account_bank: '044',
  account_number: '0690000031',
  amount: 5500,
  currency: 'NGN',
  reference: `ref-${Math.random()}`,
  ...over,
});

test.each(['0001', '4711'])(
  'an account ending in %s: queued, then paid, with its fee; look-up, book and callback agree',
  async (suffix) => {
    const order = nairaTo(suffix);
    expect(await submit(order)).toEqual(accepted);
    expect(await until(order, 'paid')).toEqual({ kind: 'paid', pspRef: expect.stringMatching(/^test_\d+$/), feeMinor: '1075' });
    expect(await w.entry(order.reference)).toMatchObject({
      amount: '1500.00',
      currency: 'NGN',
      status: 'paid',
      takenAt: expect.any(String),
      requests: 1,
    });
    const [callback] = await heard(order, 1);
    expect(callback?.headers['verif-hash']).toBe(WEBHOOK_HASH);
    expect(callback?.json).toMatchObject({
      event: 'transfer.completed',
      'event.type': 'Transfer',
      data: { status: 'SUCCESSFUL', amount: 1500, fee: 10.75, fullname: 'Ngozi Adeyemi', requires_approval: 0, is_approved: 1 },
    });
    expect(callback?.json.data).not.toHaveProperty('full_name');
    expect(claims(order)).toEqual(['paid']);
  },
);

test('0002 fails temporarily, and the next attempt under its own reference is paid', async () => {
  const first = nairaTo('0002');
  await submit(first);
  expect(await until(first, 'failed')).toMatchObject({ failure: { class: 'B', code: 'temporary_failure' } });
  expect(await w.entry(first.reference)).toMatchObject({ status: 'failed', takenAt: null });
  const second = nairaTo('0002', 2);
  await submit(second);
  await until(second, 'paid');
});

test.each([
  ['0003', 'B', 'temporary_failure'],
  ['0006', 'E', 'no_account'],
  ['0007', 'F', 'account_closed'],
])('%s fails for certain, of class %s, and nothing is taken', async (suffix, failureClass, code) => {
  const order = nairaTo(suffix);
  expect(await submit(order)).toEqual(accepted);
  expect(await until(order, 'failed')).toMatchObject({ failure: { class: failureClass, code } });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'failed', takenAt: null });
  await heard(order, 1);
  expect(claims(order)).toEqual(['failed']);
});

test('0004 stays PENDING, with nothing taken and no callback', async () => {
  const order = nairaTo('0004');
  await submit(order);
  await eventually(
    () => w.entry(order.reference),
    (entry) => entry?.status === 'processing',
  );
  expect(await lookUp(order)).toEqual(accepted);
  expect(w.receiver.of(order.reference)).toEqual([]);
});

test('0005, and every transfer of an account with approvals, waits for a person: held, not paid', async () => {
  const order = nairaTo('0005');
  const held = { ...accepted, stage: 'held', reason: expect.stringContaining('approval') };
  expect(await submit(order)).toEqual(held);
  expect(await lookUp(order)).toEqual(held);
  await w.control('PUT', '/settings', { requiresApproval: true });
  const [approved, rejected] = [nairaTo('0001'), nairaTo('0001')];
  expect([await submit(approved), await submit(rejected)]).toEqual([held, held]);
  expect((await w.ask('GET', `/transfers?reference=${approved.reference}`)).body.data[0]).toMatchObject({
    status: 'NEW',
    requires_approval: 1,
    is_approved: 0,
  });

  for (const { reference } of [order, approved]) {
    expect(await w.control('POST', `/transfers/${reference}/approve`)).toMatchObject({ status: 200 });
  }
  expect(await w.control('POST', `/transfers/${rejected.reference}/reject`)).toMatchObject({ status: 200 });
  await until(order, 'paid');
  await until(approved, 'paid');
  expect(await until(rejected, 'failed')).toMatchObject({ failure: { class: 'F' } });
  expect(await w.control('POST', `/transfers/${approved.reference}/approve`)).toMatchObject({ status: 404 });
});

test('0008 takes the money and never answers the request', async () => {
  const order = nairaTo('0008');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'timeout' });
  await until(order, 'paid');
  // asked again, it says that it has the reference already, which proves nothing; and it does not pay again
  expect(await submit(order)).toMatchObject({ kind: 'unknown' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid', requests: 2 });
});

test('0009 is paid and later FAILED, which means returned for whoever knows that it was paid; the fee is gone', async () => {
  const order = nairaTo('0009');
  const before = Number.parseFloat((await balance()).available);
  await submit(order);
  const paid = await until(order, 'paid');
  if (paid.kind !== 'paid') throw new Error('not paid');
  const known = { ...order, pspRef: paid.pspRef, isPaid: true };
  expect(await until(known, 'returned')).toMatchObject({ pspRef: paid.pspRef, reason: expect.stringContaining('reversed') });
  expect(Number.parseFloat((await balance()).available)).toBeCloseTo(before - 10.75, 2);
  await heard(order, 2);
  expect(claims(order)).toEqual(['paid', 'failed']);
});

test.each([
  ['_PMCK', 1000, 'paid'],
  ['_PMCKDU_2', 200, 'paid'],
  ['_PMCK_ST_F', 1000, 'failed'],
  ['_PMCK_ST_FDU_2', 200, 'failed'],
] as const)(
  "Flutterwave's own suffix %s: under way, and after %d ms %s, whatever the account",
  async (referenceSuffix, afterMs, kind) => {
    const connector = createFlutterwaveConnector({
      mode: 'test',
      baseUrl: `${w.url}/v3`,
      secretKey: SECRET_KEY,
      webhookHash: WEBHOOK_HASH,
      referenceSuffix,
      timeoutMs: TIMEOUT_MS,
    });
    const order = nairaTo('0004');
    await connector.submit(order, patience());
    await eventually(
      () => connector.lookUp(order, patience()),
      (reply) => reply.kind === kind,
    );
    const { rows } = await w.pool.query(
      `SELECT extract(epoch FROM updated_at - created_at) * 1000 >= $2 AS "isLater" FROM flutterwave.transfers WHERE reference = $1`,
      [order.reference + referenceSuffix, afterMs],
    );
    expect(rows).toEqual([{ isLater: true }]);
    await connector.close();
  },
);

test('a reference never stands for two transfers: 20 requests at once are one, and one payment', async () => {
  const order = nairaTo('0001');
  const replies = await Promise.all(Array.from({ length: 20 }, () => submit(order)));
  expect(replies.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  expect(replies.filter(({ kind }) => kind === 'unknown')).toHaveLength(19);
  await until(order, 'paid');
  const { rows } = await w.pool.query(
    `SELECT account, sum(p.amount)::text FROM flutterwave.postings p JOIN flutterwave.transfers t ON t.id = p.transfer_id
     WHERE reference = $1 GROUP BY account ORDER BY account`,
    [order.reference],
  );
  expect(rows).toEqual([
    { account: 'float', sum: '-1500.00' },
    { account: 'payee', sum: '1500.00' },
  ]);
});

test('of transfers at once that the wallet cannot bear all, it pays as many as it can bear with their fees, and not one more', async () => {
  await w.control('PUT', '/balances', { currency: 'NGN', available: '4532.25' }); // three times 1500.00 and 10.75
  const orders = Array.from({ length: 8 }, () => nairaTo('0001'));
  await Promise.all(orders.map(submit));
  const replies = await eventually(
    () => Promise.all(orders.map(lookUp)),
    (all) => all.every(({ kind }) => kind === 'paid' || kind === 'failed'),
  );
  expect(replies.filter(({ kind }) => kind === 'paid')).toHaveLength(3);
  expect(replies.find(({ kind }) => kind === 'failed')).toMatchObject({ failure: { class: 'D', code: 'psp_funds_short' } });
  expect(await balance()).toEqual({ available: '0' });
});

test('a failed transfer that a person sends again in the dashboard is paid under another id, and our look-up sees it', async () => {
  const order = nairaTo('0002');
  await submit(order);
  await until(order, 'failed');
  const listed = await w.ask('GET', `/transfers?reference=${order.reference}`);
  const { id } = listed.body.data[0];
  const retry = await w.ask('POST', `/transfers/${id}/retries`);
  expect(retry.body).toMatchObject({
    message: 'Transfer retry attempt queued.',
    data: { status: 'NEW', reference: `${order.reference}_RETRY_1` },
  });
  expect(retry.body.data.id).not.toBe(id);
  expect(await until(order, 'paid')).toMatchObject({ pspRef: `test_${retry.body.data.id}` });
  expect(await lookUp({ ...order, pspRef: `test_${retry.body.data.id}` })).toMatchObject({ kind: 'paid' });
  expect(await w.ask('POST', `/transfers/${retry.body.data.id}/retries`)).toMatchObject({ status: 400 });
});

test('what failed for lack of funds cannot be sent again there', async () => {
  await w.control('PUT', '/balances', { currency: 'NGN', available: '1500.00' });
  const order = nairaTo('0001');
  await submit(order);
  await until(order, 'failed');
  const listed = await w.ask('GET', `/transfers?reference=${order.reference}`);
  expect(await w.ask('POST', `/transfers/${listed.body.data[0].id}/retries`)).toMatchObject({
    status: 400,
    body: { status: 'error', data: null },
  });
});

test.each([
  ['5000', '10.75'],
  ['5000.01', '26.875'],
  ['50000', '26.875'],
  ['50000.01', '53.75'],
])('a transfer of %s naira costs %s', async (amount, fee) => {
  const { body } = await w.ask('GET', `/transfers/fee?amount=${amount}&currency=NGN&type=account`);
  expect(body).toMatchObject({
    message: 'Transfer fee fetched',
    data: [{ currency: 'NGN', fee_type: 'value', fee: Number.parseFloat(fee) }],
  });
});

test.each(['50211', '999992'])('a transfer to the bank %s, whose code has more than three digits, is paid', async (bankCode) => {
  const order = nairaTo('0001');
  const there = { ...order, destination: { type: 'bank' as const, bankCode, accountNumber: '0123450001', accountTitle: null } };
  expect(await submit(there)).toMatchObject({ kind: 'accepted' });
  expect(await until(there, 'paid')).toMatchObject({ kind: 'paid' });
});

test('the connector asks for fee, banks and balance, and reads them without a float', async () => {
  expect(await w.connector.account.fee(5_000_000n, 'NGN', patience())).toEqual({ feeMinor: 2688n });
  expect(await w.connector.account.banks('NG', patience())).toMatchObject({
    banks: expect.arrayContaining([
      { code: '058', name: 'Guaranty Trust Bank' },
      { code: '999992', name: 'OPay' },
    ]),
  });
  expect(await w.connector.account.banks('XX', patience())).toEqual({ unavailable: 'HTTP 400' });
  await w.control('PUT', '/balances', { currency: 'GHS', available: '1234.50' });
  expect(await w.connector.account.balance('GHS', patience())).toEqual({ available: '1234.5' });
});

test('an account is resolved to its owner', async () => {
  const verify = (accountNumber: string) =>
    w.connector.verifyAccount({ type: 'bank', bankCode: '044', accountNumber, accountTitle: null }, patience());
  expect(await verify('0690000034')).toEqual({ valid: true, accountTitle: 'Ade Bond', detail: null });
  expect(await verify('1234560006')).toEqual({ valid: false, accountTitle: null, detail: 'no_account' });
});

test.each<[string, object, number, string]>([
  ['a blacklisted account', wireOrder({ account_number: '0690000036' }), 400, 'Payout was made to a blacklisted account number'],
  ['no account', wireOrder({ account_number: undefined }), 400, 'account_number is required'],
  ['no bank', wireOrder({ account_bank: undefined }), 400, 'account_bank is required'],
  ['a bank that does not exist', wireOrder({ account_bank: '999' }), 400, 'account_bank is invalid'],
  ['nothing', wireOrder({ amount: 0 }), 400, 'amount is invalid'],
  ['a negative amount', wireOrder({ amount: -5 }), 400, 'amount is invalid'],
  ['an amount in words', wireOrder({ amount: 'many' }), 400, 'amount is invalid'],
  ['cedis without a name', wireOrder({ currency: 'GHS', account_bank: 'GH010100' }), 400, 'beneficiary_name is required'],
  ['a reference of 101 characters', wireOrder({ reference: 'x'.repeat(101) }), 400, 'reference is invalid'],
  ['a NUL', wireOrder({ narration: 'a\0b' }), 400, 'narration is invalid'],
  ['a currency sign in the narration', wireOrder({ narration: '5 €' }), 400, 'narration is invalid'],
  ['an emoji in the narration', wireOrder({ narration: '🎉' }), 400, 'narration is invalid'],
])('it refuses %s in its own envelope', async (_what, body, status, message) => {
  expect(await w.ask('POST', '/transfers', body)).toEqual({ status, body: { status: 'error', message, data: null } });
});

test('without the right key nothing is taken, and the key is on no tape', async () => {
  const response = await fetch(`${w.url}/v3/transfers`, { method: 'POST', body: JSON.stringify(wireOrder()) });
  expect([response.status, await response.json()]).toEqual([401, { status: 'error', message: expect.any(String), data: null }]);
  expect(JSON.stringify((await w.control('GET', '/requests?limit=1000')).body)).not.toContain(SECRET_KEY);
});

test('a list is of ten, newest first, with its pages; it is filtered by status and by reference', async () => {
  const references = Array.from({ length: 12 }, (_, nth) => `list-${Date.now()}-${nth}`);
  for (const reference of references) await w.ask('POST', '/transfers', wireOrder({ reference, account_number: '1234560004' }));
  const newest = async () => (await w.ask('GET', '/transfers?status=PENDING')).body.data[0]?.reference;
  await eventually(newest, (reference) => reference === references.at(-1)); // they come one after the other
  const first = await w.ask('GET', '/transfers?status=PENDING&page=1');
  expect(first.body).toMatchObject({
    message: 'Transfers fetched',
    meta: { page_info: { current_page: 1, total_pages: expect.any(Number) } },
  });
  expect(first.body.data.map(({ reference }: { reference: string }) => reference)).toEqual(references.slice(2).reverse());
  expect((await w.ask('GET', `/transfers?reference=${references[0]}`)).body.data).toHaveLength(1);
  expect((await w.ask('GET', '/transfers?status=paid')).body).toMatchObject({ status: 'error', message: 'status is invalid' });
});

test.each([
  ['error_before', {}, 'HTTP 500', 'not_found'],
  ['error_before', { status: 503 }, 'HTTP 503', 'not_found'],
  ['error_after', { status: 503 }, 'HTTP 503', 'paid'],
  ['cut_after', {}, 'ECONNRESET', 'paid'],
  ['no_answer', {}, 'timeout', 'paid'],
  ['no_answer', { take: false }, 'timeout', 'not_found'],
  ['down', {}, 'ECONNRESET', 'not_found'],
] as const)('%s %j: unknown, and a look-up tells', async (kind, params, reason, found) => {
  const order = nairaTo('0001');
  await fault(kind, { params, times: 1, match: { reference: order.reference } });
  expect(await submit(order)).toEqual({ kind: 'unknown', reason });
  expect(await until(order, found)).toMatchObject({ kind: found });
});

test('503 after the gateway has waited for longer than we do: unknown, and paid once', async () => {
  const order = nairaTo('0001');
  await fault('slow_answer', { params: { ms: TIMEOUT_MS + 300 }, match: { reference: order.reference }, times: 1 });
  await fault('error_after', { params: { status: 503 }, match: { reference: order.reference }, times: 1 });
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'timeout' });
  await until(order, 'paid');
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid', requests: 1 });
});

test('rate_limit: certainly not taken, with the time that was named', async () => {
  const order = nairaTo('0001');
  await fault('rate_limit', { params: { seconds: 3 }, match: { reference: order.reference }, times: 1 });
  expect(await submit(order)).toEqual({ kind: 'not_taken', reason: 'rate_limited', retryAfterMs: 3000 });
  expect(await w.entry(order.reference)).toBeUndefined();
});

test('wrong_amount: never taken for our payment', async () => {
  const order = nairaTo('0001');
  await fault('wrong_amount', { match: { amount: '1500', reference: order.reference }, times: 1 });
  const mismatch = { kind: 'mismatch', pspRef: expect.any(String), detail: 'differs in amount' };
  expect(await submit(order)).toEqual(mismatch);
  expect(await lookUp(order)).toEqual(mismatch);
});

test('callbacks: doubled, after an older one, forged, or never', async () => {
  const [doubled, reordered, forged, silent] = [nairaTo('0001'), nairaTo('0001'), nairaTo('0001'), nairaTo('0001')];
  const of = ({ reference }: PspOrder) => ({ match: { reference } });
  await fault('duplicate_callback', { ...of(doubled), params: { count: 3 } });
  await fault('reordered_callbacks', { ...of(reordered), params: { ms: 200 } });
  await fault('forged_callback', of(forged));
  await fault('no_callback', of(silent));
  await Promise.all([doubled, reordered, forged, silent].map(submit));
  const callbacks = await heard(doubled, 3);
  expect(new Set(callbacks.map(({ rawBody }) => rawBody.toString())).size).toBe(1);
  await heard(reordered, 2);
  expect(claims(reordered)).toEqual(['paid', 'processing']);
  await heard(forged, 3);
  expect(claims(forged).sort()).toEqual(['failed', 'paid', 'refused']);
  await until(silent, 'paid');
  const { rows } = await w.pool.query(
    'SELECT FROM flutterwave.callbacks c JOIN flutterwave.transfers t ON t.id = c.transfer_id WHERE t.reference = $1',
    [silent.reference],
  );
  expect(rows).toEqual([]);
});

test('a fault for one callback is not used up by a change that nobody is told of', async () => {
  const order = nairaTo('0001');
  await fault('duplicate_callback', { params: { count: 3 }, times: 1 });
  await submit(order);
  await heard(order, 3);
});

test('slow_answer: the callback comes before the reply', async () => {
  const order = nairaTo('0001');
  await fault('slow_answer', { params: { ms: 900 }, match: { reference: order.reference }, times: 1 });
  const answer = submit(order);
  await heard(order, 1);
  expect(await Promise.race([answer.then(() => 'reply'), Promise.resolve('callback')])).toBe('callback');
  expect(await answer).toMatchObject({ kind: 'accepted' });
});

test('a callback that is not answered by 200 exactly is kept for half an hour, and then sent again', async () => {
  const order = nairaTo('0001');
  w.receiver.answer = 204;
  await submit(order);
  await heard(order, 1);
  w.receiver.answer = 200;
  const state = () =>
    w.pool.query(
      `SELECT last_result, done_at IS NULL AS "isOpen", extract(epoch FROM c.due_at - clock_timestamp()) > 1700 AS "waitsLong"
       FROM flutterwave.callbacks c JOIN flutterwave.transfers t ON t.id = c.transfer_id WHERE t.reference = $1`,
      [order.reference],
    );
  await eventually(state, ({ rows }) => rows[0]?.last_result === '204');
  expect((await state()).rows).toEqual([{ last_result: '204', isOpen: true, waitsLong: true }]);
  await w.pool.query(
    'UPDATE flutterwave.callbacks SET due_at = now() WHERE transfer_id = (SELECT id FROM flutterwave.transfers WHERE reference = $1)',
    [order.reference],
  );
  await heard(order, 2);
});

test('a forced state is in the book, in the look-up and in a callback, as at every simulator', async () => {
  const order = nairaTo('0004');
  await submit(order);
  expect(await w.control('POST', `/transfers/${order.reference}`, { status: 'failed' })).toMatchObject({
    status: 200,
    body: { status: 'failed' },
  });
  expect(await lookUp(order)).toMatchObject({ kind: 'failed', failure: { class: 'B' } });
  await w.control('POST', `/transfers/${order.reference}`, { status: 'paid' });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  await heard(order, 2);
});

test.each([
  ['PUT', '/balances', { currency: 'naira', available: '1' }, /currency/],
  ['PUT', '/balances', { currency: 'NGN', available: 1 }, /available/],
  ['PUT', '/settings', {}, /requiresApproval/],
  ['POST', '/faults', { kind: 'earthquake' }, /kind/],
] as const)('control %s %s refuses %j with a clear message', async (method, path, body, message) => {
  const answer = await w.control(method, path, body);
  expect(answer.status).toBe(400);
  expect(answer.body.error?.message).toMatch(message);
});

test('the simulator restarts: balance, approvals, faults and what is due stay', async () => {
  await w.control('PUT', '/balances', { currency: 'NGN', available: '5000.00' });
  await w.control('PUT', '/settings', { requiresApproval: true });
  await fault('delay', { params: { ms: 1 } });
  const order = nairaTo('0001');
  await submit(order);
  await w.restart();
  expect(await balance()).toEqual({ available: '5000' });
  expect((await w.control('GET', '/faults')).body.data).toHaveLength(1);
  await w.control('POST', `/transfers/${order.reference}/approve`);
  await until(order, 'paid');
  expect(await balance()).toEqual({ available: '3489.25' });
});

test('both simulators may live in one database, each with its own book', async () => {
  const { rows } = await w.pool.query<{ url: string }>(
    `SELECT format('postgresql://%s@127.0.0.1:%s/%s', current_user, inet_server_port(), current_database()) AS url`,
  );
  const databaseUrl = rows[0]?.url ?? '';
  const callbackUrl = w.receiver.url;
  const sandbox = await startSandbox({ databaseUrl, port: 0, apiKey: 'key', callbackUrl, webhookSecret: 'secret' });
  const other = await startFlutterwave({ databaseUrl, port: 0, secretKey: SECRET_KEY, webhookHash: WEBHOOK_HASH, callbackUrl });
  const total = async (url: string) => ((await (await fetch(`${url}/control/transfers`)).json()) as { total: number }).total;
  expect(await total(sandbox.url)).toBe(0);
  expect(await total(other.url)).toBeGreaterThan(10);
  await sandbox.close();
  await other.close();
});

test('lagging_look_up: the list is empty and the id unknown, though the transfer is there and is paid', async () => {
  const order = nairaTo('0001');
  await fault('lagging_look_up', { params: { ms: 1500 }, match: { reference: order.reference } });
  const { pspRef } = (await submit(order)) as { pspRef: string };
  expect(await lookUp(order)).toEqual({ kind: 'not_found' });
  const list = await w.ask('GET', `/transfers?reference=${order.reference}`);
  expect([list.body.data, list.body.meta.page_info.total]).toEqual([[], 0]);
  expect((await w.ask('GET', `/transfers/${pspRef.slice('test_'.length)}`)).status).toBe(404);
  await until(order, 'paid');
});

test('refuse_resend: what was taken before is refused for its payee when it is asked for again', async () => {
  const order = nairaTo('0001');
  await fault('refuse_resend', { match: { reference: order.reference } });
  await submit(order);
  const { status, body } = await w.ask('POST', '/transfers', wireOrder({ reference: order.reference }));
  expect([status, body]).toEqual([400, { status: 'error', message: 'Unable to obtain user details', data: null }]);
  await until(order, 'paid');
  await w.control('DELETE', '/faults');
  await fault('refuse_resend', { params: { message: 'account_number is invalid' } });
  expect((await w.ask('POST', '/transfers', wireOrder({ reference: order.reference }))).body.message).toBe(
    'account_number is invalid',
  );
});

test('returned_then_paid: SUCCESSFUL, FAILED, SUCCESSFUL are told; the wallet pays again, and the fee once', async () => {
  const before = await balance();
  const order = nairaTo('0001');
  await fault('returned_then_paid', { params: { ms: 400 }, times: 1 });
  await submit(order);
  const callbacks = await heard(order, 3);
  expect(callbacks.map(({ json }) => json.data.status)).toEqual(['SUCCESSFUL', 'FAILED', 'SUCCESSFUL']);
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid' });
  const spent = Number.parseFloat(before.available) - Number.parseFloat((await balance()).available);
  expect(spent).toBeCloseTo(1500 + 10.75);
});

test('a bank pays what it had failed: the book and the look-up follow, and it is told', async () => {
  const order = nairaTo('0006');
  await submit(order);
  await heard(order, 1);
  expect((await w.control('POST', `/transfers/${order.reference}`, { status: 'paid' })).status).toBe(200);
  await until(order, 'paid');
  await heard(order, 2);
  expect(claims(order)).toEqual(['failed', 'paid']);
});

test('contradicts: a paid transfer is told as failed for so many look-ups; its retries do not use that up', async () => {
  const order = nairaTo('0001');
  await submit(order);
  await until(order, 'paid');
  await fault('contradicts', { params: { words: ['failed', 'failed'] } });
  expect([await lookUp(order), await lookUp(order), await lookUp(order)].map(({ kind }) => kind)).toEqual([
    'failed',
    'failed',
    'paid',
  ]);
});

test('informational and nul_text: interim answers first, and texts that PostgreSQL cannot keep', async () => {
  await fault('informational', { params: { statuses: [100, 103] } });
  await fault('nul_text');
  const answer = await rawExchange(w.url, 'GET /v3/transfers/1 HTTP/1.1\r\nhost: psp\r\nconnection: close\r\n\r\n');
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']); // only for customers
  const keyed = `authorization: Bearer ${SECRET_KEY}\r\nhost: psp\r\nconnection: close\r\n\r\n`;
  const known = await rawExchange(w.url, `GET /v3/transfers/1 HTTP/1.1\r\n${keyed}`);
  expect(known.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 103', 'HTTP/1.1 404']);
  expect(known).toContain('Transfer not found\\u0000\\ud800');
  await w.control('DELETE', '/faults');
  await fault('nul_text');
  const order = nairaTo('0007');
  await submit(order);
  expect(await until(order, 'failed')).toMatchObject({ failure: { code: 'account_closed' } });
  const [callback] = await heard(order, 1);
  expect(JSON.parse(String(callback?.rawBody)).data.complete_message).toBe(
    'DISBURSE FAILED: Beneficiary account is closed\u0000\ud800',
  );
  expect(claims(order)).toEqual(['failed']);
});
