/** Every fault that the sandbox plays, and what our connector makes of it: never more than was proven. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { PspOrder } from '../../src/psp/port.ts';
import { eventually, orderTo, patience, type SandboxWorld, sandboxWorld } from '../support/sandbox.ts';

const TIMEOUT_MS = 1000;
let w: SandboxWorld;
beforeAll(async () => {
  w = await sandboxWorld({ timeoutMs: TIMEOUT_MS });
}, 60_000);
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
