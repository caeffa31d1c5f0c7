/** Whoever has no right gets nothing, and learns nothing; whoever asks too often is told when to come back. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { reserveRequest } from '../support/books.ts';
import { type Door, type Merchant, openDoor, payoutBody, type Reply } from '../support/door.ts';

let door: Door;
let merchant: Merchant;
let other: Merchant;

beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant({ funds: 10_000_000n });
  other = await door.merchant({ funds: 10_000_000n });
});
afterAll(() => door.stop());

/** A payout that was taken in, straight in the books. */
async function payoutOf({ id: merchantId }: Merchant, change: Record<string, unknown> = {}): Promise<PayoutRecord> {
  const answer = await createLedger(door.context.pool).reserve(reserveRequest({ merchantId, mode: 'test' }, change));
  if (answer.outcome !== 'reserved') throw new Error(answer.outcome);
  return answer.payout;
}

/** An answer without what differs from request to request. */
const bare = ({ status, body }: Reply) => ({ status, ...body, instance: '', requestId: '' });

test('a key that does not open is 401, the same for every reason', async () => {
  const revoked = await door.key(merchant.id);
  const expired = await door.key(merchant.id);
  const closed = await door.merchant();
  await door.db.owner.query('UPDATE api_keys SET revoked_at = now() WHERE last4 = $1', [revoked.slice(-4)]);
  await door.db.owner.query("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE last4 = $1", [expired.slice(-4)]);
  await door.db.owner.query('UPDATE merchants SET active = false WHERE id = $1', [closed.id]);
  const unknown = `pk_test_${'x'.repeat(30)}`;
  const replies: Reply[] = [];
  for (const key of [undefined, '', 'x', unknown, revoked, expired, closed.key, `${merchant.key}x`, merchant.key.toUpperCase()]) {
    replies.push(await door.call('GET', '/api/v1/balance', key === undefined ? {} : { key }));
  }
  expect(replies[0]).toMatchObject({ status: 401, body: { code: 'invalid_api_key' } });
  for (const reply of replies) expect(bare(reply)).toEqual(bare(replies[0] as Reply));
});

test('a key is taken from either header, but not from two that differ', async () => {
  const get = (headers: Record<string, string>) => door.call('GET', '/api/v1/balance', { headers });
  expect((await get({ authorization: `Bearer ${merchant.key}` })).status).toBe(200);
  expect((await get({ authorization: `bearer ${merchant.key}` })).status).toBe(200);
  expect((await get({ authorization: `Basic ${merchant.key}` })).status).toBe(401);
  expect((await get({ 'x-api-key': merchant.key, authorization: `Bearer ${merchant.key}` })).status).toBe(200);
  expect((await get({ 'x-api-key': merchant.key, authorization: `Bearer ${other.key}` })).status).toBe(401);
});

test('a key revoked a moment ago opens nothing', async () => {
  const key = await door.key(merchant.id);
  expect((await door.call('GET', '/api/v1/balance', { key })).status).toBe(200);
  await door.db.owner.query('UPDATE api_keys SET revoked_at = now() WHERE owner_id = $1 AND last4 = $2', [
    merchant.id,
    key.slice(-4),
  ]);
  expect((await door.call('GET', '/api/v1/balance', { key })).status).toBe(401);
});

test('without a key not even a bad body is looked at', async () => {
  const reply = await door.call('POST', '/api/v1/payouts', { body: '{', idempotencyKey: null });
  expect(reply.status).toBe(401);
});

test.each([
  ['payouts:read', 'GET', '/api/v1/payouts', 200],
  ['payouts:read', 'POST', '/api/v1/payouts', 403],
  ['payouts:read', 'GET', '/api/v1/balance', 403],
  ['payouts:read', 'POST', '/api/v1/verify-account', 403],
  ['payouts:write', 'POST', '/api/v1/payouts', 400],
  ['payouts:write', 'GET', '/api/v1/payouts', 403],
  ['balance:read', 'GET', '/api/v1/balance', 200],
  ['balance:read', 'GET', '/api/v1/balance/history', 200],
  ['balance:read', 'POST', '/api/v1/test/balance/fund', 403],
  ['directory:read', 'GET', '/api/v1/directory', 200],
])('a key for %s: %s %s is %i', async (scope, method, path, status) => {
  const { key } = await door.merchant({ scopes: [scope] });
  const reply = await door.call(method, path, { key, ...(method === 'POST' ? { body: {} } : {}) });
  expect(reply.status).toBe(status);
  if (status === 403) expect(reply.body.code).toBe('forbidden');
});

