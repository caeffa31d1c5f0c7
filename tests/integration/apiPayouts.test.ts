/** A payout from the request to its end, through a real engine and back out in the words of the API. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import { payoutSchema, timelineEntrySchema } from '../../src/payouts/present/schemas.ts';
import { CALLBACK_SECRET, type Door, type Merchant, openDoor, payoutBody, type Reply } from '../support/door.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';

let engine: Engine;
let door: Door;
let merchant: Merchant;
let stopWorker: (() => Promise<void>) | undefined;

beforeAll(async () => {
  engine = await startEngine();
  door = await openDoor({ db: engine.db, payouts: engine.payouts, sandboxUrl: engine.sandbox.url });
  merchant = await door.merchant({ funds: 100_000_000n });
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopWorker?.();
  await door.stop();
  await engine.stop();
});

const post = (body: unknown, options: { key?: string; idempotencyKey?: string } = {}) =>
  door.call('POST', '/api/v1/payouts', { key: merchant.key, body, ...options });
const get = (path: string, key = merchant.key) => door.call('GET', `/api/v1${path}`, { key });
const to = (suffix: string, change: Record<string, unknown> = {}) =>
  payoutBody({
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${suffix}`, accountTitle: 'Ayesha Khan' },
    ...change,
  });

/** Long polls until the payout has this status. */
async function until(id: string, status: string, key = merchant.key): Promise<Reply> {
  for (let polls = 0; polls < 10; polls += 1) {
    const reply = await get(`/payouts/${id}?wait=5`, key);
    if (reply.body.status === status) return reply;
  }
  throw new Error(`never ${status}: ${JSON.stringify((await get(`/payouts/${id}/timeline`, key)).body, null, 1)}`);
}

test('a payout is accepted with its money reserved, paid, and told step by step', async () => {
  const before = (await get('/balance')).body.balances[0];
  const body = to('0001', { description: 'May salary', metadata: { order: '7' } });
  const made = await post(body);
  expect(made.status).toBe(201);
  expect(made.headers['location']).toBe(`/api/v1/payouts/${made.body.id}`);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^po_[0-9a-f]{32}$/),
    object: 'payout',
    status: 'PENDING',
    amount: '1500.00',
    fee: '0.00',
    currency: 'PKR',
    reference: body['reference'],
    destination: { type: 'bank', bankCode: 'HBL', accountLast4: '0001', accountTitle: 'Ayesha Khan' },
    description: 'May salary',
    metadata: { order: '7' },
    attempts: 0,
    psp: { name: 'sandbox', reference: null },
    review: null,
    hold: null,
    failure: null,
    waitingOn: null,
    livemode: false,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    updatedAt: expect.any(String),
    completedAt: null,
  });
  const paid = await until(made.body.id, 'SUCCESS');
  expect(paid.body).toMatchObject({
    attempts: 1,
    psp: { name: 'sandbox', reference: expect.any(String) },
    completedAt: expect.any(String),
  });
  payoutSchema.parse(paid.body);

  const timeline = (await get(`/payouts/${made.body.id}/timeline`)).body;
  expect(timeline).toMatchObject({ object: 'list', hasMore: false, nextCursor: null });
  for (const entry of timeline.data) timelineEntrySchema.parse(entry);
  expect(timeline.data[0]).toMatchObject({
    sequence: 1,
    type: 'payout.created',
    actor: `merchant:${merchant.id}`,
    from: null,
    to: 'PENDING',
  });
  expect(timeline.data.at(-1)).toMatchObject({ type: 'payout.succeeded', to: 'SUCCESS', actor: 'psp:sandbox' });
  expect(JSON.stringify(timeline)).not.toContain('12345678900001');

  const after = (await get('/balance')).body.balances[0];
  expect(BigInt(before.available.replace('.', '')) - BigInt(after.available.replace('.', ''))).toBe(150_000n);
  expect(after.locked).toBe('0.00');
  const history = (await get(`/balance/history?payoutId=${made.body.id}`)).body;
  expect(history.data.map(({ type, amount, debit, credit }: Record<string, string>) => [type, amount, debit, credit])).toEqual([
    ['SETTLE', '1500.00', 'reserved', 'clearing'],
    ['RESERVE', '1500.00', 'available', 'reserved'],
  ]);
  expect(history.data[1]).toMatchObject({
    object: 'ledger_entry',
    payoutId: made.body.id,
    lockedAfter: expect.any(String),
    currency: 'PKR',
  });
});

