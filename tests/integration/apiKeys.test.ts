/** A merchant's keys, made and revoked by itself: no key gives out more than it has. */
import { PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Door, type Merchant, openDoor } from '../support/door.ts';

let door: Door;
let merchant: Merchant;
let other: Merchant;
beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant();
  other = await door.merchant();
});
afterAll(() => door.stop());

const make = (body: unknown, key = merchant.key, idempotencyKey?: string) =>
  door.call('POST', '/api/v1/api-keys', { key, body, ...(idempotencyKey && { idempotencyKey }) });
const revoke = (id: string, key = merchant.key) => door.call('DELETE', `/api/v1/api-keys/${id}`, { key });
const list = (key = merchant.key) => door.call('GET', '/api/v1/api-keys', { key });
const opens = async (key: string) => (await door.call('GET', '/api/v1/balance', { key })).status;
const soon = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

test('a key that was made opens what its scopes say until it is revoked, is shown once, and each step is written down', async () => {
  const made = await make({ scopes: ['balance:read'] });
  const { id, key } = made.body;
  expect(made).toMatchObject({ status: 201, body: { mode: 'test', scopes: ['balance:read'], merchantId: merchant.id } });
  expect(await opens(key)).toBe(200);
  expect((await door.call('GET', '/api/v1/payouts', { key })).status).toBe(403);
  const listed = await list();
  expect(listed.body.data[0]).toMatchObject({ id, revokedAt: null });
  expect(listed.text).not.toContain(key);
  expect((await revoke(id)).status).toBe(204);
  expect(await opens(key)).toBe(401);
  expect((await revoke(id)).status).toBe(204); // revoked before is as good
  const { rows } = await door.db.owner.query('SELECT admin_id, action, data FROM audit_log WHERE target = $1 ORDER BY id', [id]);
  expect(rows.slice(0, 2)).toEqual([
    {
      admin_id: merchant.id,
      action: 'api_key.create',
      data: { mode: 'test', scopes: ['balance:read'], expiresAt: null, madeWith: expect.stringMatching(/^key_/) },
    },
    { admin_id: merchant.id, action: 'api_key.revoke', data: { revokedWith: expect.stringMatching(/^key_/) } },
  ]);
});

test('sent again it is the same key, and of nobody’s request there are two', async () => {
  const [first, again] = [await make({}, merchant.key, 'once'), await make({}, merchant.key, 'once')];
  expect(again.body).toEqual(first.body);
  expect(await opens(first.body.key)).toBe(200);
});

test('what a stronger key was given, no weaker one of the same merchant gets by sending the same again', async () => {
  const weak = await door.key(merchant.id, { scopes: ['keys:write', 'providers:write', 'webhooks:read'] });
  const name = { externalId: 'v-replay', name: 'Ayesha Khan', email: 'ayesha@example.com' };
  const provider = (await door.call('POST', '/api/v1/providers', { key: merchant.key, body: name })).body.id;
  for (const path of ['/api-keys', '/stream-tokens', `/providers/${provider}/keys`]) {
    const send = (key: string) =>
      door.call('POST', `/api/v1${path}`, { key, body: {}, idempotencyKey: `weekly ${path}`.replace(' ', '-') });
    const strong = await send(merchant.key);
    expect([path, strong.status]).toEqual([path, 201]);
    const replayed = await send(weak);
    expect([path, replayed.status, replayed.body.code]).toEqual([path, 422, 'idempotency_key_reused']);
    expect((await send(merchant.key)).text).toBe(strong.text);
  }
});

/** The request's line and headers first, and its body once `between` is over. */
async function slowly(path: string, key: string, sent: object, between: () => Promise<{ status: number }>): Promise<number> {
  const body = new PassThrough();
  const text = JSON.stringify(sent);
  const headers = {
    'x-api-key': key,
    'x-idempotency-key': 'slow',
    'content-type': 'application/json',
    'content-length': String(text.length),
  };
  const asked = door.app.inject({ method: 'POST', url: path, headers, payload: body });
  body.write(text.slice(0, 1));
  await setTimeout(200); // the key was looked at
  expect((await between()).status).toBe(204);
  body.end(text.slice(1));
  return (await asked).statusCode;
}

