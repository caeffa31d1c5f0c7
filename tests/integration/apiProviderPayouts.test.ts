/** A provider's payout from the request to its end, through a real engine and a run, in the words of the provider. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACCOUNTS, type ProviderOptions } from '../../harness/newProvider.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { askToBePaid, makeProvider, type TestProvider } from '../support/providers.ts';

let engine: Engine;
let door: Door;
let merchant: Merchant;
let admins: Record<'approver' | 'admin', { id: string; key: string }>;
let stopWorker: (() => Promise<void>) | undefined;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  door = await openDoor({ db: engine.db, payouts: engine.payouts, sandboxUrl: engine.sandbox.url });
  merchant = await door.merchant({ funds: 1_000_000_000n });
  admins = { approver: await door.admin('approver'), admin: await door.admin('admin') };
  await engine.trustProviders(); // but not those who are not verified
  stopWorker = await engine.startWorker();
  closings.push(await engine.startProviderPsp(), await engine.startRuns());
});
afterAll(async () => {
  await stopWorker?.();
  for (const close of closings) await close();
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
  await engine.stop();
});

const provider = (earned: readonly string[] = ['1000.00'], options: ProviderOptions = {}) =>
  makeProvider(door, merchant, { earned, currency: 'PKR', ...options });
const ask = (of: TestProvider, body: Record<string, unknown> = {}) =>
  askToBePaid(door, of, { amount: '100.00', currency: 'PKR', ...body });
const get = (of: TestProvider, path: string) => door.call('GET', `/api/provider${path}`, { key: of.key });
const earnings = async (of: TestProvider) => {
  const { availableBalance, reservedBalance, paidOutTotal } = (await get(of, '/earnings?currency=PKR')).body;
  return [availableBalance, reservedBalance, paidOutTotal];
};
const ids = (reply: Reply): string[] => reply.body.data.map(({ id }: { id: string }) => id);

/** Decides, and asks again for as long as no worker has answered. */
async function decide(id: string, action: string, key: string, body?: unknown): Promise<Reply> {
  for (;;) {
    const reply = await door.call('POST', `/api/admin/payouts/${id}/${action}`, {
      key,
      idempotencyKey: `${action}-${id}-${key}`,
      body,
    });
    if (reply.status !== 202) return reply;
  }
}