test('twenty identical requests at once make one payout and twenty equal answers', async () => {
  const body = to('0001');
  const replies = await Promise.all(Array.from({ length: 20 }, () => post(body, { idempotencyKey: 'twins' })));
  expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(201));
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(19);
  expect((await get(`/payouts?reference=${body['reference']}`)).body.data).toHaveLength(1);
});

test('a caller that died before it could answer: the repeat gets the answer of the payout that was made', async () => {
  const body = to('0004');
  const first = await post(body, { idempotencyKey: 'died' });
  // As if the process had been killed between the work and the record of its answer.
  await door.db.owner.query(
    `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() - interval '1 second' WHERE key = 'died'`,
  );
  const again = await post(body, { idempotencyKey: 'died' });
  expect(again).toMatchObject({ status: 201, text: first.text });
});

test('a repeat gets its answer from the books, also when Temporal has long forgotten the payout', async () => {
  const body = to('0001');
  const first = await post(body, { idempotencyKey: 'forgotten' });
  await until(first.body.id, 'SUCCESS');
  const poor = await door.merchant();
  const refused = await post(body, { key: poor.key, idempotencyKey: 'forgotten-refusal' });
  await door.db.owner.query(
    `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key LIKE 'forgotten%'`,
  );
  const unasked = await openDoor({ db: door.db }); // Temporal is away here: whoever asked it would answer 503
  try {
    const again = (key: string, idempotencyKey: string) => unasked.call('POST', '/api/v1/payouts', { key, body, idempotencyKey });
    expect(await again(merchant.key, 'forgotten')).toMatchObject({ status: 201, text: first.text });
    const { requestId: _, ...problem } = refused.body;
    expect(await again(poor.key, 'forgotten-refusal')).toMatchObject({ status: 400, body: problem });
  } finally {
    await unasked.stop();
  }
});

test('a second payout with a reference is 409; that refusal is kept, and nothing is booked', async () => {
  const body = to('0001');
  await post(body);
  const second = await post(body, { idempotencyKey: 'second' });
  expect(second).toMatchObject({ status: 409, body: { code: 'duplicate_reference' } });
  const again = await post(body, { idempotencyKey: 'second' });
  expect(again.text).toBe(second.text);
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(again.headers['content-type']).toBe('application/problem+json; charset=utf-8');
});

test('without enough money it is 400, for this key for ever, also when money comes; a new key may ask again', async () => {
  const poor = await door.merchant({ funds: 100n });
  const ask = (idempotencyKey: string, body: unknown) => post(body, { key: poor.key, idempotencyKey });
  const body = to('0001');
  const refused = await ask('poor-1', body);
  expect(refused).toMatchObject({ status: 400, body: { code: 'insufficient_balance', status: 400 } });
  await door.call('POST', '/api/v1/test/balance/fund', { key: poor.key, body: { amount: '5000', currency: 'PKR' } });
  expect((await ask('poor-1', body)).text).toBe(refused.text);
  expect((await get('/balance/history', poor.key)).body.data).toHaveLength(2);
  expect((await ask('poor-2', body)).status).toBe(201);
});

test('what a live key asks for while no live PSP is there is refused by rule', async () => {
  const { key } = await door.merchant({ mode: 'live', funds: 1_000_000n });
  expect(await post(to('0001'), { key })).toMatchObject({ status: 422, body: { code: 'psp_not_configured' } });
});

test('a large payout waits for an approver and can be cancelled; once only', async () => {
  const { body } = await post(to('0001', { amount: '100000.00' }));
  expect(body.status).toBe('IN_REVIEW');
  const { locked } = (await get('/balance')).body.balances[0];
  expect(body.review).toMatchObject({ reasons: [{ code: 'amount_over_limit' }], approvals: [] });
  const cancelled = await door.call('POST', `/api/v1/payouts/${body.id}/cancel`, { key: merchant.key, idempotencyKey: 'cancel' });
  expect(cancelled).toMatchObject({ status: 200, body: { id: body.id, status: 'CANCELLED', failure: { code: 'cancelled' } } });
  expect((await get('/balance')).body.balances[0].locked).not.toBe(locked);
  const again = await door.call('POST', `/api/v1/payouts/${body.id}/cancel`, { key: merchant.key, idempotencyKey: 'cancel' });
  expect(again.text).toBe(cancelled.text);
  expect(await door.call('POST', `/api/v1/payouts/${body.id}/cancel`, { key: merchant.key })).toMatchObject({
    status: 409,
    body: { code: 'not_cancellable' },
  });
});

