/** A repeat is a repeat: what was answered once is answered again, whatever has changed since. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ACCOUNTS, newProviderBody } from '../../harness/newProvider.ts';
import { type Door, type Merchant, openDoor, payoutBody, type Reply } from '../support/door.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

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

const LARGEST = '10000000000000.00'; // with any fee, over the limit
const raiseFee = () =>
  door.db.owner.query(`UPDATE merchants SET fee = '{"bps":10000,"fixed":{"PKR":"1"}}' WHERE id = $1`, [merchant.id]);
/** A fee over the limit, whatever the amount. */
const forbidAll = () =>
  door.db.owner.query(`UPDATE merchants SET fee = '{"bps":0,"fixed":{"PKR":"1000000000000001"}}' WHERE id = $1`, [merchant.id]);
const noFee = () => door.db.owner.query(`UPDATE merchants SET fee = '{"bps":0,"fixed":{}}' WHERE id = $1`, [merchant.id]);

const pay = (idempotencyKey: string, body: unknown): Promise<Reply> =>
  door.call('POST', '/api/v1/payouts', { key: merchant.key, idempotencyKey, body });

async function pause(): Promise<void> {
  await stopWorker?.();
  stopWorker = undefined;
}

/** As if the process had been killed between the work and the record of its answer. */
const forget = (key: string) =>
  door.db.owner.query(
    'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
    [key],
  );

test('after a fee was raised, the repeat of an answered payout gets its answer; a new request gets the rule', async () => {
  const body = payoutBody({ amount: LARGEST });
  const first = await pay('fee-1', body);
  expect(first).toMatchObject({ status: 400, body: { code: 'insufficient_balance' } });
  await raiseFee();
  const again = await pay('fee-1', body);
  expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
  expect(await pay('fee-2', payoutBody({ amount: LARGEST }))).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  await noFee();
});

test('an accepted payout whose answer was lost is found again in the books, whatever its merchant may do now', async () => {
  const body = payoutBody();
  const first = await pay('books-1', body);
  expect(first.status).toBe(201);
  await forget('books-1');
  await forbidAll();
  expect(await pay('books-1', body)).toMatchObject({ status: 201, body: { id: first.body.id } });
  await noFee();
});

test('a payout that Temporal has and the books do not is not refused by a rule that is younger than it', async () => {
  await pause();
  const body = payoutBody();
  const begun = await pay('begun-1', body);
  expect(begun.status).toBe(202);
  await forbidAll();
  const again = await pay('begun-1', body);
  expect([again.status, again.text]).toEqual([202, begun.text]);
  // Also where the process died before it could say 202: it is under way, and no answer is final yet.
  await door.db.owner.query('DELETE FROM payout_requests');
  await door.db.owner.query(`UPDATE idempotency_keys SET pending = NULL WHERE key = 'begun-1'`);
  expect((await pay('begun-1', body)).status).toBe(503);
  stopWorker = await engine.startWorker();
  let last = await pay('begun-1', body);
  for (let left = 20; left > 0 && last.status !== 201; left -= 1) last = await pay('begun-1', body);
  expect(last).toMatchObject({ status: 201, body: { id: begun.body.id } });
  await noFee();
});

test('a payout that got 202 is still found when its idempotency record is long gone, until it is in the books', async () => {
  await pause();
  const { body } = await pay('kept-1', payoutBody());
  expect(body.status).toBe('PENDING');
  await door.db.owner.query('DELETE FROM idempotency_keys');
  const get = () => door.call('GET', `/api/v1/payouts/${body.id}`, { key: merchant.key });
  expect(await get()).toMatchObject({ status: 200, body });
  const { key } = await door.admin('viewer');
  const waiting = async () => {
    const { data } = (await door.call('GET', '/api/admin/payout-requests', { key })).body;
    return data.map(({ id }: { id: string }) => id);
  };
  expect(await waiting()).toContain(body.id);
  const gauge = async () => /^oncepay_payout_requests_waiting (\d+)$/m.exec((await door.call('GET', '/metrics')).text)?.[1];
  expect(await gauge()).toBe('1');
  stopWorker = await engine.startWorker();
  await eventually(async () => {
    expect((await get()).body.status).toBe('SUCCESS');
  });
  expect(await waiting()).not.toContain(body.id);
});

test('an operator finds a payout that was answered 202, while it waits and after it was refused, with why', async () => {
  const reference = 'twice-1';
  expect((await pay('twice-1', payoutBody({ reference }))).status).toBe(201);
  await pause();
  const { body } = await pay('twice-2', payoutBody({ reference }));
  const { key } = await door.admin('viewer');
  const seen = async () => (await door.call('GET', `/api/admin/payouts/${body.id}`, { key })).body;
  expect(await seen()).toMatchObject({ id: body.id, status: 'PENDING', failure: null, attempts: [], timeline: [] });
  stopWorker = await engine.startWorker();
  await eventually(async () => {
    expect(await seen()).toMatchObject({ status: 'REJECTED', state: 'REJECTED', failure: { code: 'duplicate_reference' } });
  });
});

test('a request that was not well-formed leaves its key free, also where a rule of the moment said so', async () => {
  await raiseFee();
  const refused = await pay('free-1', payoutBody({ amount: LARGEST }));
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ pointer: '/amount', code: 'amount_too_large' }] } });
  await noFee();
  expect((await pay('free-1', payoutBody())).status).toBe(201);
  const twins = await Promise.all(
    Array.from({ length: 10 }, () => pay('free-2', payoutBody({ amount: '0', reference: 'twin' }))),
  );
  expect(twins.map(({ status }) => status)).toEqual(Array(10).fill(400));
});

test('a key that was made with an end in the future is shown again when that has come', async () => {
  const admin = await door.admin('admin');
  /** Undefined: it took the machine longer to ask than the key was to last. */
  const madeFor = async (ms: number) => {
    const body = { mode: 'test', expiresAt: new Date(Date.now() + ms).toISOString() };
    const path = `/api/admin/merchants/${merchant.id}/api-keys`;
    const make = () => door.call('POST', path, { key: admin.key, idempotencyKey: `soon-over-${ms}`, body });
    const first = await make();
    return first.status === 201 ? { first, make } : undefined;
  };
  let ms = 5_000;
  let made = await madeFor(ms);
  for (; !made && ms < 60_000; made = await madeFor(ms)) ms *= 2;
  if (!made) throw new Error('no key was made in a minute');
  await new Promise((resolve) => setTimeout(resolve, ms + 100));
  expect((await made.make()).text).toBe(made.first.text);
});

test('what a provider’s bank account was is answered again, though its platform has entered another', async () => {
  const call = (method: string, path: string, body: unknown, idempotencyKey: string) =>
    door.call(method, `/api/v1/providers${path}`, { key: merchant.key, body, idempotencyKey });
  const { id } = (await call('POST', '', newProviderBody(), 'entered')).body;
  const first = await call('PUT', `/${id}/bank-account`, ACCOUNTS.NGN, 'account-1');
  await call('PUT', `/${id}/bank-account`, { ...ACCOUNTS.NGN, accountName: 'Somebody Else' }, 'account-2');
  expect((await call('PUT', `/${id}/bank-account`, ACCOUNTS.NGN, 'account-1')).text).toBe(first.text);
});
