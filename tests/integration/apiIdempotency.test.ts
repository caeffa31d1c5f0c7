/** One key is one request: whatever is repeated, races, dies half-way or comes back after a day. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { canonical } from '../../src/http/plugins/idempotency.ts';
import { claimKey, giveUp, type KeyUse, keepPending, lookAtKey, storeAnswer } from '../../src/http/plugins/idempotencyStore.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';

let door: Door;
let merchant: Merchant;

beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant();
});
afterAll(() => door.stop());

let keys = 0;
const newKey = () => {
  keys += 1;
  return `key-${keys}`;
};

const fund = (
  idempotencyKey: string,
  body: unknown = { amount: '10.00', currency: 'PKR' },
  headers: Record<string, string> = {},
): Promise<Reply> => door.call('POST', '/api/v1/test/balance/fund', { key: merchant.key, idempotencyKey, body, headers });

const fundings = async () => (await door.db.owner.query(`SELECT FROM ledger_entries WHERE type = 'FUND'`)).rowCount ?? 0;

test('a hundred at once under one key do it once, and all hundred get the same answer', async () => {
  const before = await fundings();
  const key = newKey();
  const replies = await Promise.all(Array.from({ length: 100 }, () => fund(key)));
  expect(replies.map(({ status }) => status)).toEqual(Array(100).fill(201));
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(99);
  expect(await fundings()).toBe(before + 1);
});

test('a repeat gets the first answer byte for byte, however the balance has moved since', async () => {
  const key = newKey();
  const first = await fund(key);
  await fund(newKey());
  const again = await fund(key);
  expect(again.text).toBe(first.text);
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(again.headers['content-type']).toBe(first.headers['content-type']);
});

test('the order of fields and the spelling of a letter do not make another request; anything else does', async () => {
  expect(canonical({ b: [1, 'é'], a: { d: null, c: true } })).toBe(canonical({ a: { c: true, d: null }, b: [1, 'é'] }));
  for (const text of [
    '',
    'plain ASCII, of any kind: ~!',
    'a "quote"',
    'back\\slash',
    'line\nend',
    '\u007f',
    'é',
    'e\u0301',
    '\ud83d\ude00',
  ])
    expect(JSON.parse(canonical(text))).toBe(text.normalize('NFC'));
  expect(canonical({ a: '1' })).not.toBe(canonical({ a: 1 }));
  expect(canonical({ a: ['1', '2'] })).not.toBe(canonical({ a: ['2', '1'] }));
  const key = newKey();
  await fund(key, { amount: '10.00', currency: 'PKR' });
  expect((await fund(key, { currency: 'PKR', amount: '10.00' })).headers['idempotent-replayed']).toBe('true');
  expect(await fund(key, { amount: '10.01', currency: 'PKR' })).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
});

test('a used key on another route is refused, even with the same body', async () => {
  const key = newKey();
  await fund(key);
  const reply = await door.call('POST', '/api/v1/verify-account', {
    key: merchant.key,
    idempotencyKey: key,
    body: { type: 'bank', bankCode: 'NOPE', accountNumber: '1234567890' },
  });
  expect(reply).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
});

test.each([
  ['none', {}, 'idempotency_key_missing'],
  ['an empty one', { 'x-idempotency-key': '' }, 'idempotency_key_invalid'],
  ['256 characters', { 'x-idempotency-key': 'x'.repeat(256) }, 'idempotency_key_invalid'],
  ['a space', { 'x-idempotency-key': 'a b' }, 'idempotency_key_invalid'],
  ['no ASCII', { 'x-idempotency-key': 'schlüssel' }, 'idempotency_key_invalid'],
  ['two that differ', { 'x-idempotency-key': 'a', 'idempotency-key': 'b' }, 'idempotency_key_conflict'],
])('%s as a key is 400', async (_what, headers, code) => {
  const reply = await door.call('POST', '/api/v1/test/balance/fund', {
    key: merchant.key,
    idempotencyKey: null,
    headers,
    body: { amount: '1', currency: 'PKR' },
  });
  expect(reply).toMatchObject({ status: 400, body: { code } });
});

test('either header will do, quoted as the standard says or not, and both with the same key', async () => {
  const key = newKey();
  const ask = (headers: Record<string, string>) =>
    door.call('POST', '/api/v1/test/balance/fund', {
      key: merchant.key,
      idempotencyKey: null,
      headers,
      body: { amount: '1', currency: 'PKR' },
    });
  expect((await ask({ 'idempotency-key': `"${key}"` })).status).toBe(201);
  expect((await ask({ 'idempotency-key': key })).headers['idempotent-replayed']).toBe('true');
  expect((await ask({ 'x-idempotency-key': key, 'idempotency-key': key })).headers['idempotent-replayed']).toBe('true');
  expect((await ask({ 'x-idempotency-key': 'x'.repeat(255) })).status).toBe(201);
});

test('a key is not used up by a request that was not well-formed', async () => {
  const key = newKey();
  expect((await fund(key, { amount: 'lots', currency: 'PKR' })).status).toBe(400);
  expect((await fund(key)).status).toBe(201);
});

test('while the first is still at work a repeat waits for it, and is then told to come back', async () => {
  const key = newKey();
  const first = await fund(key);
  const unanswered = (lease: string) =>
    door.db.owner.query(`UPDATE idempotency_keys SET status = NULL, lease_until = now() + $2::interval WHERE key = $1`, [
      key,
      lease,
    ]);
  await unanswered('1 minute');
  const early = await fund(key);
  expect(early).toMatchObject({ status: 409, body: { code: 'idempotency_key_in_flight' } });
  expect(early.headers['retry-after']).toBe('1');
  // Its lease ends while the repeat waits: the repeat takes over, and adds nothing.
  const before = await fundings();
  await unanswered('1 second');
  const late = await fund(key);
  expect(late.status).toBe(201);
  expect(await fundings()).toBe(before);
  expect(first.status).toBe(201);
});

// Below: the records themselves, where a test can be the caller that dies.

const useOf = (key: string, change: Partial<KeyUse> = {}): KeyUse => ({
  owner: { kind: 'merchant', id: merchant.id },
  mode: 'test',
  key,
  route: 'POST /x',
  fingerprint: '0'.repeat(64),
  ...change,
});

const leased = (key: string, seconds: number) =>
  door.db.owner.query(`UPDATE idempotency_keys SET lease_until = now() + make_interval(secs => $2) WHERE key = $1`, [
    key,
    seconds,
  ]);

const ANSWER = { status: 201, headers: { 'content-type': 'application/json' }, body: '{"a":1}' };

test('of fifty callers of a new key exactly one has it', async () => {
  const { pool } = door.db;
  for (let round = 0; round < 5; round += 1) {
    const key = newKey();
    const states = await Promise.all(Array.from({ length: 50 }, (_, n) => claimKey(pool, useOf(key), () => `res_${n}`)));
    expect(states.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    expect(states.filter(({ kind }) => kind === 'open')).toHaveLength(49);
  }
});

test('who died half-way blocks the key until the lease ends; then one goes on, with the same id', async () => {
  const { pool } = door.db;
  const key = newKey();
  const first = await claimKey(pool, useOf(key), () => 'res_first');
  expect(first).toMatchObject({ kind: 'claimed', lease: { resourceId: 'res_first', isRepeat: false } });
  expect(await claimKey(pool, useOf(key), () => 'res_second')).toMatchObject({ kind: 'open', isLeased: true });
  await leased(key, -1);
  const states = await Promise.all(Array.from({ length: 20 }, () => claimKey(pool, useOf(key), () => 'res_other')));
  const claimed = states.filter((state) => state.kind === 'claimed');
  expect(claimed).toHaveLength(1);
  expect(claimed[0]).toMatchObject({ lease: { resourceId: 'res_first', isRepeat: true } });
});

test('a lease is never longer than the minute that is promised', async () => {
  const { rows } = await door.db.owner.query(
    `SELECT max(lease_until - now()) < interval '60 seconds' AS short FROM idempotency_keys`,
  );
  expect(rows).toEqual([{ short: true }]);
});

test('another request cannot take over an abandoned key', async () => {
  const { pool } = door.db;
  const key = newKey();
  await claimKey(pool, useOf(key), () => 'res_1');
  await leased(key, -1);
  expect(await claimKey(pool, useOf(key, { fingerprint: '1'.repeat(64) }), () => 'res_2')).toEqual({ kind: 'reused' });
  expect(await claimKey(pool, useOf(key, { route: 'POST /y' }), () => 'res_2')).toEqual({ kind: 'reused' });
});

test('who gives up lets the next one in at once; who was overtaken cannot give up for others', async () => {
  const { pool } = door.db;
  const key = newKey();
  const first = await claimKey(pool, useOf(key), () => 'res_1');
  if (first.kind !== 'claimed') throw new Error(first.kind);
  await giveUp(pool, useOf(key), first.lease);
  const second = await claimKey(pool, useOf(key), () => 'res_2');
  expect(second).toMatchObject({ kind: 'claimed', lease: { resourceId: 'res_1', isRepeat: true } });
  await giveUp(pool, useOf(key), first.lease);
  expect(await claimKey(pool, useOf(key), () => 'res_3')).toMatchObject({ kind: 'open', isLeased: true });
});

test('a key that is let go is free at that very moment, not at the next full millisecond', async () => {
  const client = await door.db.pool.connect();
  const one = client as unknown as typeof door.db.pool;
  try {
    for (let left = 20; left > 0; left -= 1) {
      const key = newKey();
      await client.query('BEGIN'); // in which now() stands still
      for (const who of ['res_1', 'res_2']) {
        const claimed = await claimKey(one, useOf(key), () => who);
        expect(claimed).toMatchObject({ kind: 'claimed', lease: { resourceId: 'res_1' } });
        if (claimed.kind === 'claimed') await giveUp(one, useOf(key), claimed.lease);
      }
      await client.query('ROLLBACK');
    }
  } finally {
    client.release(true);
  }
});

test('two that came to work on one thing show one answer: the first that was stored', async () => {
  const { pool } = door.db;
  const key = newKey();
  const first = await claimKey(pool, useOf(key), () => 'res_1');
  await leased(key, -1);
  const second = await claimKey(pool, useOf(key), () => 'res_2');
  if (first.kind !== 'claimed' || second.kind !== 'claimed') throw new Error('not claimed');
  expect(await storeAnswer(pool, useOf(key), second.lease, ANSWER)).toEqual(ANSWER);
  expect(await storeAnswer(pool, useOf(key), first.lease, { ...ANSWER, body: '{"a":2}' })).toEqual(ANSWER);
  expect(await lookAtKey(pool, useOf(key))).toEqual({ kind: 'answered', answer: ANSWER });
});

test('what a 202 showed stays as it was first shown, and the key is free for a repeat', async () => {
  const { pool } = door.db;
  const key = newKey();
  const record = (reference: string) => ({ id: 'po_1', reference }) as PayoutRecord;
  const first = await claimKey(pool, useOf(key), () => 'po_1');
  if (first.kind !== 'claimed') throw new Error(first.kind);
  expect(await keepPending(pool, useOf(key), first.lease, record('first'))).toEqual(record('first'));
  expect(await lookAtKey(pool, useOf(key))).toEqual({ kind: 'open', isLeased: false, pending: record('first') });
  const second = await claimKey(pool, useOf(key), () => 'po_2');
  if (second.kind !== 'claimed') throw new Error(second.kind);
  expect(second.lease.resourceId).toBe('po_1');
  expect(await keepPending(pool, useOf(key), second.lease, record('second'))).toEqual(record('first'));
});

test('after a day a key is new again, with an id of its own', async () => {
  const { pool } = door.db;
  const key = newKey();
  const first = await claimKey(pool, useOf(key), () => 'res_1');
  if (first.kind !== 'claimed') throw new Error(first.kind);
  await storeAnswer(pool, useOf(key), first.lease, ANSWER);
  await door.db.owner.query(
    `UPDATE idempotency_keys SET expires_at = now() - interval '1 second', lease_until = now() - interval '1 day' WHERE key = $1`,
    [key],
  );
  const states = await Promise.all(
    Array.from({ length: 20 }, (_, n) => claimKey(pool, useOf(key, { route: 'POST /y' }), () => `res_new_${n}`)),
  );
  const claimed = states.filter((state) => state.kind === 'claimed');
  expect(claimed).toHaveLength(1);
  expect(claimed[0]).toMatchObject({ lease: { isRepeat: false, resourceId: expect.stringMatching(/^res_new_/) } });
});
