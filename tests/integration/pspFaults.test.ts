/** Every fault that the sandbox plays, and what our connector makes of it: never more than was proven. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { PspOrder } from '../../src/psp/port.ts';
import { rawExchange } from '../support/rawExchange.ts';
import { API_KEY, eventually, orderTo, patience, type SandboxWorld, sandboxWorld } from '../support/sandbox.ts';

const TIMEOUT_MS = 1000;
let w: SandboxWorld;
beforeAll(async () => {
  w = await sandboxWorld({ timeoutMs: TIMEOUT_MS });
});
afterAll(() => w.close());
afterEach(() => w.control('DELETE', '/faults'));

const submit = (order: PspOrder) => w.connector.submit(order, patience());
const lookUp = (order: PspOrder) => w.connector.lookUp(order, patience());
const fault = async (kind: string, more: { match?: object; times?: number; params?: object } = {}) => {
  const answer = await w.control('POST', '/faults', { kind, ...more });
  expect(answer).toMatchObject({ status: 201, body: { id: expect.any(String), kind } });
};
const heard = (order: PspOrder, count: number) =>
  eventually(
    () => w.receiver.of(order.reference),
    (callbacks) => callbacks.length >= count,
  );
/** The API itself, with the key. */
async function ask(path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(w.url + path, { ...sent, headers: { authorization: `Bearer ${API_KEY}` } });
  return { status: response.status, body: await response.json() };
}
/** How often the money of a transfer moved, and what is out in the end. */
async function netOf(reference: string): Promise<{ moves: number; out: string } | undefined> {
  const { rows } = await w.pool.query<{ moves: number; out: string }>(
    `SELECT count(*)::int AS moves, sum(p.amount)::text AS out FROM sandbox.postings p JOIN sandbox.transfers t ON t.id = p.transfer_id
     WHERE t.reference = $1 AND p.account = 'payee'`,
    [reference],
  );
  return rows[0];
}
/** Whether a callback passes our check, and what it then claims. */
const claims = (order: PspOrder) =>
  w.receiver.of(order.reference).map(({ rawBody, headers }) => w.connector.parseCallback(rawBody, headers)?.claim ?? 'refused');

test('delay: the answer comes late, and the money is taken only then', async () => {
  await fault('delay', { params: { ms: 400 } });
  const order = orderTo('0001');
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
  const { body } = await w.control('GET', '/requests');
  const asked = body.data.find(({ reference }) => reference === order.reference);
  const taken = await w.entry(order.reference);
  expect(asked).toMatchObject({ fault: 'delay' });
  expect(Date.parse(taken?.takenAt ?? '') - Date.parse(asked?.at ?? '')).toBeGreaterThanOrEqual(390);
});

test('delay beyond the timeout: unknown, not found at first, and paid all the same', async () => {
  await fault('delay', { params: { ms: TIMEOUT_MS + 2000 }, times: 1 });
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'timeout' });
  expect(await lookUp(order)).toEqual({ kind: 'not_found' });
  await eventually(
    () => lookUp(order),
    (reply) => reply.kind === 'paid',
  );
});

test('error_before: unknown, nothing taken, and the same reference can be asked for again', async () => {
  await fault('error_before', { times: 1 });
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'HTTP 500' });
  expect(await lookUp(order)).toEqual({ kind: 'not_found' });
  expect(await w.entry(order.reference)).toBeUndefined();
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
});

test('error_before with lookups: a look-up that fails proves nothing', async () => {
  const order = orderTo('0001');
  await submit(order);
  await fault('error_before', { params: { lookups: true, status: 503 } });
  expect(await lookUp(order)).toEqual({ kind: 'unknown', reason: 'HTTP 503' });
});

test.each([
  ['error_after', 'HTTP 500'],
  ['cut_after', 'ECONNRESET'],
  ['no_answer', 'timeout'],
])('%s: unknown, although it was paid once, and asking again pays nothing more', async (kind, reason) => {
  await fault(kind, { times: 1 });
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid', requests: 2 });
});

test('slow_answer: paid at once, and the callback comes before the answer', async () => {
  await fault('slow_answer', { params: { ms: 800 }, times: 1 });
  const order = orderTo('0001');
  const answer = submit(order);
  await heard(order, 1);
  const isFirst = await Promise.race([answer.then(() => false), Promise.resolve(true)]);
  expect([isFirst, await answer]).toEqual([true, expect.objectContaining({ kind: 'paid' })]);
});

test('no_answer without taking: unknown, and the look-up does not find it', async () => {
  await fault('no_answer', { params: { take: false } });
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'timeout' });
  expect(await lookUp(order)).toEqual({ kind: 'not_found' });
});