test('what is with the PSP cannot be cancelled', async () => {
  const { body } = await post(to('0004'));
  await engine.until(body.id, 'PSP_QUEUED');
  expect(await door.call('POST', `/api/v1/payouts/${body.id}/cancel`, { key: merchant.key })).toMatchObject({
    status: 409,
    body: { code: 'not_cancellable' },
  });
});

test('a failed payout can be tried again: reserved anew, a new attempt, the same answer to a repeat', async () => {
  const { body } = await post(to('0003'));
  const failed = await until(body.id, 'FAILED');
  expect(failed.body.failure).toMatchObject({
    code: expect.any(String),
    message: expect.any(String),
    retryable: expect.any(Boolean),
  });
  const ask = (idempotencyKey: string) =>
    door.call('POST', `/api/v1/payouts/${body.id}/reinitiate`, { key: merchant.key, idempotencyKey });
  const begun = await ask('again-1');
  expect(begun).toMatchObject({ status: 202, body: { id: body.id, status: 'PENDING', failure: null, completedAt: null } });
  expect((await ask('again-1')).text).toBe(begun.text);
  const failedAgain = await until(body.id, 'FAILED');
  expect(failedAgain.body.attempts).toBe(failed.body.attempts + 1);
  // The caller died before it could answer: its repeat opens no third round.
  await door.db.owner.query(
    `UPDATE idempotency_keys SET status = NULL, body = NULL, lease_until = now() - interval '1 second' WHERE key = 'again-1'`,
  );
  expect((await ask('again-1')).status).toBe(202);
  expect((await engine.ledger.read(body.id))?.round).toBe(2);

  const paid = await post(to('0001'));
  await until(paid.body.id, 'SUCCESS');
  expect(await door.call('POST', `/api/v1/payouts/${paid.body.id}/reinitiate`, { key: merchant.key })).toMatchObject({
    status: 409,
    body: { code: 'not_reinitiable' },
  });
});

test('lists filter by every word that is promised, newest first, page by page', async () => {
  const own = await door.merchant({ funds: 100_000_000n });
  const ids: string[] = [];
  for (const suffix of ['0001', '0003', '0004']) ids.push((await post(to(suffix), { key: own.key })).body.id);
  const [paid = '', failed = '', queued = ''] = ids;
  await until(paid, 'SUCCESS', own.key);
  await until(failed, 'FAILED', own.key);
  await engine.until(queued, 'PSP_QUEUED');
  const list = async (query: string) => (await get(`/payouts?${query}`, own.key)).body.data.map(({ id }: { id: string }) => id);
  expect(await list('')).toEqual([queued, failed, paid]);
  expect(await list('status=SUCCESS')).toEqual([paid]);
  expect(await list('status=SUCCESS,FAILED')).toEqual([failed, paid]);
  expect(await list('status=SUCCESS&status=PENDING')).toEqual([queued, paid]);
  expect(await list('status=CANCELLED')).toEqual([]);
  expect(await list('currency=PKR')).toHaveLength(3);
  expect(await list('currency=USD')).toEqual([]);
  const { createdAt } = (await get(`/payouts/${failed}`, own.key)).body;
  expect(await list(`createdFrom=${createdAt}`)).toEqual([queued, failed]);
  expect(await list(`createdTo=${createdAt}`)).toEqual([failed, paid]);
  expect(await list(`createdFrom=${encodeURIComponent('2100-01-01T00:00:00+05:00')}`)).toEqual([]);

  const first = (await get('/payouts?limit=2', own.key)).body;
  expect(first).toMatchObject({ hasMore: true, nextCursor: expect.any(String) });
  const second = (await get(`/payouts?limit=2&cursor=${first.nextCursor}`, own.key)).body;
  expect(second).toMatchObject({ hasMore: false, nextCursor: null });
  expect([...first.data, ...second.data].map(({ id }: { id: string }) => id)).toEqual([queued, failed, paid]);
});

