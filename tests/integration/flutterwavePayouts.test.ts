/**
 * Provider payouts in naira from the books to Flutterwave's simulator and back by its callbacks, which anybody may fake,
 * repeat, reorder or lose: whatever comes, the provider is paid once, and only what a look-up confirms moves money.
 */

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fundBalance, postEarning } from '../../src/ledger/postings.ts';
import { createPayoutsClient, type PayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRecord, PayoutRequest, PayoutTimes } from '../../src/payouts/rules/contract.ts';
import { createPspRegistry, type PspRegistry } from '../../src/psp/registry.ts';
import { BUILT_IN_POLICY } from '../../src/risk/rules/policy.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type Engine, type ProviderOf, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { type FlutterwaveWorld, flutterwaveWorld, SECRET_KEY, WEBHOOK_HASH } from '../support/flutterwave.ts';
import { eventually } from '../support/sandbox.ts';

const LIVE_HASH = 'the-hash-of-live-money';
/** Nobody looks of their own accord while a test lasts: what happens, happens because of a callback. */
const PATIENT: PayoutTimes = { ...SHORT_TIMES, firstLookUpMs: 600_000, lookUpMaxMs: 600_000, outcomeDeadlineMs: 700_000 };

let engine: Engine;
let door: Door;
let psp: FlutterwaveWorld;
let psps: PspRegistry;
let patient: PayoutsClient;
let ada: ProviderOf;
let endWorkers: readonly (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  door = await openDoor({
    db: engine.db,
    payouts: engine.payouts,
    env: {
      FLUTTERWAVE_TEST_WEBHOOK_HASH: WEBHOOK_HASH,
      FLUTTERWAVE_LIVE_SECRET_KEY: 'FLWSECK-live-X',
      FLUTTERWAVE_LIVE_WEBHOOK_HASH: LIVE_HASH,
    },
  });
  const api = await door.app.listen({ host: '127.0.0.1', port: 0 });
  psp = await flutterwaveWorld({ callbackUrl: `${api}/api/webhooks/flutterwave/payout_status`, returnAfterMs: 500 });
  const sandbox = { baseUrl: engine.sandbox.url, apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret', timeoutMs: 1_000 };
  const account = { mode: 'test', baseUrl: `${psp.url}/v3`, secretKey: SECRET_KEY, webhookHash: WEBHOOK_HASH } as const;
  psps = createPspRegistry({ sandbox, flutterwave: [{ ...account, referenceSuffix: '', timeoutMs: 1_000 }] });
  const { ledger, db } = engine;
  endWorkers = [
    await engine.startWorker(),
    await engine.startProviderPsp({ activities: createPspActivities({ ledger, pool: db.pool, connector: psps.byName }) }),
  ];
  patient = createPayoutsClient(engine.client, { times: PATIENT, allowSignalDecisions: true });
  await trustEverybody();
  const { merchantId } = engine;
  await fundBalance(db.pool, { merchantId, mode: 'test', currency: 'NGN', amountMinor: '100000000', externalId: 'naira' });
  ada = await engine.provider('1000');
  const earning = { earningId: 'ern_naira', externalId: 'naira', currency: 'NGN', amountMinor: '100000000', description: null };
  await postEarning(db.pool, { ...ada, mode: 'test', ...earning });
});
afterEach(async () => {
  await psp.control('DELETE', '/faults');
});
afterAll(async () => {
  expect((await checkInvariants(engine.db.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
});
afterAll(async () => {
  for (const end of endWorkers) await end();
  await psp.close();
  await psps.close();
  await door.stop();
  await engine.stop();
});

/** Nobody needs to look at a payout, whatever became of others. */
async function trustEverybody(): Promise<void> {
  const never = 1_000_000;
  const rules = {
    ...BUILT_IN_POLICY.rules,
    minSuccesses: 0,
    maxRecentFailures: never,
    velocityMinRequests: never,
    amountTimesMean: never,
  };
  await engine.db.owner.query(
    `INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ('', 2, $1, 'adm_1')`,
    [rules],
  );
}

/** 1,500.00 naira to an account with this ending, sent at once. */
function pay(suffix: string, via = patient, change: Partial<PayoutRequest> = {}): Promise<PayoutRecord> {
  const destination = {
    type: 'bank',
    bankCode: '058',
    accountNumber: `123456${suffix}`,
    iban: null,
    accountTitle: 'Ada',
  } as const;
  return engine.payProvider(
    ada,
    suffix,
    { currency: 'NGN', amountMinor: '150000', psp: 'flutterwave', destination, dispatch: 'now', ...change },
    via,
  );
}
const fault = (kind: string, params: object = {}) => psp.control('POST', '/faults', { kind, params, times: 1 });
const silent = () => fault('no_callback');
const taken = async (id: string) => {
  const { body } = await psp.control('GET', `/transfers?reference=${id}`);
  return body.data.filter(({ takenAt }) => takenAt !== null).length;
};
const entries = async (id: string) => {
  const { rows } = await engine.db.owner.query<{ line: string }>(
    `SELECT type || ' ' || amount AS line FROM ledger_entries WHERE subject_id = $1 ORDER BY id`,
    [id],
  );
  return rows.map(({ line }) => line);
};
const messages = async (id: string) => {
  const { rows } = await engine.db.owner.query<{ claim: string; state: string }>(
    'SELECT claim, state FROM psp_messages WHERE payout_id = $1 ORDER BY id',
    [id],
  );
  return rows;
};
const heard = (id: string, count: number) =>
  eventually(
    () => messages(id),
    (all) => all.length >= count && all.every(({ state }) => state !== 'received'),
  );
const tell = (path: string, body: unknown, hash: string | null = WEBHOOK_HASH) =>
  door.call('POST', path, {
    body: JSON.stringify(body),
    headers: hash === null ? {} : { 'verif-hash': hash },
    idempotencyKey: null,
  });
const about = (id: string, over: object = {}, event = 'transfer.completed') => ({
  event,
  'event.type': 'Transfer',
  data: { id: 4711, reference: `${id}:1`, status: 'SUCCESSFUL', ...over },
});

const PAID_ONCE = ['RESERVE 150000', 'SETTLE 150000', 'PSP_FEE 1075'];

test('a callback wakes the payout, a look-up confirms it, and it is settled with the fee that Flutterwave took', async () => {
  const { id } = await pay('0001');
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({
    attempt: 1,
    psp: 'flutterwave',
    pspReference: expect.stringMatching(/^test_\d+$/),
  });
  expect(await entries(id)).toEqual(PAID_ONCE);
  expect(await heard(id, 1)).toEqual([{ claim: 'paid', state: 'applied' }]);
});

test('a callback that comes five times pays once', async () => {
  await fault('duplicate_callback', { count: 5 });
  const { id } = await pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await eventually(
    () =>
      psp.pool.query(
        'SELECT FROM flutterwave.callbacks c JOIN flutterwave.transfers t ON t.id = c.transfer_id WHERE starts_with(reference, $1) AND c.done_at IS NULL',
        [id],
      ),
    ({ rows }) => rows.length === 0,
  );
  expect(await entries(id)).toEqual(PAID_ONCE);
  expect(await messages(id)).toHaveLength(1);
});

test('an older callback after a newer one changes nothing', async () => {
  await fault('reordered_callbacks', { ms: 300 });
  const { id } = await pay('0001');
  await engine.until(id, 'SUCCEEDED');
  expect((await heard(id, 2)).map(({ claim }) => claim)).toEqual(['paid', 'processing']);
  expect((await engine.ledger.read(id))?.state).toBe('SUCCEEDED');
  expect(await entries(id)).toEqual(PAID_ONCE);
});

test('a callback before the reply to our request is not lost', async () => {
  await fault('slow_answer', { ms: 900 });
  const { id } = await pay('0001');
  await engine.until(id, 'SUCCEEDED');
  expect(await taken(id)).toBe(1);
});

test('a request that is never answered is cleared up by the callback, without a second request', async () => {
  const { id } = await pay('0008');
  await engine.until(id, 'SUCCEEDED');
  expect((await psp.entry(`${id}:1`))?.requests).toBe(1);
  expect(await entries(id)).toEqual(PAID_ONCE);
});

test('503 after the money was taken: unknown, and paid once all the same', async () => {
  await fault('error_after', { status: 503 });
  const { id } = await pay('0001', engine.payouts);
  await engine.until(id, 'SUCCEEDED');
  expect(await taken(id)).toBe(1);
});

test('no callback ever comes: a look-up finds the payment', async () => {
  await silent();
  const { id } = await pay('0001', engine.payouts);
  await engine.until(id, 'SUCCEEDED');
  expect(await messages(id)).toEqual([]);
});

test('lies that show no hash, or another, are refused and leave no trace', async () => {
  await silent();
  const { id } = await pay('0004');
  await engine.until(id, 'PROCESSING');
  for (const hash of [null, '', 'forged', `${WEBHOOK_HASH}x`]) {
    expect(await tell('/api/webhooks/flutterwave/payout_status', about(id), hash)).toMatchObject({
      status: 401,
      body: { code: 'invalid_signature' },
    });
  }
  expect(await messages(id)).toEqual([]);
  expect((await engine.ledger.read(id))?.state).toBe('PROCESSING');
});

test('a lie with our hash pays nobody, and does not stop the truth that comes later', async () => {
  const { id } = await pay('0004');
  await engine.until(id, 'PROCESSING');
  expect((await tell('/api/webhooks/flutterwave/payout_status', about(id))).status).toBe(200);
  await heard(id, 1);
  expect((await engine.ledger.read(id))?.state).toBe('PROCESSING');
  await psp.control('POST', `/transfers/${id}:1`, { status: 'paid' });
  await engine.until(id, 'SUCCEEDED');
  expect(await entries(id)).toEqual(PAID_ONCE);
});

test('a forged failure of a paid transfer gives no money back', async () => {
  await fault('forged_callback');
  const { id } = await pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await heard(id, 2); // the third shows a wrong hash
  expect((await engine.ledger.read(id))?.state).toBe('SUCCEEDED');
  expect(await entries(id)).toEqual(PAID_ONCE);
});

test.each([
  ['/api/payout_status', 'transfer.success', 'paid', 'SUCCEEDED'],
  ['/api/webhooks/flutterwave/payout_status', 'transfer.failed', 'failed', 'FAILED'],
  ['/api/v1/ipn/flutterwave', 'transfer.completed', 'paid', 'SUCCEEDED'],
] as const)('%s takes %s: that it is %s is confirmed and then counts', async (path, event, status, state) => {
  const { id } = await pay('0004');
  await engine.until(id, 'PROCESSING');
  await silent();
  const reason = status === 'failed' ? { reason: 'DISBURSE FAILED: Unable to obtain user details' } : {};
  await psp.control('POST', `/transfers/${id}:1`, { status, ...reason });
  const told = event === 'transfer.completed' ? {} : { status: undefined };
  expect(await tell(path, about(id, told, event))).toMatchObject({ status: 200, body: { received: true } });
  await engine.until(id, state);
});

test('what is told of no payout of ours is kept for an operator; what is no JSON as well', async () => {
  const stranger = `po_${'f'.repeat(32)}`;
  for (const body of [about(stranger), about('another-system'), { hello: 'world' }]) {
    expect((await tell('/api/payout_status', body)).status).toBe(200);
  }
  const reply = await door.call('POST', '/api/payout_status', { body: 'not json', headers: { 'verif-hash': WEBHOOK_HASH } });
  expect(reply.status).toBe(200);
  const { rows } = await engine.db.owner.query(`SELECT FROM psp_messages WHERE psp = 'flutterwave' AND state = 'orphan'`);
  expect(rows).toHaveLength(4);
});

test('the hash of live money cannot speak of a test payout', async () => {
  await silent();
  const { id } = await pay('0004');
  await engine.until(id, 'PROCESSING');
  expect((await tell('/api/payout_status', about(id), LIVE_HASH)).status).toBe(200);
  expect(await messages(id)).toEqual([]);
});

test('what the bank sends back after it was paid is available to the provider again', async () => {
  const { id } = await pay('0009');
  await engine.until(id, 'RETURNED');
  expect(await entries(id)).toEqual([...PAID_ONCE, 'REVERSE 150000']);
});

test('funds short at Flutterwave: the payout waits, however often it takes, and is paid once they are there', async () => {
  await psp.control('PUT', '/balances', { currency: 'NGN', available: '100' });
  const { id } = await pay('0001', engine.payouts);
  await eventually(
    () => engine.ledger.read(id),
    (payout) => (payout?.attempt ?? 0) > 5, // more than it would have for a failure of its own
  );
  expect((await engine.ledger.read(id))?.state).not.toBe('FAILED');
  await psp.control('PUT', '/balances', { currency: 'NGN', available: '10000000' });
  await engine.until(id, 'SUCCEEDED');
  expect(await taken(id)).toBe(1);
});

test('temporary failures: three retries under references of their own, then FAILED for an operator', async () => {
  const { id } = await pay('0003', engine.payouts);
  expect(await engine.until(id, 'FAILED')).toMatchObject({
    attempt: 4,
    needsOperator: true,
    failure: { code: 'temporary_failure' },
  });
  const { body } = await psp.control('GET', `/transfers?reference=${id}`);
  expect(body.data.map(({ reference, requests }) => [reference, requests])).toEqual(
    [4, 3, 2, 1].map((attempt) => [`${id}:${attempt}`, 1]),
  );
  expect(await entries(id)).toEqual(['RESERVE 150000', 'RELEASE 150000']);
});

test("a payee's data that are wrong: FAILED at once, and not tried again", async () => {
  const { id } = await pay('0006', engine.payouts);
  expect(await engine.until(id, 'FAILED')).toMatchObject({ attempt: 1, failure: { code: 'no_account', retryable: false } });
});

test('a transfer that waits for a person at Flutterwave is not taken for paid, and is paid once that person agrees', async () => {
  const { id } = await pay('0005');
  expect(await engine.until(id, 'PSP_HELD')).toMatchObject({ hold: { source: 'psp' } });
  await psp.control('POST', `/transfers/${id}:1/approve`);
  await engine.until(id, 'SUCCEEDED');
});