test('rate_limit: certainly not taken, with the time the PSP named; a look-up learns nothing from it', async () => {
  await fault('rate_limit', { params: { seconds: 3 } });
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'not_taken', reason: 'rate_limited', retryAfterMs: 3000 });
  expect(await lookUp(order)).toEqual({ kind: 'unknown', reason: 'HTTP 429' });
  expect(await w.connector.verifyAccount(order.destination, patience())).toEqual({ unavailable: 'HTTP 429' });
  expect(await w.entry(order.reference)).toBeUndefined();
});

test('down: every connection is cut, nothing is taken, and we do not claim to know', async () => {
  await fault('down');
  const order = orderTo('0001');
  expect(await submit(order)).toEqual({ kind: 'unknown', reason: 'ECONNRESET' });
  expect(await lookUp(order)).toEqual({ kind: 'unknown', reason: 'ECONNRESET' });
  expect(await w.connector.verifyAccount(order.destination, patience())).toEqual({ unavailable: 'ECONNRESET' });
  expect(await w.entry(order.reference)).toBeUndefined();
  expect((await w.control('DELETE', '/faults')).status).toBe(200);
  expect(await lookUp(order)).toEqual({ kind: 'not_found' });
});

test.each([
  [{}, '1501.00'],
  [{ amount: '15.00' }, '15.00'],
])('wrong_amount %j: never taken for our payment', async (params, amount) => {
  await fault('wrong_amount', { params, times: 1 });
  const order = orderTo('0001');
  const mismatch = { kind: 'mismatch', pspRef: expect.any(String), detail: 'differs in amount' };
  expect(await submit(order)).toEqual(mismatch);
  expect(await lookUp(order)).toEqual(mismatch);
  expect(await w.entry(order.reference)).toMatchObject({ amount });
});

test('duplicate_callback: the same event, byte for byte, as often as was asked', async () => {
  await fault('duplicate_callback', { params: { count: 3 } });
  const order = orderTo('0001');
  await submit(order);
  const callbacks = await heard(order, 3);
  expect(new Set(callbacks.map(({ rawBody, headers }) => `${headers['x-signature']} ${rawBody}`)).size).toBe(1);
});

test('late_callback: it comes after another that was made later', async () => {
  await fault('late_callback', { params: { ms: 2000 }, times: 1 });
  const late = orderTo('0001');
  await submit(late);
  const prompt = orderTo('0001');
  await submit(prompt);
  await heard(prompt, 1);
  await heard(late, 1);
  const order = w.receiver.received.map(({ json }) => json.data.reference);
  expect(order.indexOf(late.reference)).toBeGreaterThan(order.indexOf(prompt.reference));
});

test('reordered_callbacks: paid comes first, an older processing after it', async () => {
  await fault('reordered_callbacks', { params: { ms: 2000 } });
  const order = orderTo('0001');
  await submit(order);
  const [first, second] = await heard(order, 2);
  expect([first?.json.type, second?.json.type]).toEqual(['transfer.paid', 'transfer.processing']);
  expect(Date.parse(second?.json.createdAt ?? '')).toBeLessThan(Date.parse(first?.json.createdAt ?? ''));
});

test('forged_callback: one lie is refused by its signature, the other is signed and only the look-up exposes it', async () => {
  await fault('forged_callback');
  const order = orderTo('0001');
  await submit(order);
  await heard(order, 3);
  expect(claims(order).sort()).toEqual(['failed', 'paid', 'refused']);
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });

  const failed = orderTo('0003');
  await submit(failed);
  await heard(failed, 3);
  expect(claims(failed).sort()).toEqual(['failed', 'paid', 'refused']);
  expect(await lookUp(failed)).toMatchObject({ kind: 'failed' });
});

test('no_callback: silence about this one, not about the next', async () => {
  const silent = orderTo('0001');
  await fault('no_callback', { match: { reference: silent.reference } });
  await submit(silent);
  const next = orderTo('0001');
  await submit(next);
  await heard(next, 1);
  const { rows } = await w.pool.query(
    'SELECT t.reference FROM sandbox.callbacks c JOIN sandbox.transfers t ON t.id = c.transfer_id WHERE t.reference = ANY ($1)',
    [[silent.reference, next.reference]],
  );
  expect(rows).toEqual([{ reference: next.reference }]);
});