describe('from the request to the money', () => {
  test('a payout that nobody needs to look at is approved at once, waits for the run, and is paid', async () => {
    const ada = await provider(['60.00', '60.00']);
    const made = await ask(ada);
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/api/provider/payouts/${made.body.id}`);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^po_[0-9a-f]{32}$/),
      object: 'provider_payout',
      providerId: ada.id,
      status: 'APPROVED',
      amount: '100.00',
      fee: '0.00',
      currency: 'PKR',
      method: 'bank_transfer',
      bankAccount: { bankCode: 'HBL', accountLast4: '0001', accountName: 'Ayesha Khan' },
      review: null,
      hold: null,
      failure: null,
      retry: null,
      waitingOn: 'run',
      timelineUrl: `/api/provider/payouts/${made.body.id}/timeline`,
      livemode: false,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.any(String),
      completedAt: null,
    });
    const { id } = made.body;
    expect((await get(ada, `/payouts/${id}`)).body).toEqual(made.body);
    expect(await earnings(ada)).toEqual(['20.00', '100.00', '0.00']);
    const held = (await get(ada, '/earnings?currency=PKR')).body.earnings;
    expect(held.map((each: Record<string, unknown>) => [each['status'], each['reserved'], each['payoutIds']])).toEqual([
      ['AVAILABLE', '40.00', [id]],
      ['RESERVED', '60.00', [id]],
    ]);

    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    const paid = (await get(ada, `/payouts/${id}`)).body;
    expect(paid).toMatchObject({ status: 'COMPLETED', waitingOn: null, completedAt: expect.any(String) });
    expect(await earnings(ada)).toEqual(['20.00', '0.00', '100.00']);
    const transfers = await engine.transfers(id);
    expect(transfers).toMatchObject([{ status: 'paid', requests: 1 }]);

    const timeline = (await get(ada, made.body.timelineUrl.replace('/api/provider', ''))).body.data;
    const steps = timeline.map(({ type, from, to }: Record<string, string>) => [type, from, to]);
    expect(steps.slice(0, 3)).toEqual([
      ['payout.created', null, 'APPROVED'],
      ['payout.queued', 'APPROVED', 'PROCESSING'],
      ['payout.processing', 'PROCESSING', 'PROCESSING'],
    ]);
    expect(steps.at(-1)).toEqual(['payout.succeeded', 'PROCESSING', 'COMPLETED']);
    expect(timeline[0].actor).toBe(`provider:${ada.id}`);
    const page = (await get(ada, `/payouts/${id}/timeline?limit=1`)).body;
    const next = (await get(ada, `/payouts/${id}/timeline?limit=1&cursor=${page.nextCursor}`)).body;
    expect([...page.data, ...next.data]).toEqual(timeline.slice(0, 2));
  });

  test('both names of the route ask for the same thing, and under one key for it once', async () => {
    const ada = await provider();
    const body = { amount: 100, currency: 'PKR', method: 'bank_transfer' };
    const made = await door.call('POST', '/api/payouts', { key: ada.key, body, idempotencyKey: 'either' });
    expect([201, 202]).toContain(made.status);
    expect(made).toMatchObject({ body: { object: 'provider_payout', amount: '100.00' } });
    await engine.until(made.body.id, 'QUEUED');
    const again = await door.call('POST', '/api/provider/payouts', { key: ada.key, body, idempotencyKey: 'either' });
    expect(again).toMatchObject({ status: 201, body: { id: made.body.id } });
    expect(ids(await get(ada, '/payouts'))).toEqual([made.body.id]);
  });

  test('what fails once and is paid by a retry says so', async () => {
    const ada = await provider(undefined, { bankAccount: { ...ACCOUNTS.PKR, accountNumber: '12345678900002' } });
    const { id } = (await ask(ada)).body;
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    expect((await get(ada, `/payouts/${id}`)).body).toMatchObject({
      status: 'COMPLETED',
      retry: { attempt: 1, max: 3, nextAt: null },
    });
  });

  test('what fails for good frees the earnings, and says why', async () => {
    const ada = await provider(undefined, { bankAccount: { ...ACCOUNTS.PKR, accountNumber: '12345678900006' } });
    const { id } = (await ask(ada)).body;
    await engine.run();
    await engine.until(id, 'FAILED');
    expect((await get(ada, `/payouts/${id}`)).body).toMatchObject({
      status: 'FAILED',
      failure: { code: 'no_account', retryable: false },
    });
    expect(await earnings(ada)).toEqual(['1000.00', '0.00', '0.00']);
  });

  test('the platform’s fee is reserved on top, from the earnings', async () => {
    const costly = await door.merchant({ funds: 100_000n });
    await door.db.owner.query(`UPDATE merchants SET fee = '{"bps":100,"fixed":{"PKR":"100"}}' WHERE id = $1`, [costly.id]);
    const ada = await makeProvider(door, costly, { earned: ['102.00'], currency: 'PKR' });
    expect(await ask(ada, { amount: '100.01' })).toMatchObject({ status: 400, body: { code: 'insufficient_balance' } });
    const made = await ask(ada);
    expect(made).toMatchObject({ status: 201, body: { amount: '100.00', fee: '2.00' } });
    expect(await earnings(ada)).toEqual(['0.00', '102.00', '0.00']);
    await engine.run();
    await engine.until(made.body.id, 'SUCCEEDED');
    expect(await earnings(ada)).toEqual(['0.00', '0.00', '102.00']);
  });

  test('the platform hears of it in the same words, and finds it under its provider, not among its own payouts', async () => {
    const ada = await provider();
    const made = await ask(ada);
    const { id } = made.body;
    const events = (await door.call('GET', `/api/v1/events?payoutId=${id}`, { key: merchant.key })).body.data;
    expect(events.at(-1)).toMatchObject({ type: 'payout.created', data: { object: made.body } });
    const listed = await door.call('GET', `/api/v1/providers/${ada.id}/payouts`, { key: merchant.key });
    expect(listed.body.data).toEqual([made.body]);
    expect((await door.call('GET', `/api/v1/payouts/${id}`, { key: merchant.key })).status).toBe(404);
    expect((await door.call('POST', `/api/v1/payouts/${id}/cancel`, { key: merchant.key })).status).toBe(404);
    expect(ids(await door.call('GET', '/api/v1/payouts?limit=100', { key: merchant.key }))).not.toContain(id);
  });
});

describe('a review', () => {
  test('keeps it requested until an approver decides; then it waits for the run', async () => {
    const ada = await provider(['1000.00'], { verified: false });
    const made = await ask(ada);
    expect(made).toMatchObject({
      status: 201,
      body: {
        status: 'REQUESTED',
        waitingOn: 'approver',
        review: {
          reasons: [{ code: 'provider_unverified', detail: expect.any(String), value: false, limit: true }],
          approvals: [],
        },
      },
    });
    const { id } = made.body;
    const queue = await door.call('GET', '/api/admin/review-queue?limit=100', { key: admins.approver.key });
    expect(queue.body.data.find((each: { id: string }) => each.id === id)).toMatchObject({
      kind: 'provider',
      owner: { kind: 'provider', id: ada.id },
      risk: { policyVersion: 2, verdict: { decision: 'REVIEW' }, facts: { verified: false, amountMinor: '10000' } },
      reasons: [{ code: 'provider_unverified', value: false, limit: true }],
    });
    expect((await decide(id, 'approve', admins.approver.key)).status).toBe(200);
    const approved = (await get(ada, `/payouts/${id}`)).body;
    expect(approved).toMatchObject({ status: 'APPROVED', waitingOn: 'run', review: { approvals: [{ decision: 'approved' }] } });
    const told = await get(ada, `/payouts/${id}/timeline`);
    expect(told.body.data.at(-1)).toMatchObject({ type: 'payout.approved', actor: 'admin', to: 'APPROVED' });
    expect(JSON.stringify(approved) + told.text).not.toContain(admins.approver.id); // who decided is the platform's affair
    const detail = await door.call('GET', `/api/admin/payouts/${id}`, { key: admins.approver.key });
    expect(detail.body).toMatchObject({
      kind: 'provider',
      owner: { id: ada.id },
      dispatch: 'run',
      runId: null,
      waitingOn: 'run',
      risk: { policyVersion: 2 },
    });
    const found = async (query: string) =>
      ids(await door.call('GET', `/api/admin/payouts?${query}`, { key: admins.approver.key }));
    expect(await found(`ownerId=${ada.id}`)).toEqual([id]);
    expect(await found(`ownerId=${ada.id}&kind=merchant`)).toEqual([]);
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    expect((await get(ada, `/payouts/${id}`)).body.status).toBe('COMPLETED');
  });

  test('that ends in a rejection frees the earnings', async () => {
    const ada = await provider(['1000.00'], { verified: false });
    const { id } = (await ask(ada)).body;
    expect(await earnings(ada)).toEqual(['900.00', '100.00', '0.00']);
    expect((await decide(id, 'reject', admins.approver.key, { reason: 'who is this?' })).status).toBe(200);
    expect((await get(ada, `/payouts/${id}`)).body).toMatchObject({
      status: 'REJECTED',
      failure: { code: 'rejected', message: 'who is this?' },
    });
    expect(await earnings(ada)).toEqual(['1000.00', '0.00', '0.00']);
    await engine.run();
    expect(await engine.transfers(id)).toEqual([]);
  });

  test('is not for whoever issued the key from which the provider’s key was made', async () => {
    const key = await door.key(merchant.id, { createdBy: admins.admin.id });
    const ada = await makeProvider(door, { ...merchant, key }, { earned: ['1000.00'], currency: 'PKR', verified: false });
    const { id } = (await ask(ada)).body;
    expect(await decide(id, 'approve', admins.admin.key)).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect((await decide(id, 'approve', admins.approver.key)).status).toBe(200);
  });

  test('a hold before the run keeps it from being sent, and shows as approved until it is lifted', async () => {
    const ada = await provider();
    const { id } = (await ask(ada)).body;
    expect((await decide(id, 'hold', admins.admin.key, { reason: 'ask the bank' })).status).toBe(200);
    await engine.run();
    expect((await get(ada, `/payouts/${id}`)).body).toMatchObject({ status: 'APPROVED', hold: { reason: 'ask the bank' } });
    expect(ids(await get(ada, '/payouts?status=APPROVED'))).toEqual([id]);
    expect(ids(await get(ada, '/payouts?status=PROCESSING'))).toEqual([]);
    expect(await engine.transfers(id)).toEqual([]);
  });
});

describe('what is refused', () => {
  test('more than was earned: 400, nothing changed, and for this key for ever', async () => {
    const ada = await provider(['99.99']);
    const body = { amount: '100.00', currency: 'PKR' };
    const request = { key: ada.key, body, idempotencyKey: 'too-much' };
    let refused = await door.call('POST', '/api/provider/payouts', request);
    while (refused.status === 202) refused = await door.call('POST', '/api/provider/payouts', request);
    expect(refused).toMatchObject({ status: 400, body: { code: 'insufficient_balance' } });
    expect(await earnings(ada)).toEqual(['99.99', '0.00', '0.00']);
    expect(ids(await get(ada, '/payouts'))).toEqual([]);
    await door.call('POST', `/api/v1/providers/${ada.id}/earnings`, {
      key: merchant.key,
      body: { amount: '0.01', currency: 'PKR', externalId: `more-${ada.id}` },
    });
    expect((await door.call('POST', '/api/provider/payouts', request)).text).toBe(refused.text);
    expect((await ask(ada)).status).toBe(201);
  });

  test('no bank account, or one of another currency: 422', async () => {
    const homeless = await provider(['1000.00'], { bankAccount: null });
    expect(await ask(homeless)).toMatchObject({ status: 422, body: { code: 'bank_account_missing' } });
    const abroad = await provider(['1000.00'], { bankAccount: ACCOUNTS.NGN });
    expect(await ask(abroad)).toMatchObject({
      status: 422,
      body: { code: 'currency_mismatch', errors: [{ pointer: '/currency', code: 'currency_mismatch' }] },
    });
    expect(await earnings(abroad)).toEqual(['1000.00', '0.00', '0.00']);
  });

  test.each([
    ['/amount', 'missing', { amount: undefined }],
    ['/amount', 'amount_zero', { amount: 0 }],
    ['/amount', 'invalid_amount', { amount: '-1' }],
    ['/amount', 'too_many_decimals', { amount: '1.001' }],
    ['/amount', 'amount_too_large', { amount: '10000000000000.01' }],
    ['/currency', 'unknown_currency', { currency: 'pkr' }],
    ['/currency', 'invalid_type', { currency: 7 }],
    ['/method', 'invalid_value', { method: 'card' }],
    ['/method', 'invalid_value', { method: 7 }],
    ['/reference', 'unknown_field', { reference: 'x' }],
    ['/destination', 'unknown_field', { destination: ACCOUNTS.PKR }],
  ])('a wrong %s is refused by that name (%s)', async (pointer, code, change) => {
    const reply = await ask(await provider([]), change);
    expect(reply.status).toBe(400);
    expect(reply.body.errors[0]).toMatchObject({ pointer, code });
  });

  test('a body that is none, and a parameter that is not there', async () => {
    const { key } = await provider([]);
    for (const body of ['', '[]', 'null', '"x"', '{'])
      expect([body, (await door.call('POST', '/api/provider/payouts', { key, body })).status]).toEqual([body, 400]);
    expect((await door.call('POST', '/api/provider/payouts?dryRun=1', { key, body: { amount: '1' } })).status).toBe(400);
    expect((await door.call('GET', '/api/provider/payouts?status=PAID', { key })).status).toBe(400);
    expect((await door.call('GET', '/api/provider/payouts?limit=0', { key })).status).toBe(400);
    expect((await door.call('DELETE', '/api/payouts', { key })).status).toBe(405);
  });

  test('a live key while no live PSP is there', async () => {
    const live = await door.merchant({ mode: 'live', funds: 100_000n });
    const ada = await makeProvider(door, live, { earned: ['100.00'], currency: 'PKR' });
    expect(await ask(ada)).toMatchObject({ status: 422, body: { code: 'psp_not_configured' } });
  });
});

describe('asked for more than once', () => {
  test('under one key it is one payout and one answer, also at once, and when the first answer was lost', async () => {
    const ada = await provider();
    const body = { amount: '100.00', currency: 'PKR' };
    const request = { key: ada.key, body, idempotencyKey: 'twins' };
    const replies = await Promise.all(Array.from({ length: 20 }, () => door.call('POST', '/api/provider/payouts', request)));
    expect(new Set(replies.map(({ body: { id } }) => id)).size).toBe(1);
    const final = replies.find(({ status }) => status === 201) ?? (await door.call('POST', '/api/provider/payouts', request));
    // As if the process had been killed between the work and the record of its answer.
    await door.db.owner.query(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'twins'`,
    );
    // Not even a change that would refuse it now makes another answer.
    await door.call('PUT', `/api/v1/providers/${ada.id}/bank-account`, { key: merchant.key, body: ACCOUNTS.NGN });
    expect(await door.call('POST', '/api/provider/payouts', request)).toMatchObject({ status: 201, text: final.text });
    expect(ids(await get(ada, '/payouts'))).toHaveLength(1);
    expect(await earnings(ada)).toEqual(['900.00', '100.00', '0.00']);
    const other = await door.call('POST', '/api/provider/payouts', { ...request, body: { ...body, amount: '100.01' } });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    // Another provider's keys are its own.
    expect((await door.call('POST', '/api/provider/payouts', { ...request, key: (await provider()).key })).status).toBeLessThan(
      300,
    );
  });

  test('without a key each request is a payout of its own', async () => {
    const ada = await provider();
    const plain = () =>
      door.call('POST', '/api/provider/payouts', { key: ada.key, body: { amount: '1', currency: 'PKR' }, idempotencyKey: null });
    const replies = [await plain(), await plain()];
    await Promise.all(replies.map(({ body }) => engine.until(body.id, 'QUEUED')));
    expect(ids(await get(ada, '/payouts'))).toHaveLength(2);
  });

  test('thirty at once against one balance: as many as it covers, and not one more', async () => {
    const ada = await provider(['350.00', '350.00', '350.00']);
    const replies = await Promise.all(Array.from({ length: 30 }, () => ask(ada)));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(replies.filter(({ status, body }) => status === 400 && body.code === 'insufficient_balance')).toHaveLength(20);
    expect(await earnings(ada)).toEqual(['50.00', '1000.00', '0.00']);
    expect(ids(await get(ada, '/payouts?limit=100'))).toHaveLength(10);
  });
});