test('who is shut out while a request is still coming in leaves no key behind: no merchant’s key, and no admin', async () => {
  const thief = (await make({})).body;
  expect(await slowly('/api/v1/api-keys', thief.key, {}, () => revoke(thief.id))).toBe(401);
  expect((await list()).body.data[0].id).toBe(thief.id);
  const boss = await door.admin('admin');
  for (const [path, body] of [
    [`/api/admin/merchants/${merchant.id}/api-keys`, { mode: 'live' }],
    ['/api/admin/admins', { name: 'Left behind', role: 'admin' }],
  ] as const) {
    const left = await door.admin('admin');
    const shutOut = () => door.call('DELETE', `/api/admin/admins/${left.id}`, { key: boss.key });
    expect([path, await slowly(path, left.key, body, shutOut)]).toEqual([path, 401]);
  }
});

test('a key of another merchant, or of the other mode, is seen and revoked by nobody here', async () => {
  const theirs = (await make({}, other.key)).body;
  const live = (await make({}, merchant.liveKey)).body;
  expect(live).toMatchObject({ mode: 'live', key: expect.stringMatching(/^pk_live_/) });
  for (const { id, key } of [theirs, live]) {
    expect((await list()).text).not.toContain(id);
    expect((await revoke(id)).status).toBe(404);
    expect(await opens(key)).toBe(200);
  }
});

test('no key gives out a scope that it lacks, or a longer time than it has; left out they are its own', async () => {
  const limited = (await make({ scopes: ['keys:read', 'keys:write', 'balance:read'], expiresAt: soon(2) })).body;
  expect(await make({ scopes: ['balance:read', 'payouts:write'] }, limited.key)).toMatchObject({
    status: 403,
    body: { code: 'forbidden', detail: expect.stringContaining('payouts:write') },
  });
  expect(await make({ scopes: ['balance:read'], expiresAt: soon(3) }, limited.key)).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/expiresAt', code: 'outlives_key' }] },
  });
  expect((await make({ scopes: [] }, limited.key)).status).toBe(400); // none would be all of them
  const { scopes, expiresAt } = limited;
  expect((await make({}, limited.key)).body).toMatchObject({ scopes, expiresAt });
  const reader = (await make({ scopes: ['balance:read'] }, limited.key)).body;
  expect(reader).toMatchObject({ scopes: ['balance:read'], expiresAt });
  expect([(await make({}, reader.key)).status, (await list(reader.key)).status]).toEqual([403, 403]);
});

test('who issued a key stands for what the keys that it makes pay: nobody gets around their own approval by one more key', async () => {
  const admin = await door.admin('admin');
  const issued = await door.key(merchant.id, { createdBy: admin.id });
  expect((await make({}, issued)).body.createdBy).toBe(admin.id);
  const grandchild = (await make({}, (await make({}, issued)).body.key)).body;
  expect(grandchild.createdBy).toBe(admin.id);
});

test('with a key the providers’ keys that it made are dead', async () => {
  const made = (await make({})).body;
  const provider = await door.call('POST', '/api/v1/providers', {
    key: made.key,
    body: { externalId: 'v-1', name: 'Ayesha Khan', email: 'ayesha@example.com' },
  });
  expect(provider.status).toBe(201);
  const child = (await door.call('POST', `/api/v1/providers/${provider.body.id}/keys`, { key: made.key, body: {} })).body;
  const earns = async () => (await door.call('GET', '/api/provider/earnings', { key: child.key })).status;
  expect(await earns()).not.toBe(401);
  expect((await revoke(made.id)).status).toBe(204);
  expect(await earns()).toBe(401);
});