test('lagging_look_up: paid, yet by reference and by id nobody finds it until the index has caught up', async () => {
  const order = orderTo('0001');
  await fault('lagging_look_up', { params: { ms: 1500 }, match: { reference: order.reference } });
  const paid = await submit(order);
  const id = 'pspRef' in paid ? paid.pspRef : '';
  expect([await lookUp(order), (await ask(`/transfers/${id}`)).status]).toEqual([{ kind: 'not_found' }, 404]);
  await eventually(
    () => lookUp(order),
    (reply) => reply.kind === 'paid',
  );
  const taken = Date.parse((await w.entry(order.reference))?.takenAt ?? '');
  expect(Date.now() - taken).toBeGreaterThanOrEqual(1500);
});

test('lagging_look_up with times: so many look-ups of what is there find nothing; others do not use it up', async () => {
  const order = orderTo('0001');
  await fault('lagging_look_up', { times: 2 });
  expect(await lookUp(order)).toEqual({ kind: 'not_found' }); // the truth
  await submit(order);
  await w.connector.verifyAccount(order.destination, patience());
  expect([await lookUp(order), await lookUp(order), await lookUp(order)].map(({ kind }) => kind)).toEqual([
    'not_found',
    'not_found',
    'paid',
  ]);
});

test('refuse_resend: the first request is taken and paid, the same again is refused at the door', async () => {
  const order = orderTo('0001');
  await fault('refuse_resend', { match: { reference: order.reference } });
  await fault('cut_after', { times: 1 });
  expect(await submit(order)).toMatchObject({ kind: 'unknown' });
  const wire = { reference: order.reference, amount: '1500.00', currency: 'PKR', destination: {}, narration: null };
  expect(await ask('/transfers', wire)).toEqual({
    status: 400,
    body: { error: { code: 'invalid_request', message: 'name enquiry failed' } },
  });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid', requests: 2 });
  await w.control('DELETE', '/faults');
  await fault('refuse_resend', { params: { message: 'beneficiary unknown' } });
  expect(await ask('/transfers', wire)).toMatchObject({ status: 400, body: { error: { message: 'beneficiary unknown' } } });
});

test('returned_then_paid: each of the three is told, the book ends paid, and the money has gone out twice and come back once', async () => {
  await fault('returned_then_paid', { params: { ms: 300 }, times: 1 });
  const order = orderTo('0001');
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
  const callbacks = await heard(order, 3);
  expect(callbacks.map(({ json }) => json.data.status)).toEqual(['paid', 'returned', 'paid']);
  expect(new Set(callbacks.map(({ json }) => json.id)).size).toBe(3);
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  expect(await netOf(order.reference)).toEqual({ moves: 3, out: '1500.00' });
});

test.each([
  ['0001', ['returned', 'paid']],
  ['0003', ['paid', 'failed', 'paid']],
] as const)('a bank may change its mind about %s to %j: the book follows, and each change is told', async (suffix, statuses) => {
  const order = orderTo(suffix);
  await submit(order);
  await heard(order, 1);
  for (const [index, status] of statuses.entries()) {
    expect((await w.control('POST', `/transfers/${order.reference}`, { status })).status).toBe(200);
    expect(await lookUp(order)).toMatchObject({ kind: status });
    expect((await heard(order, index + 2)).at(-1)?.json.data.status).toBe(status);
  }
  expect(await netOf(order.reference)).toMatchObject({ out: '1500.00' });
});

test('contradicts: look-ups say one thing after the other, then the truth; the book is not moved by it', async () => {
  const order = orderTo('0001');
  await submit(order);
  await fault('contradicts', { params: { words: ['failed', 'processing'], reason: 'account_closed' } });
  expect(await lookUp(order)).toMatchObject({ kind: 'failed', failure: { code: 'account_closed' } });
  expect(await lookUp(order)).toMatchObject({ kind: 'accepted', stage: 'processing' });
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
  expect(await w.entry(order.reference)).toMatchObject({ status: 'paid' });
});

test('contradicts with callbacks: the callback says another status than the look-up', async () => {
  await fault('contradicts', { params: { words: ['failed'], callbacks: true } });
  const order = orderTo('0001');
  await submit(order);
  await heard(order, 1);
  expect(claims(order)).toEqual(['failed']);
  expect(await lookUp(order)).toMatchObject({ kind: 'paid' });
});

test('informational: 100 and 103 come unasked before the answer, to requests and look-ups', async () => {
  await fault('informational', { params: { statuses: [100, 103] } });
  const raw = (head: string) => rawExchange(w.url, head);
  const key = `authorization: Bearer ${API_KEY}\r\nhost: psp\r\nconnection: close\r\n\r\n`;
  const answer = await raw(`GET /transfers/nobody HTTP/1.1\r\n${key}`);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 103', 'HTTP/1.1 404']);
});