describe('called off', () => {
  const cancel = (of: TestProvider, id: string, idempotencyKey?: string) =>
    door.call('POST', `/api/provider/payouts/${id}/cancel`, { key: of.key, ...(idempotencyKey && { idempotencyKey }) });

  test('before the run it is cancelled, its earnings are free, and the run does not send it', async () => {
    const ada = await provider();
    const { id } = (await ask(ada)).body;
    const cancelled = await cancel(ada, id, 'cancel-1');
    expect(cancelled).toMatchObject({ status: 200, body: { id, status: 'CANCELLED', failure: { code: 'cancelled' } } });
    expect((await cancel(ada, id, 'cancel-1')).text).toBe(cancelled.text);
    expect(await cancel(ada, id)).toMatchObject({ status: 409, body: { code: 'not_cancellable' } });
    expect(await earnings(ada)).toEqual(['1000.00', '0.00', '0.00']);
    await engine.run();
    expect(await engine.transfers(id)).toEqual([]);
    const [last] = (await get(ada, `/payouts/${id}/timeline`)).body.data.slice(-1);
    expect(last).toMatchObject({ type: 'payout.cancelled', actor: `provider:${ada.id}`, from: 'APPROVED', to: 'CANCELLED' });
  });

  test('while an approver has it, it can be called off too; once paid it cannot', async () => {
    const ada = await provider(['1000.00'], { verified: false });
    const { id } = (await ask(ada)).body;
    expect(await cancel(ada, id)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
    const eve = await provider();
    const { id: paid } = (await ask(eve)).body;
    await engine.run();
    await engine.until(paid, 'SUCCEEDED');
    expect(await cancel(eve, paid)).toMatchObject({ status: 409, body: { code: 'not_cancellable' } });
  });
});

describe('a provider sees only itself', () => {
  test('another’s payout, of the same platform, is as unknown as nobody’s', async () => {
    const ada = await provider();
    const eve = await provider();
    const { id } = (await ask(ada)).body;
    const bare = async (method: string, path: string) => {
      const reply = await door.call(method, `/api/provider/payouts/${path}`, { key: eve.key });
      return [reply.status, reply.body.code, reply.body.detail];
    };
    const nobody = `po_${'0'.repeat(32)}`;
    for (const [method, suffix] of [
      ['GET', ''],
      ['GET', '/timeline'],
      ['POST', '/cancel'],
    ] as const) {
      expect(await bare(method, id + suffix)).toEqual(await bare(method, nobody + suffix));
      expect((await bare(method, `%00${suffix}`))[0]).toBe(404);
    }
    expect(ids(await get(eve, '/payouts'))).toEqual([]);
    expect((await get(ada, `/payouts/${id}`)).body.status).toBe('APPROVED');
  });

  test('lists find by status and currency, newest first, and another’s cursor is refused', async () => {
    const ada = await provider();
    const made: string[] = [];
    for (const amount of ['1', '2', '3', '4']) made.push((await ask(ada, { amount })).body.id);
    const [paid = '', cancelled = '', held = '', waiting = ''] = made;
    await door.call('POST', `/api/provider/payouts/${cancelled}/cancel`, { key: ada.key });
    await decide(held, 'hold', admins.admin.key, { reason: 'wait' });
    await decide(waiting, 'hold', admins.admin.key, { reason: 'wait' });
    await engine.run();
    await engine.until(paid, 'SUCCEEDED');
    await decide(waiting, 'release', admins.admin.key);
    await engine.until(waiting, 'QUEUED');
    const list = async (query: string) => ids(await get(ada, `/payouts?${query}`));
    expect(await list('')).toEqual([waiting, held, cancelled, paid]);
    expect(await list('status=COMPLETED')).toEqual([paid]);
    expect(await list('status=APPROVED')).toEqual([waiting, held]);
    expect(await list('status=CANCELLED,COMPLETED')).toEqual([cancelled, paid]);
    expect(await list('status=PROCESSING&status=REQUESTED')).toEqual([]);
    expect(await list('currency=NGN')).toEqual([]);
    const first = (await get(ada, '/payouts?limit=3')).body;
    expect(await list(`limit=3&cursor=${first.nextCursor}`)).toEqual([paid]);
    expect((await get(await provider([]), `/payouts?cursor=${first.nextCursor}`)).status).toBe(400);
  });
});

test('with no worker running the request is taken in all the same, with or without a key, and shown', async () => {
  const ada = await provider();
  const poor = await provider(['1.00']);
  await stopWorker?.();
  stopWorker = undefined;
  const post = (of: TestProvider, idempotencyKey: string | null) =>
    door.call('POST', '/api/provider/payouts', { key: of.key, body: { amount: '100', currency: 'PKR' }, idempotencyKey });
  const [keyed, plain, refused] = await Promise.all([post(ada, 'no-worker'), post(ada, null), post(poor, null)]);
  for (const [of, reply] of [
    [ada, keyed],
    [ada, plain],
    [poor, refused],
  ] as const) {
    expect(reply).toMatchObject({ status: 202, body: { status: 'REQUESTED', waitingOn: null } });
    expect(await get(of, `/payouts/${reply.body.id}`)).toMatchObject({ status: 200, body: reply.body });
    expect((await get(poor === of ? ada : poor, `/payouts/${reply.body.id}`)).status).toBe(404);
  }
  stopWorker = await engine.startWorker();
  await engine.until(keyed.body.id, 'QUEUED');
  await engine.until(plain.body.id, 'QUEUED');
  expect(await post(ada, 'no-worker')).toMatchObject({ status: 201, body: { id: keyed.body.id, status: 'APPROVED' } });
  for (let left = 200; left > 0; left -= 1) {
    const { body } = await get(poor, `/payouts/${refused.body.id}`);
    if (body.status === 'REJECTED') return expect(body.failure).toMatchObject({ code: 'insufficient_balance' });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the refusal that came after the 202 is never shown');
});
