/** Running an installation: merchants, keys, money that arrives, admins, and the log of who did it. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { opened } from '../support/encryption.ts';

interface Listed {
  readonly data: Record<string, unknown>[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

let w: DoorWorld;
let key: string;
beforeAll(async () => {
  w = await openDoorWorld();
  key = w.admins.admin.key;
});
afterAll(() => w.stop());

const post = (url: string, body?: unknown, headers: Record<string, string> = {}) =>
  w.call('POST', `/api/admin${url}`, { key, body, headers, idempotencyKey: null });
const get = <Body = Record<string, unknown>>(url: string) => w.call<Body>('GET', `/api/admin${url}`, { key });
const codesOf = (body: Record<string, unknown>) =>
  (body['errors'] as { pointer: string; code: string }[]).map((e) => [e.pointer, e.code]);

describe('merchants', () => {
  test('a new merchant has no fee and a review limit of 100,000.00 PKR, and its webhook secret is shown once', async () => {
    const made = await post('/merchants', { name: 'Corner shop' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      object: 'merchant',
      name: 'Corner shop',
      active: true,
      fee: { bps: 0, fixed: {} },
      reviewLimits: { PKR: '100000.00' },
    });
    expect(made.body['webhookSecret']).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const again = await get(`/merchants/${made.body['id']}`);
    const { webhookSecret, ...shown } = made.body;
    expect(again.body).toEqual({ ...shown, debts: [] });
    const { rows } = await w.books.db.owner.query('SELECT webhook_secret FROM merchants WHERE id = $1', [made.body['id']]);
    expect(rows[0].webhook_secret).not.toContain(webhookSecret);
    expect(opened(rows[0].webhook_secret)).toBe(webhookSecret);
  });

  test('fees and limits are decimals of each currency outside and minor units inside', async () => {
    const made = await post('/merchants', {
      name: 'Priced',
      fee: { bps: 150, fixed: { PKR: '10.00', JPY: 5 } },
      reviewLimits: { PKR: null, JPY: '1000', NGN: '0' },
    });
    expect(made.body).toMatchObject({
      fee: { bps: 150, fixed: { PKR: '10.00', JPY: '5' } },
      reviewLimits: { PKR: null, JPY: '1000', NGN: '0.00' },
    });
    const { rows } = await w.books.db.owner.query('SELECT fee, review_limits FROM merchants WHERE id = $1', [made.body['id']]);
    expect(rows[0]).toEqual({
      fee: { bps: 150, fixed: { PKR: '1000', JPY: '5' } },
      review_limits: { PKR: null, JPY: '1000', NGN: '0' },
    });
  });

  test('a change keeps what it does not name, and concurrent changes are all kept', async () => {
    const { body: made } = await post('/merchants', { name: 'Changing', fee: { bps: 10, fixed: { PKR: '1.00' } } });
    const url = `/api/admin/merchants/${made['id']}`;
    const changes = [
      { fee: { fixed: { NGN: '2.00' } } },
      { reviewLimits: { NGN: '5.00' } },
      { active: false },
      { fee: { bps: 20 } },
    ];
    const answers = await Promise.all(changes.map((body) => w.call('PATCH', url, { key, body })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await get(`/merchants/${made['id']}`)).body).toMatchObject({
      name: 'Changing',
      active: false,
      fee: { bps: 20, fixed: { PKR: '1.00', NGN: '2.00' } },
      reviewLimits: { PKR: '100000.00', NGN: '5.00' },
    });
  });

  test('what is wrong in a request is named, and nothing is made of it', async () => {
    const bad = async (body: unknown) => {
      const answer = await post('/merchants', body);
      expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json; charset=utf-8']);
      return codesOf(answer.body);
    };
    expect(await bad({})).toEqual([['/name', 'missing']]);
    expect(await bad({ name: 'x', colour: 'red' })).toEqual([['/colour', 'unknown_field']]);
    expect(await bad({ name: 'a\u0000b' })).toEqual([['/name', 'control_character']]);
    expect(await bad({ name: 'x', fee: { fixed: { PKR: '1.005' } } })).toEqual([['/fee/fixed/PKR', 'too_many_decimals']]);
    expect(await bad({ name: 'x', fee: { fixed: { XXX: '1' } } })).toEqual([['/fee/fixed/XXX', 'unknown_currency']]);
    expect(await bad({ name: 'x', fee: { bps: -1 } })).toEqual([['/fee/bps', 'too_small']]);
    expect(await bad({ name: 'x', reviewLimits: { PKR: '-5' } })).toEqual([['/reviewLimits/PKR', 'invalid_amount']]);
    expect((await post('/merchants?colour=red', { name: 'x' })).status).toBe(400);
  });

  test('an id that cannot be one is 404 like any unknown id', async () => {
    for (const id of ['mer_0', '%00', '%F0%9F%92%B8', 'a%20b', '..%2f..']) {
      const { status, body } = await get(`/merchants/${id}`);
      expect([id, status, body['code']]).toEqual([id, 404, 'not_found']);
    }
  });
});

describe('keys', () => {
  test('a key works until it is revoked, and only its hash is kept', async () => {
    const made = await post(`/merchants/${w.a.id}/api-keys`, { mode: 'test' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ object: 'api_key', mode: 'test', prefix: 'pk_test_', createdBy: w.admins.admin.id });
    const secret = made.body['key'] as string;
    expect(secret).toMatch(/^pk_test_[0-9A-Za-z]{30}$/);
    expect(secret.endsWith(made.body['last4'] as string)).toBe(true);
    expect((await w.call('GET', '/api/v1/balance', { key: secret })).status).toBe(200);
    const { rows } = await w.books.db.owner.query('SELECT * FROM api_keys WHERE id = $1', [made.body['id']]);
    expect(JSON.stringify(rows)).not.toContain(secret);

    const revoke = () => w.call('DELETE', `/api/admin/api-keys/${made.body['id']}`, { key });
    expect([(await revoke()).status, (await revoke()).status]).toEqual([204, 204]);
    expect((await w.call('GET', '/api/v1/balance', { key: secret })).status).toBe(401);
    const listed = await get<Listed>(`/merchants/${w.a.id}/api-keys`);
    expect(listed.body.data[0]).toMatchObject({ id: made.body['id'], revokedAt: expect.any(String) });
    expect(listed.text).not.toContain(secret);
    expect(listed.text).not.toContain(rows[0].hash);
  });

  test('a key can be limited to scopes and to a time', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { body } = await post(`/merchants/${w.a.id}/api-keys`, { mode: 'live', scopes: ['balance:read'], expiresAt });
    expect(body).toMatchObject({ prefix: 'pk_live_', scopes: ['balance:read'], expiresAt });
    const limited = { key: body['key'] as string };
    expect((await w.call('GET', '/api/v1/balance', limited)).status).toBe(200);
    expect((await w.call('GET', '/api/v1/payouts', limited)).status).toBe(403);
    await w.books.db.owner.query(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [body['id']]);
    expect((await w.call('GET', '/api/v1/balance', limited)).status).toBe(401);
    const past = await post(`/merchants/${w.a.id}/api-keys`, { mode: 'live', expiresAt: '2020-01-01T00:00:00Z' });
    expect([past.status, codesOf(past.body)]).toEqual([400, [['/expiresAt', 'not_in_future']]]);
  });
});

describe('money that arrives', () => {
  const fund = (body: Record<string, unknown>) => post(`/merchants/${w.b.id}/fund`, body);
  const available = async (merchantKey: string): Promise<string> => {
    const { body } = await w.call<{ balances: { currency: string; available: string }[] }>('GET', '/api/v1/balance', {
      key: merchantKey,
    });
    return body.balances.find(({ currency }) => currency === 'PKR')?.available ?? '0.00';
  };

  test('the same externalId counts once, whoever repeats it, and other money under it is refused', async () => {
    expect(await available(w.b.liveKey)).toBe('100000.00');
    const body = { amount: '2500.50', currency: 'PKR', mode: 'live', externalId: 'BANK-77' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => fund(body)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect(answers[0]?.body).toMatchObject({ object: 'funding', amount: '2500.50', currency: 'PKR', externalId: 'BANK-77' });
    expect(await available(w.b.liveKey)).toBe('102500.50');
    for (const change of [{ amount: '2500.51' }, { currency: 'NGN' }]) {
      const other = await fund({ ...body, ...change });
      expect([other.status, other.body['code']]).toEqual([409, 'external_id_reused']);
    }
    expect((await fund({ ...body, mode: 'test' })).status).toBe(201); // test and live are two worlds
  });

  test('no money comes of a bad amount, a strange currency or nobody’s account', async () => {
    const body = { amount: '1.00', currency: 'PKR', mode: 'test', externalId: 'X-1' };
    const faults = async (change: Record<string, unknown>) => {
      const answer = await fund({ ...body, ...change });
      expect(answer.status).toBe(400);
      return codesOf(answer.body);
    };
    expect(await faults({ amount: '0' })).toEqual([['/amount', 'amount_zero']]);
    expect(await faults({ amount: '-1' })).toEqual([['/amount', 'invalid_amount']]);
    expect(await faults({ amount: '1e3' })).toEqual([['/amount', 'invalid_amount']]);
    expect(await faults({ currency: 'XXX' })).toEqual([['/currency', 'unknown_currency']]);
    expect(await faults({ externalId: 'ü' })).toEqual([['/externalId', 'not_printable_ascii']]);
    expect(await faults({ mode: 'demo' })).toEqual([['/mode', 'invalid_value']]);
    expect((await post('/merchants/mer_0/fund', body)).status).toBe(404);
  });
});

describe('admins', () => {
  test('a new admin’s key is shown once and works until the admin is deactivated', async () => {
    const made = await post('/admins', { name: 'Bilal', role: 'operator' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ object: 'admin', name: 'Bilal', role: 'operator', active: true });
    const own = { key: made.body['key'] as string };
    expect(own.key).toMatch(/^ak_[0-9A-Za-z]{30}$/);
    expect((await w.call('GET', '/api/admin/payouts', own)).status).toBe(200);
    expect((await get<Listed>('/admins')).text).not.toContain(own.key);
    expect((await w.call('DELETE', `/api/admin/admins/${made.body['id']}`, { key })).status).toBe(204);
    expect((await w.call('GET', '/api/admin/payouts', own)).status).toBe(401);
    const twins = await Promise.all([1, 2, 3].map(() => post('/admins', { name: 'Twin', role: 'viewer' })));
    expect(twins.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  test('an installation is never left without an admin, even if two deactivate each other at once', async () => {
    const other = await w.admin('admin');
    const [first, second] = await Promise.all([
      w.call('DELETE', `/api/admin/admins/${other.id}`, { key }),
      w.call('DELETE', `/api/admin/admins/${w.admins.admin.id}`, { key: other.key }),
    ]);
    const { rows } = await w.books.db.owner.query(`SELECT id FROM admins WHERE role = 'admin' AND active`);
    expect(rows).toHaveLength(1);
    expect([first.status, second.status].filter((status) => status === 204)).toHaveLength(1);
    // Whoever is left goes on here.
    if (rows[0].id === other.id) key = other.key;
    const last = await w.call('DELETE', `/api/admin/admins/${rows[0].id}`, { key });
    expect([last.status, last.body['code']]).toEqual([409, 'last_admin']);
  });
});

describe('repeats', () => {
  test('a repeat under the same key gets the first answer, secret and all, and the database holds none of it in the clear', async () => {
    const headers = { 'idempotency-key': 'make-once' };
    const first = await post('/merchants', { name: 'Once' }, headers);
    const again = await post('/merchants', { name: 'Once' }, headers);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    const { rows } = await w.books.db.owner.query(`SELECT body FROM idempotency_keys WHERE key = 'make-once'`);
    expect(rows).toHaveLength(1);
    expect(rows[0].body).not.toContain('whsec_');
    const reused = await post('/merchants', { name: 'Other' }, headers);
    expect([reused.status, reused.body['code']]).toEqual([422, 'idempotency_key_reused']);
    // Without a key each request is its own.
    const [one, two] = [await post('/merchants', { name: 'Same' }), await post('/merchants', { name: 'Same' })];
    expect(one.body['id']).not.toBe(two.body['id']);
  });

  test('a call that died before it could answer leaves no second merchant, and the repeat shows a secret that works', async () => {
    const headers = { 'idempotency-key': 'died' };
    const first = await post('/merchants', { name: 'Died' }, headers);
    await w.books.db.owner.query(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'died'`,
    );
    const again = await post('/merchants', { name: 'Died' }, headers);
    expect(again.body['id']).toBe(first.body['id']);
    expect(again.body['webhookSecret']).not.toBe(first.body['webhookSecret']);
    const { rows } = await w.books.db.owner.query(`SELECT webhook_secret FROM merchants WHERE name = 'Died'`);
    expect(rows.map((row) => opened(row.webhook_secret))).toEqual([again.body['webhookSecret']]);
  });
});

describe('the audit log', () => {
  test('every action is in it with who, what, on what and the request id, and no secret', async () => {
    const headers = { 'x-request-id': 'trace-1' };
    const merchant = await post('/merchants', { name: 'Audited' }, headers);
    const made = await post(`/merchants/${merchant.body['id']}/api-keys`, { mode: 'test' }, headers);
    await w.call('DELETE', `/api/admin/api-keys/${made.body['id']}`, { key, headers });
    await w.call('PATCH', `/api/admin/merchants/${merchant.body['id']}`, { key, headers, body: { active: false } });
    await post(
      `/merchants/${merchant.body['id']}/fund`,
      { amount: '1', currency: 'PKR', mode: 'test', externalId: 'a' },
      headers,
    );
    const own = await post('/admins', { name: 'Audited admin', role: 'viewer' }, headers);

    const { body, text } = await get<Listed>('/audit?limit=100');
    const traced = body.data.filter((entry) => entry['requestId'] === 'trace-1');
    expect(traced.map((entry) => entry['action'])).toEqual([
      'admin.create', 'merchant.fund', 'merchant.change', 'api_key.revoke', 'api_key.create', 'merchant.create',
    ]); // biome-ignore format: a list
    for (const secret of [merchant.body['webhookSecret'], made.body['key'], own.body['key']]) expect(text).not.toContain(secret);
    const ofMerchant = await get<Listed>(`/audit?target=${merchant.body['id']}`);
    expect(ofMerchant.body.data.map((entry) => entry['action'])).toEqual(['merchant.fund', 'merchant.change', 'merchant.create']);
    expect(ofMerchant.body.data[1]?.['data']).toMatchObject({
      before: { active: true },
      after: { active: false, name: 'Audited' },
    });
    expect((await get<Listed>('/audit?admin=adm_0')).body.data).toEqual([]);
  });

  test('an action that was refused is not in it as if it were done', async () => {
    const before = (await get<Listed>('/audit?limit=100')).body.data.length;
    await post('/merchants/mer_0/api-keys', { mode: 'test' });
    await w.call('PATCH', '/api/admin/merchants/mer_0', { key, body: { name: 'x' } });
    await w.call('DELETE', '/api/admin/admins/adm_0', { key });
    expect((await get<Listed>('/audit?limit=100')).body.data).toHaveLength(before);
  });
});

test('what is answered is what the document says, field by field', async () => {
  const merchant = (await post('/merchants', { name: 'Documented', reviewLimits: { NGN: null } })).body;
  const keys = `/merchants/${merchant['id']}/api-keys`;
  await post(keys, { mode: 'test', scopes: ['payouts:read'] });
  await post(`/merchants/${merchant['id']}/fund`, { amount: '1', currency: 'PKR', mode: 'test', externalId: 'doc' });
  await post('/admins', { name: 'Documented', role: 'viewer' });
  // Each answer is compared where it arrives (tests/support/document.ts); here only that there is something to compare.
  for (const url of ['/merchants', keys, '/admins', '/audit'])
    expect((await get<Listed>(url)).body.data.length).toBeGreaterThan(0);
});

test('lists come a page at a time, the newest first, nothing twice and nothing left out', async () => {
  const all = (await get<Listed>('/merchants?limit=100')).body.data.map(({ id }) => id);
  const paged: unknown[] = [];
  for (let url = '/merchants?limit=3'; url !== ''; ) {
    const { body } = await get<Listed>(url);
    paged.push(...body.data.map(({ id }) => id));
    url = body.nextCursor === null ? '' : `/merchants?limit=3&cursor=${body.nextCursor}`;
  }
  expect(paged).toEqual(all);
  const foreign = (await get<Listed>('/audit?limit=1')).body.nextCursor;
  expect((await get(`/merchants?cursor=${foreign}`)).status).toBe(400);
});