test('an account is checked, never refused: who owns it, and whether the name fits', async () => {
  const verify = (body: unknown) => door.call('POST', '/api/v1/verify-account', { key: merchant.key, body });
  const there = await verify({ type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001' });
  expect(there).toMatchObject({ status: 200, body: { valid: true, titleMatch: null } });
  expect(there.body.accountTitle).toEqual(expect.any(String));
  const named = await verify({
    type: 'bank',
    bankCode: 'HBL',
    accountNumber: '12345678900001',
    accountTitle: there.body.accountTitle,
  });
  expect(named.body.titleMatch).toBe('full');
  const none = await verify({ type: 'bank', bankCode: 'HBL', accountNumber: '12345678900006' });
  expect(none).toMatchObject({ status: 200, body: { valid: false } });
  expect(none.body.checks.at(-1)).toMatchObject({ name: 'account', passed: false, detail: 'no_account' });
  expect(await verify({ type: 'bank', bankCode: 'HBL', accountNumber: '123' })).toMatchObject({
    status: 200,
    body: { valid: false, accountTitle: null, checks: [{ name: 'format', passed: false }] },
  });
  expect(await verify({ type: 'bank', bankCode: 'NOPE', accountNumber: '12345678900001' })).toMatchObject({
    status: 200,
    body: { valid: false },
  });
  expect(await verify({ type: 'bank', iban: 'PK00HABB0000001123456702' })).toMatchObject({
    body: { checks: [{ name: 'iban', passed: false }] },
  });
  expect(await verify({ type: 'bank' })).toMatchObject({ status: 400 });
  expect(await verify({ type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', balance: 1 })).toMatchObject({
    status: 400,
  });
});

test('a text that cannot be written is a fault of the request, not of the account', async () => {
  const account = { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001' };
  for (const [field, text, code] of [
    ['bankCode', 'HBL\u0000', 'control_character'],
    ['accountNumber', '\ud800', 'lone_surrogate'],
    ['iban', 'PK36SCBL0000001123456702\n', 'control_character'],
  ] as const) {
    const { status, body } = await door.call('POST', '/api/v1/verify-account', {
      key: merchant.key,
      body: { ...account, [field]: text },
    });
    expect({ status, errors: body.errors }).toEqual({
      status: 400,
      errors: expect.arrayContaining([expect.objectContaining({ pointer: `/${field}`, code })]),
    });
  }
});

// PSPs' callbacks

const callback = (reference: string, status: string, id: string) =>
  JSON.stringify({
    id,
    type: 'transfer.updated',
    createdAt: new Date().toISOString(),
    data: { id: 'tr_1', reference, status, amount: '1500.00', currency: 'PKR', reason: null },
  });
const signed = (raw: string, secret = CALLBACK_SECRET) => `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
const send = (raw: string, signature: string | undefined, path = '/api/v1/ipn/sandbox') =>
  door.call('POST', path, {
    body: raw,
    idempotencyKey: null,
    headers: signature === undefined ? {} : { 'x-signature': signature },
  });
const message = async (eventId: string) =>
  (await door.db.owner.query(`SELECT * FROM psp_messages WHERE split_part(event_key, ' ', 1) = $1`, [eventId])).rows[0];

test('a callback is stored, confirmed at the PSP, and settles the payout; a second coming changes nothing', async () => {
  const { body } = await post(to('0004'));
  await engine.until(body.id, 'PSP_QUEUED');
  await engine.force(body.id, 'paid');
  const raw = callback(`${body.id}:1`, 'paid', 'cb-paid');
  expect(await send(raw, signed(raw))).toMatchObject({ status: 200, body: { received: true } });
  await until(body.id, 'SUCCESS');
  expect(await message('cb-paid')).toMatchObject({ payout_id: body.id, attempt: 1, state: 'applied', claim: 'paid' });
  const before = (await get(`/payouts/${body.id}/timeline`)).text;
  expect((await send(raw, signed(raw))).status).toBe(200);
  expect((await get(`/payouts/${body.id}/timeline`)).text).toBe(before);
});

const signalled = async (id: string): Promise<boolean> => {
  const { events } = await engine.client.workflow.getHandle(`payout/${id}`).fetchHistory();
  return (events ?? []).some((event) => event.workflowExecutionSignaledEventAttributes);
};

test('a callback that overtakes the reply costs no look-up: on a busy machine that would be one for every payout', async () => {
  await engine.fault({ kind: 'slow_answer', params: { ms: 700 }, match: { accountNumber: '12345678900001' }, times: 1 });
  const { body } = await post(to('0001'));
  await engine.until(body.id, 'SUBMITTING');
  const raw = callback(`${body.id}:1`, 'paid', 'cb-first');
  expect((await send(raw, signed(raw))).status).toBe(200);
  expect((await get(`/payouts/${body.id}`)).body.status).toBe('SUCCESS');
  expect(await message('cb-first')).toMatchObject({ state: 'applied', detail: 'nothing new' });
  expect(await signalled(body.id)).toBe(false);
});

test('a callback whose reply is lost is handed on: it may be the first to know that the payout was paid', async () => {
  const accountNumber = '12345678900001';
  await engine.fault({ kind: 'no_answer', match: { accountNumber }, times: 1 });
  // Its own second look-up would come after half a minute.
  const times = { ...SHORT_TIMES, firstLookUpMs: 30_000, lookUpMaxMs: 30_000, outcomeDeadlineMs: 120_000 };
  const patient = createPayoutsClient(engine.client, { times, allowSignalDecisions: true });
  const { id } = await engine.pay('0001', {}, patient);
  await engine.until(id, 'SUBMITTING');
  while ((await engine.transfers(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await engine.fault({ kind: 'error_before', params: { lookups: true }, match: { accountNumber }, times: 1 });
  const raw = callback(`${id}:1`, 'paid', 'cb-unheard');
  expect((await send(raw, signed(raw))).status).toBe(200);
  await engine.until(id, 'SUCCEEDED');
  expect(await signalled(id)).toBe(true);
  expect(await message('cb-unheard')).toMatchObject({ state: 'applied', claim: 'paid' });
});

test('a callback that is not signed with our secret over these very bytes is 401, and not kept', async () => {
  const raw = callback(`po_${'0'.repeat(32)}:1`, 'paid', 'cb-forged');
  for (const signature of [
    undefined,
    '',
    'sha256=',
    signed(raw, 'other-secret'),
    signed(`${raw} `),
    `sha256=${'0'.repeat(64)}`,
  ]) {
    expect(await send(raw, signature)).toMatchObject({ status: 401, body: { code: 'invalid_signature' } });
  }
  expect(await message('cb-forged')).toBeUndefined();
  expect((await send(raw, signed(raw), '/api/v1/ipn/nobody')).status).toBe(404);
});

test('a callback about nothing of ours is kept for an operator', async () => {
  const unknown = callback(`po_${'0'.repeat(32)}:1`, 'paid', 'cb-unknown');
  expect(await send(unknown, signed(unknown))).toMatchObject({ status: 200, body: { received: true } });
  expect(await message('cb-unknown')).toMatchObject({ state: 'orphan', payout_id: null });
  const strange = callback('a\u0000b\ud800', 'paid', 'cb-strange');
  expect((await send(strange, signed(strange))).status).toBe(200);
  expect(await message('cb-strange')).toMatchObject({ state: 'orphan', reference: null, body: { base64: expect.any(String) } });
  const garbage = 'not json at all';
  expect((await send(garbage, signed(garbage))).status).toBe(200);
  expect((await send('x'.repeat(1_100_000), 'sha256=')).status).toBe(413);
});

// The engine without a worker

test('with no worker running the payout is accepted all the same, shown, and goes on later', async () => {
  await stopWorker?.();
  stopWorker = undefined;
  const body = to('0001', { metadata: { z: '1', a: '2' } });
  const replies = await Promise.all([1, 2, 3].map(() => post(body, { idempotencyKey: 'no-worker' })));
  expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  const [{ body: pending }] = replies as [Reply];
  payoutSchema.parse(pending);
  expect(pending).toMatchObject({ status: 'PENDING', amount: '1500.00', attempts: 0 });
  expect(replies[0]?.headers['location']).toBe(`/api/v1/payouts/${pending.id}`);
  expect(await get(`/payouts/${pending.id}`)).toMatchObject({ status: 200, body: pending });
  expect((await get(`/payouts/${pending.id}/timeline`)).body.data).toEqual([]);

  const poor = await door.merchant();
  const refused = await post(to('0001'), { key: poor.key });
  expect(refused.status).toBe(202);

  stopWorker = await engine.startWorker();
  await until(pending.id, 'SUCCESS');
  const again = await post(body, { idempotencyKey: 'no-worker' });
  expect(again).toMatchObject({ status: 201, body: { id: pending.id } });
  // A refusal that came after the 202 is shown where the payout would be.
  const rejected = await until(refused.body.id, 'REJECTED', poor.key);
  expect(rejected.body.failure).toMatchObject({ code: 'insufficient_balance', retryable: false });
});