test('nul_text: a NUL and half a pair in answers, refusals, look-ups and callbacks, and all else as it was', async () => {
  await fault('nul_text');
  const order = orderTo('0003');
  expect(await submit(order)).toMatchObject({ kind: 'failed' });
  const bad = '\u0000\ud800';
  const shown = await ask(`/transfers/by-reference/${order.reference}`);
  expect(shown.body).toMatchObject({ reference: order.reference, status: 'failed', reason: `declined_by_bank${bad}` });
  expect((await ask('/transfers/nobody')).body).toEqual({ error: { code: 'not_found', message: `no such transfer${bad}` } });
  const [callback] = await heard(order, 1);
  expect(callback?.json.data.reason).toBe(`declined_by_bank${bad}`);
  expect(claims(order)).toEqual(['failed']);
});

test('a fault strikes only what it matches: account, amount, beginning of the reference', async () => {
  await fault('error_before', { match: { accountNumber: '12345678907777' } });
  await fault('error_before', { match: { amount: '20.5' } });
  await fault('error_before', { match: { reference: 'po_marked' } });
  expect(await submit(orderTo('0001'))).toMatchObject({ kind: 'paid' });
  expect(await submit(orderTo('7777'))).toMatchObject({ kind: 'unknown' });
  expect(await submit(orderTo('0001', 1, { amountMinor: 2050n }))).toMatchObject({ kind: 'unknown' });
  expect(await submit(orderTo('0001', 1, { reference: 'po_marked1:1' }))).toMatchObject({ kind: 'unknown' });
});

test('times is exact under concurrent requests, and the fault stays listed when used up', async () => {
  await fault('error_before', { times: 4 });
  const replies = await Promise.all(Array.from({ length: 12 }, () => submit(orderTo('0001'))));
  expect(replies.filter(({ kind }) => kind === 'unknown')).toHaveLength(4);
  expect((await w.control('GET', '/faults')).body).toMatchObject({ data: [{ kind: 'error_before', times: 4, timesLeft: 0 }] });
});

test('of two faults that would end a request the older strikes first, the younger keeps its count', async () => {
  await fault('error_before', { times: 1 });
  await fault('rate_limit', { times: 1 });
  const order = orderTo('0001');
  expect(await submit(order)).toMatchObject({ kind: 'unknown' });
  expect(await submit(order)).toMatchObject({ kind: 'not_taken' });
  expect(await submit(order)).toMatchObject({ kind: 'paid' });
});

test('the simulator restarts: faults stay, a callback that was not heard comes, a due return happens', async () => {
  await fault('late_callback', { params: { ms: 1500 } });
  const order = orderTo('0009');
  await submit(order);
  await w.pool.query(`UPDATE sandbox.transfers SET due_at = now() + interval '1 s' WHERE reference = $1`, [order.reference]);

  await w.restart(async () => {
    expect(w.receiver.of(order.reference)).toEqual([]);
  });

  expect((await w.control('GET', '/faults')).body).toMatchObject({ data: [{ kind: 'late_callback', params: { ms: 1500 } }] });
  await eventually(
    () => w.receiver.of(order.reference).map(({ json }) => json.type),
    (types) => types.includes('transfer.paid') && types.includes('transfer.returned'),
  );
  expect(await lookUp(order)).toMatchObject({ kind: 'returned' });
});

test('a callback that was claimed by a simulator killed in the middle is sent by the next one', async () => {
  const order = orderTo('0004');
  await fault('late_callback', { params: { seconds: 600 }, times: 1 });
  await submit(order);
  await w.restart(async () => {
    // what a kill -9 leaves behind: taken in hand, never finished
    await w.pool.query(
      `UPDATE sandbox.callbacks SET tries = 1, due_at = now() + interval '300 ms'
       WHERE transfer_id = (SELECT id FROM sandbox.transfers WHERE reference = $1)`,
      [order.reference],
    );
  });
  await heard(order, 1);
});

test('a receiver that errs or is away gets the same event again until it takes it', async () => {
  const order = orderTo('0001');
  w.receiver.answer = 503;
  await submit(order);
  await heard(order, 2);
  w.receiver.answer = 200;
  await eventually(
    async () =>
      (
        await w.pool.query(
          'SELECT c.last_result FROM sandbox.callbacks c JOIN sandbox.transfers t ON t.id = c.transfer_id WHERE reference = $1 AND done_at IS NOT NULL',
          [order.reference],
        )
      ).rows,
    (rows) => rows[0]?.last_result === '200',
  );
  const heardOnce = w.receiver.of(order.reference);
  expect(new Set(heardOnce.map(({ json }) => json.id)).size).toBe(1);
});