test('a valid key of the wrong kind is 403', async () => {
  const admin = await door.admin('admin');
  expect(await door.call('GET', '/api/v1/balance', { key: admin.key })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
});

test("another merchant's payout answers as one that nobody has, on every route", async () => {
  const { id } = await payoutOf(merchant);
  const nobodys = `po_${'0'.repeat(32)}`;
  const routes = (payout: string) =>
    [
      ['GET', `/api/v1/payouts/${payout}`],
      ['GET', `/api/v1/payouts/${payout}?wait=5`],
      ['GET', `/api/v1/payouts/${payout}/timeline`],
      ['GET', `/api/v1/payouts/${payout}/explain`],
      ['POST', `/api/v1/payouts/${payout}/cancel`],
      ['POST', `/api/v1/payouts/${payout}/reinitiate`],
    ] as const;
  const theirs = await Promise.all(routes(id).map(([method, path]) => door.call(method, path, { key: other.key })));
  const none = await Promise.all(routes(nobodys).map(([method, path]) => door.call(method, path, { key: other.key })));
  for (const reply of theirs) expect(reply.status).toBe(404);
  expect(theirs.map(bare)).toEqual(none.map(bare));
  // Test and live are two worlds, also of one merchant.
  const live = await door.key(merchant.id, { mode: 'live' });
  expect((await door.call('GET', `/api/v1/payouts/${id}`, { key: live })).status).toBe(404);
  expect((await door.call('GET', '/api/v1/payouts', { key: live })).body.data).toEqual([]);
  expect((await door.call('GET', '/api/v1/balance', { key: live })).body.balances).toEqual([]);
  expect((await door.call('GET', '/api/v1/balance/history', { key: live })).body.data).toEqual([]);
});

test('no list, filter or cursor shows what is not yours', async () => {
  const mine = await door.merchant({ funds: 1_000_000n });
  const theirs = await door.merchant({ funds: 1_000_000n });
  for (let n = 0; n < 3; n += 1) await payoutOf(mine, { reference: `same-${n}` });
  const secret = await payoutOf(theirs, { reference: 'same-0' });
  const list = (key: string, query: string) => door.call('GET', `/api/v1/payouts${query}`, { key });

  expect((await list(theirs.key, '?reference=same-0')).body.data.map(({ id }: { id: string }) => id)).toEqual([secret.id]);
  expect((await list(theirs.key, '?reference=same-1')).body.data).toEqual([]);
  expect((await door.call('GET', `/api/v1/balance/history?payoutId=${secret.id}`, { key: mine.key })).body.data).toEqual([]);

  const { nextCursor } = (await list(mine.key, '?limit=1')).body;
  expect(await list(theirs.key, `?cursor=${nextCursor}`)).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/cursor' }] },
  });
  expect((await door.call('GET', `/api/v1/balance/history?cursor=${nextCursor}`, { key: mine.key })).status).toBe(400);
  expect((await list(mine.key, `?cursor=${nextCursor}`)).body.data).toHaveLength(2);
});

test('an idempotency key of another merchant, or of the other mode, is another key', async () => {
  const live = await door.key(merchant.id, { mode: 'live' });
  const body = payoutBody();
  const ask = (key: string) =>
    door.call('POST', '/api/v1/verify-account', {
      key,
      idempotencyKey: 'shared',
      body: { ...(body['destination'] as object), bankCode: 'NOPE' },
    });
  expect((await ask(merchant.key)).headers['idempotent-replayed']).toBeUndefined();
  expect((await ask(other.key)).headers['idempotent-replayed']).toBeUndefined();
  expect((await ask(live)).headers['idempotent-replayed']).toBeUndefined();
  expect((await ask(merchant.key)).headers['idempotent-replayed']).toBe('true');
});

test('a live key cannot make money out of nothing', async () => {
  const { key } = await door.merchant({ mode: 'live' });
  const reply = await door.call('POST', '/api/v1/test/balance/fund', { key, body: { amount: '1', currency: 'PKR' } });
  expect(reply).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test('a request id that can be logged comes back, any other is replaced', async () => {
  const ask = (id: string) => door.call('GET', '/health', { headers: { 'x-request-id': id } });
  expect((await ask('order-7/retry')).headers['x-request-id']).toBe('order-7/retry');
  for (const id of ['', 'a b', 'ü', 'x'.repeat(129)]) {
    expect((await ask(id)).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  }
  expect((await door.call('GET', '/nowhere', { headers: { 'x-request-id': 'mine' } })).body).toMatchObject({
    status: 404,
    code: 'not_found',
    requestId: 'mine',
  });
});

test('who asks too often is told to wait: each key for itself, and an address without a key', async () => {
  const strict = await openDoor({ db: door.db, env: { RATE_LIMIT_PER_SECOND: '5' } });
  try {
    const statuses = async (key: string, count: number) => {
      const replies = await Promise.all(Array.from({ length: count }, () => strict.call('GET', '/api/v1/directory', { key })));
      const limited = replies.find(({ status }) => status === 429);
      return { passed: replies.filter(({ status }) => status === 200).length, limited };
    };
    // A window may end in the middle of the twenty: then some more pass, but never all.
    const { passed, limited } = await statuses(merchant.key, 20);
    expect(passed).toBeGreaterThanOrEqual(5);
    expect(limited).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(limited?.headers['retry-after']).toBe('1');
    expect((await statuses(other.key, 1)).passed).toBe(1);
    const guesses = await Promise.all(
      Array.from({ length: 20 }, () => strict.call('GET', '/api/v1/balance', { key: `pk_test_${'g'.repeat(30)}` })),
    );
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401, 429]));
  } finally {
    await strict.stop();
  }
});
