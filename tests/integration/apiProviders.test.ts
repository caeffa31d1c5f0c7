/** What a platform does with its providers: who they are, where they are paid, what they have earned, and with which keys they ask. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACCOUNTS, newProviderBody } from '../../harness/newProvider.ts';
import { hashApiKey } from '../../src/crypto/newSecret.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { makeProvider, past, type TestProvider } from '../support/providers.ts';

let door: Door;
let merchant: Merchant;
let other: Merchant;
beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant();
  other = await door.merchant();
  for (const { key } of [merchant, other]) await call(key, 'POST', '/test/balance/fund', { amount: '1000000', currency: 'NGN' });
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
});

const call = (key: string, method: string, path: string, body?: unknown, idempotencyKey?: string) =>
  door.call(method, `/api/v1${path}`, { key, ...(body !== undefined && { body }), ...(idempotencyKey && { idempotencyKey }) });
const post = (path: string, body: unknown, idempotencyKey?: string) => call(merchant.key, 'POST', path, body, idempotencyKey);
const enter = async (key = merchant.key): Promise<string> => (await call(key, 'POST', '/providers', newProviderBody())).body.id;
const available = async (key = merchant.key) =>
  (await call(key, 'GET', '/balance')).body.balances.find(({ currency }: { currency: string }) => currency === 'NGN').available;
const earningsOf = async ({ key }: TestProvider, query = '') =>
  (await door.call('GET', `/api/provider/earnings${query}`, { key })).body;

/** As if the process had been killed between the work and the record of its answer. */
const forget = (key: string) =>
  door.db.owner.query(
    'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
    [key],
  );

describe('providers', () => {
  test('one is entered, found and verified, and its platform sees it without an account number', async () => {
    const body = newProviderBody();
    const made = await post('/providers', body);
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/api/v1/providers/${made.body.id}`);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^prv_[0-9a-f]{32}$/),
      object: 'provider',
      ...body,
      verified: false,
      bankAccount: null,
      livemode: false,
      createdAt: expect.stringMatching(/Z$/),
    });
    const { id } = made.body;
    expect((await call(merchant.key, 'GET', `/providers/${id}`)).body).toEqual(made.body);
    expect((await post(`/providers/${id}/verify`, { verified: true })).body).toEqual({ ...made.body, verified: true });
    expect((await post(`/providers/${id}/verify`, { verified: false })).body).toEqual(made.body);
    const listed = await call(merchant.key, 'GET', `/providers?externalId=${body['externalId']}`);
    expect(listed.body).toMatchObject({ data: [made.body], hasMore: false });
  });

  test('are listed newest first, page by page', async () => {
    const own = await door.merchant();
    const ids = [await enter(own.key), await enter(own.key), await enter(own.key)].reverse();
    const first = (await call(own.key, 'GET', '/providers?limit=2')).body;
    const rest = (await call(own.key, 'GET', `/providers?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...rest.data].map(({ id }: { id: string }) => id)).toEqual(ids);
    expect((await call(merchant.key, 'GET', `/providers?cursor=${first.nextCursor}`)).status).toBe(400);
  });

  test('an externalId is given once; the repeat of a request gets the same provider, also when the first answer was lost', async () => {
    const body = newProviderBody();
    const first = await post('/providers', body, 'enter-1');
    expect((await post('/providers', body, 'enter-1')).text).toBe(first.text);
    await forget('enter-1');
    expect(await post('/providers', body, 'enter-1')).toMatchObject({ status: 201, text: first.text });
    expect(await post('/providers', body)).toMatchObject({ status: 409, body: { code: 'duplicate_external_id' } });
    // Another merchant, and the same one's other world, have their own.
    expect((await call(other.key, 'POST', '/providers', body)).status).toBe(201);
    const live = await door.key(merchant.id, { mode: 'live' });
    expect(await call(live, 'POST', '/providers', body)).toMatchObject({ status: 201, body: { livemode: true } });
  });

  test.each([
    ['/externalId', 'missing', { externalId: undefined }],
    ['/externalId', 'too_short', { externalId: '' }],
    ['/externalId', 'too_long', { externalId: 'x'.repeat(65) }],
    ['/externalId', 'not_printable_ascii', { externalId: 'ä' }],
    ['/name', 'too_short', { name: '' }],
    ['/name', 'control_character', { name: 'Ada\u0000' }],
    ['/name', 'invalid_type', { name: 7 }],
    ['/email', 'invalid_format', { email: 'ada' }],
    ['/email', 'invalid_format', { email: 'ada@example.com\r\nBcc: all@example.com' }],
    ['/email', 'too_long', { email: `${'a'.repeat(250)}@example.com` }],
    ['/verified', 'unknown_field', { verified: true }],
  ])('a wrong %s is refused by that name (%s)', async (pointer, code, change) => {
    const reply = await post('/providers', newProviderBody(change));
    expect(reply.status).toBe(400);
    expect(reply.body.errors[0]).toMatchObject({ pointer, code });
  });
});

describe('bank accounts', () => {
  const put = (id: string, body: unknown, key = merchant.key) => call(key, 'PUT', `/providers/${id}/bank-account`, body);
  const history = async (id: string) =>
    (
      await door.db.owner.query('SELECT account_number FROM provider_bank_accounts WHERE provider_id = $1 ORDER BY id', [id])
    ).rows.map((row) => row.account_number);

  test('the newest is shown with four digits; all are kept, and the same again is no change', async () => {
    const id = await enter();
    const shown = await put(id, ACCOUNTS.NGN);
    expect(shown).toMatchObject({
      status: 200,
      body: { id, bankAccount: { bankCode: '044', accountLast4: '0031', accountName: 'Ada Obi', since: expect.any(String) } },
    });
    expect(shown.text).not.toContain(ACCOUNTS.NGN.accountNumber);
    expect((await put(id, ACCOUNTS.NGN)).body).toEqual(shown.body);
    expect(await history(id)).toEqual(['0690000031']);
    await put(id, { ...ACCOUNTS.NGN, accountNumber: '0000000042' });
    await put(id, ACCOUNTS.NGN); // back to the first: a change like any other
    expect(await history(id)).toEqual(['0690000031', '0000000042', '0690000031']);
  });

  test('of many changes at once each counts once, and one is the last', async () => {
    const id = await enter();
    const numbers = Array.from({ length: 8 }, (_, index) => `069000010${index}`);
    const replies = await Promise.all(numbers.map((accountNumber) => put(id, { ...ACCOUNTS.NGN, accountNumber })));
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const kept = await history(id);
    expect([...kept].sort()).toEqual(numbers);
    expect((await call(merchant.key, 'GET', `/providers/${id}`)).body.bankAccount.accountLast4).toBe(kept.at(-1)?.slice(-4));
  });

  test('an account entered by a machine whose clock is behind is the newest all the same', async () => {
    const id = await enter();
    await door.db.owner.query(
      `INSERT INTO provider_bank_accounts (id, provider_id, bank_code, account_number, account_name) VALUES ($1, $2, '058', '0000000001', 'Ada')`,
      [`pba_0${'f'.repeat(31)}`, id],
    );
    await put(id, ACCOUNTS.NGN);
    expect((await call(merchant.key, 'GET', `/providers/${id}`)).body.bankAccount).toMatchObject({ accountLast4: '0031' });
    expect(await history(id)).toEqual(['0000000001', '0690000031']);
  });

  test.each([
    ['/bankCode', 'unknown_bank', { bankCode: '999' }],
    ['/bankCode', 'missing', { bankCode: undefined }],
    ['/bankCode', 'invalid_type', { bankCode: 44 }],
    ['/accountNumber', 'invalid_account_number', { accountNumber: '069000003' }],
    ['/accountNumber', 'invalid_account_number', { accountNumber: '06900000311' }],
    ['/accountNumber', 'invalid_type', { accountNumber: 690000031 }],
    ['/accountName', 'missing', { accountName: undefined }],
    ['/accountName', 'too_short', { accountName: '' }],
    ['/iban', 'unknown_field', { iban: 'x' }],
  ])('a wrong %s is refused by that name (%s), and nothing is kept', async (pointer, code, change) => {
    const id = await enter();
    const reply = await put(id, { ...ACCOUNTS.NGN, ...change });
    expect(reply.status).toBe(400);
    expect(reply.body.errors[0]).toMatchObject({ pointer, code });
    expect(await history(id)).toEqual([]);
  });
});

describe('earnings', () => {
  const earn = (id: string, body: Record<string, unknown>, idempotencyKey?: string) =>
    post(`/providers/${id}/earnings`, { amount: '100.00', currency: 'NGN', externalId: 'x', ...body }, idempotencyKey);

  test('move the platform’s money to the provider, once for each name', async () => {
    const provider = await makeProvider(door, merchant);
    const before = await available();
    const externalId = `trip-${provider.id}`;
    const made = await earn(provider.id, { externalId, amount: '250.50', description: 'Trip 7' }, 'earn-1');
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^ern_[0-9a-f]{32}$/),
      object: 'earning',
      providerId: provider.id,
      externalId,
      amount: '250.50',
      currency: 'NGN',
      status: 'AVAILABLE',
      available: '250.50',
      reserved: '0.00',
      paidOut: '0.00',
      description: 'Trip 7',
      payoutIds: [],
      createdAt: expect.any(String),
    });
    expect((await earn(provider.id, { externalId, amount: '250.50' })).body).toEqual(made.body);
    await forget('earn-1');
    const again = await earn(provider.id, { externalId, amount: '250.50', description: 'Trip 7' }, 'earn-1');
    expect(again).toMatchObject({ status: 201, text: made.text });
    expect(Number.parseFloat(before) - Number.parseFloat(await available())).toBeCloseTo(250.5);
    expect(await earningsOf(provider)).toEqual({
      object: 'earnings',
      currency: 'NGN',
      availableBalance: '250.50',
      reservedBalance: '0.00',
      paidOutTotal: '0.00',
      debt: '0.00',
      earnings: [made.body],
      hasMore: false,
      nextCursor: null,
    });
    const [entry] = (await call(merchant.key, 'GET', '/balance/history?limit=1')).body.data;
    expect(entry).toMatchObject({ type: 'EARNING', amount: '250.50', debit: 'available', credit: 'provider:available' });
  });

  test('twenty at once with one name are one earning', async () => {
    const provider = await makeProvider(door, merchant);
    const externalId = `burst-${provider.id}`;
    const replies = await Promise.all(Array.from({ length: 20 }, () => earn(provider.id, { externalId })));
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect((await earningsOf(provider)).availableBalance).toBe('100.00');
  });

  test('the same name with other money, or for another provider, is refused', async () => {
    const { id } = await makeProvider(door, merchant);
    const externalId = `name-${id}`;
    await earn(id, { externalId });
    for (const reply of [
      await earn(id, { externalId, amount: '100.01' }),
      await earn(id, { externalId, currency: 'PKR' }),
      await earn(await enter(), { externalId }),
    ])
      expect(reply).toMatchObject({ status: 409, body: { code: 'external_id_reused' } });
    // Another merchant's names are its own.
    const theirs = await enter(other.key);
    const body = { amount: '100.00', currency: 'NGN', externalId };
    expect((await call(other.key, 'POST', `/providers/${theirs}/earnings`, body)).status).toBe(201);
  });

  test('more than the platform has is refused with nothing changed, and may come later under the same name', async () => {
    const poor = await door.merchant();
    await call(poor.key, 'POST', '/test/balance/fund', { amount: '99.99', currency: 'NGN' });
    const id = await enter(poor.key);
    const ask = () =>
      call(poor.key, 'POST', `/providers/${id}/earnings`, { amount: '100', currency: 'NGN', externalId: `poor-${id}` });
    expect(await ask()).toMatchObject({ status: 400, body: { code: 'insufficient_balance' } });
    expect(await available(poor.key)).toBe('99.99');
    await call(poor.key, 'POST', '/test/balance/fund', { amount: '0.01', currency: 'NGN' });
    expect((await ask()).status).toBe(201);
    expect(await available(poor.key)).toBe('0.00');
  });

  test('thirty at once never give more than there is', async () => {
    const poor = await door.merchant();
    await call(poor.key, 'POST', '/test/balance/fund', { amount: '100', currency: 'NGN' });
    const id = await enter(poor.key);
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        call(poor.key, 'POST', `/providers/${id}/earnings`, {
          amount: '10',
          currency: 'NGN',
          externalId: `rush-${id}-${index}`,
        }),
      ),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(replies.filter(({ status, body }) => status === 400 && body.code === 'insufficient_balance')).toHaveLength(20);
  });

  test.each([
    ['/amount', 'amount_zero', { amount: '0' }],
    ['/amount', 'too_many_decimals', { amount: '1.001' }],
    ['/amount', 'missing', { amount: undefined }],
    ['/currency', 'unknown_currency', { currency: 'XYZ' }],
    ['/currency', 'missing', { currency: undefined }],
    ['/externalId', 'missing', { externalId: undefined }],
    ['/description', 'too_long', { description: 'x'.repeat(501) }],
    ['/note', 'unknown_field', { note: 'x' }],
  ])('a wrong %s is refused by that name (%s)', async (pointer, code, change) => {
    const reply = await earn(await enter(), change);
    expect(reply.status).toBe(400);
    expect(reply.body.errors[0]).toMatchObject({ pointer, code });
  });

  test('are shown by what became of them: held, split over payouts, paid, and free again', async () => {
    const provider = await makeProvider(door, merchant, { earned: ['10.00', '10.00', '10.00'] });
    const paid = await past(door, provider, { daysAgo: 0, amountMinor: 1_500n });
    await past(door, provider, { daysAgo: 0, amountMinor: 1_000n, outcome: 'FAILED' });
    const { earnings, ...sums } = await earningsOf(provider);
    expect(sums).toMatchObject({ availableBalance: '15.00', reservedBalance: '0.00', paidOutTotal: '15.00' });
    expect(
      earnings.map((each: Record<string, unknown>) => [each['status'], each['available'], each['paidOut'], each['payoutIds']]),
    ).toEqual([
      ['AVAILABLE', '10.00', '0.00', []],
      ['AVAILABLE', '5.00', '5.00', [paid.id]],
      ['PAID_OUT', '0.00', '10.00', [paid.id]],
    ]);
    const first = await earningsOf(provider, '?limit=2');
    expect(first).toMatchObject({ hasMore: true, paidOutTotal: '15.00' });
    const rest = await earningsOf(provider, `?limit=2&cursor=${first.nextCursor}`);
    expect([...first.earnings, ...rest.earnings]).toEqual(earnings);
    expect(await earningsOf(provider, '?currency=PKR')).toMatchObject({
      currency: 'PKR',
      availableBalance: '0.00',
      earnings: [],
    });
    expect((await door.call('GET', '/api/provider/earnings?currency=XYZ', { key: provider.key })).status).toBe(400);
  });
});

describe('keys', () => {
  test('one is shown once, kept as a hash only, opens the provider’s routes, and is dead at once when revoked', async () => {
    const id = await enter();
    const made = await post(`/providers/${id}/keys`, {}, 'key-1');
    expect(made.body).toEqual({
      id: expect.stringMatching(/^key_/),
      object: 'provider_key',
      providerId: id,
      key: expect.stringMatching(/^vk_test_[A-Za-z0-9]{30}$/),
      prefix: 'vk_test_',
      last4: made.body.key.slice(-4),
      madeBy: expect.stringMatching(/^key_/),
      createdAt: expect.any(String),
      expiresAt: null,
      revokedAt: null,
    });
    expect((await post(`/providers/${id}/keys`, {}, 'key-1')).text).toBe(made.text);
    const { rows } = await door.db.owner.query(
      'SELECT k::text AS line FROM api_keys k UNION ALL SELECT i::text FROM idempotency_keys i',
    );
    expect(rows.filter(({ line }) => line.includes(made.body.key))).toEqual([]);
    const use = () => door.call('GET', '/api/provider/earnings', { key: made.body.key });
    expect((await use()).status).toBe(200);
    const revoke = (keyId: string, key = merchant.key) => call(key, 'DELETE', `/providers/${id}/keys/${keyId}`);
    expect((await revoke(made.body.id, other.key)).status).toBe(404);
    expect((await revoke('key_nobody')).status).toBe(404);
    expect((await use()).status).toBe(200);
    expect((await revoke(made.body.id)).status).toBe(204);
    expect((await revoke(made.body.id)).status).toBe(204);
    expect((await use()).status).toBe(401);
  });

  test('a live merchant’s provider gets a live key; with its merchant switched off it opens nothing', async () => {
    const live = await door.merchant({ mode: 'live' });
    const { key } = (await call(live.key, 'POST', `/providers/${await enter(live.key)}/keys`)).body;
    expect(key).toMatch(/^vk_live_/);
    expect((await door.call('GET', '/api/provider/earnings', { key })).status).toBe(200);
    await door.db.owner.query('UPDATE merchants SET active = false WHERE id = $1', [live.id]);
    expect((await door.call('GET', '/api/provider/earnings', { key })).status).toBe(401);
  });

  test('whoever issued the merchant’s key stands behind the keys it makes', async () => {
    const admin = await door.admin('admin');
    const key = await door.key(merchant.id, { createdBy: admin.id });
    const made = await call(key, 'POST', `/providers/${await enter()}/keys`);
    const { rows } = await door.db.owner.query('SELECT created_by, owner_kind, owner_id FROM api_keys WHERE id = $1', [
      made.body.id,
    ]);
    expect(rows).toEqual([{ created_by: admin.id, owner_kind: 'provider', owner_id: made.body.providerId }]);
  });
});

describe('a key of a provider has an end', () => {
  const open = async (key: string) => (await door.call('GET', '/api/provider/earnings', { key })).status;
  const keyIdOf = async (key: string) => {
    const { rows } = await door.db.owner.query('SELECT id FROM api_keys WHERE hash = $1', [hashApiKey(key)]);
    return String(rows[0]?.id);
  };
  /** A merchant's further key, and one that a provider got by it. */
  async function family(): Promise<{ parent: string; child: string }> {
    const parent = await door.key(merchant.id);
    return { parent, child: (await call(parent, 'POST', `/providers/${await enter()}/keys`)).body.key };
  }

  test('a stolen merchant key that is revoked takes the providers’ keys that it made with it, and no others', async () => {
    const [one, two] = [await family(), await family()];
    const admin = await door.admin('admin');
    const revoked = await door.call('DELETE', `/api/admin/api-keys/${await keyIdOf(one.parent)}`, { key: admin.key });
    expect([revoked.status, await open(one.child), await open(two.child)]).toEqual([204, 401, 200]);
    const { rows } = await door.db.owner.query('SELECT revoked_at FROM api_keys WHERE hash = $1', [hashApiKey(one.child)]);
    expect(rows[0]?.revoked_at).not.toBeNull();
  });

  test('one that is made while its maker is being revoked, or whose maker has expired, opens nothing', async () => {
    const [revoked, expired] = [await family(), await family()];
    const change = (set: string, key: string) =>
      door.db.owner.query(`UPDATE api_keys SET ${set} WHERE hash = $1`, [hashApiKey(key)]);
    await change('revoked_at = now()', revoked.parent);
    await change(`expires_at = now() - interval '1 second'`, expired.parent);
    expect([await open(revoked.child), await open(expired.child)]).toEqual([401, 401]);
  });

  test('it is over at the time that was asked for, which is in the future', async () => {
    const id = await enter();
    const past = await post(`/providers/${id}/keys`, { expiresAt: '2020-01-01T00:00:00Z' });
    expect(past).toMatchObject({ status: 400, body: { errors: [{ pointer: '/expiresAt', code: 'not_in_future' }] } });
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await post(`/providers/${id}/keys`, { expiresAt });
    expect([made.body.expiresAt, await open(made.body.key)]).toEqual([expiresAt, 200]);
    await door.db.owner.query(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [made.body.id]);
    expect(await open(made.body.key)).toBe(401);
  });

  test('a merchant and an admin see which there are, and nobody else’s', async () => {
    const platform = await door.merchant();
    const providers = [await enter(platform.key), await enter(platform.key)];
    const made: string[] = [];
    for (const id of providers) made.push((await call(platform.key, 'POST', `/providers/${id}/keys`)).body.id);
    const ids = (reply: Reply) => reply.body.data.map(({ id }: { id: string }) => id);
    expect(ids(await call(platform.key, 'GET', `/providers/${providers[0]}/keys`))).toEqual([made[0]]);
    expect(ids(await call(platform.key, 'GET', '/provider-keys'))).toEqual([made[1], made[0]]);
    expect(ids(await call(await door.key(platform.id, { mode: 'live' }), 'GET', '/provider-keys'))).toEqual([]);
    const page = await call(platform.key, 'GET', '/provider-keys?limit=1');
    expect(ids(await call(platform.key, 'GET', `/provider-keys?limit=1&cursor=${page.body.nextCursor}`))).toEqual([made[0]]);
    const admin = await door.admin('admin');
    const shown = await door.call('GET', `/api/admin/merchants/${platform.id}/provider-keys`, { key: admin.key });
    expect(ids(shown)).toEqual([made[1], made[0]]);
    expect(shown.text).not.toMatch(/vk_test_[A-Za-z0-9]/);
  });

  test('all of a merchant’s can be ended at once, by the merchant in its mode and by an admin in both', async () => {
    const platform = await door.merchant();
    const live = await door.key(platform.id, { mode: 'live' });
    const make = async (key: string) => (await call(key, 'POST', `/providers/${await enter(key)}/keys`)).body.key;
    const keys = [await make(platform.key), await make(live)];
    const stranger = await make(merchant.key);
    expect((await call(platform.key, 'DELETE', '/provider-keys')).status).toBe(204);
    expect(await Promise.all([...keys, stranger].map(open))).toEqual([401, 200, 200]);
    const admin = await door.admin('admin');
    const path = `/api/admin/merchants/${platform.id}/provider-keys`;
    expect((await door.call('DELETE', path, { key: admin.key })).status).toBe(204);
    expect(await Promise.all([...keys, stranger].map(open))).toEqual([401, 401, 200]);
    const audit = await door.call('GET', '/api/admin/audit?limit=1', { key: admin.key });
    expect(audit.body.data[0]).toMatchObject({ action: 'provider_keys.revoke', target: platform.id });
  });
});

describe('who may do what', () => {
  const ROUTES: readonly (readonly [method: string, path: string, body: unknown])[] = [
    ['GET', '', undefined],
    ['POST', '/verify', { verified: true }],
    ['PUT', '/bank-account', ACCOUNTS.NGN],
    ['POST', '/earnings', { amount: '1', currency: 'NGN', externalId: 'z' }],
    ['POST', '/keys', {}],
    ['GET', '/payouts', undefined],
  ];

  test.each(ROUTES)('another merchant’s provider is as unknown as nobody’s: %s %s', async (method, path, body) => {
    const id = await enter();
    const live = await door.key(merchant.id, { mode: 'live' });
    const bare = async (key: string, ofId: string) => {
      const reply = await call(key, method, `/providers/${ofId}${path}`, body);
      return { status: reply.status, code: reply.body?.code, detail: reply.body?.detail };
    };
    const unknown = await bare(merchant.key, `prv_${'0'.repeat(32)}`);
    expect(unknown).toMatchObject({ status: 404, code: 'not_found' });
    for (const key of [other.key, live]) expect(await bare(key, id)).toEqual(unknown);
    expect(await bare(merchant.key, '%00')).toEqual(unknown);
  });

  test.each(ROUTES)('a provider’s and an admin’s key are refused: %s %s', async (method, path, body) => {
    const provider = await makeProvider(door, merchant);
    const admin = await door.admin('admin');
    for (const key of [provider.key, admin.key]) {
      expect(await call(key, method, `/providers/${provider.id}${path}`, body)).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
    }
  });

  test('a scope opens what it says', async () => {
    const reader = await door.key(merchant.id, { scopes: ['providers:read'] });
    const writer = await door.key(merchant.id, { scopes: ['providers:write'] });
    const id = await enter();
    expect((await call(reader, 'GET', `/providers/${id}`)).status).toBe(200);
    expect((await call(reader, 'POST', `/providers/${id}/verify`, { verified: true })).status).toBe(403);
    expect((await call(writer, 'POST', `/providers/${id}/verify`, { verified: true })).status).toBe(200);
    expect((await call(writer, 'GET', `/providers/${id}`)).status).toBe(403);
    const payer = await door.key(merchant.id, { scopes: ['payouts:write'] });
    expect((await call(payer, 'POST', `/providers/${id}/keys`)).status).toBe(403);
  });

  test('no merchant route opens to a provider’s key, and every provider route wants one', async () => {
    const provider = await makeProvider(door, merchant);
    const admin = await door.admin('admin');
    for (const path of ['/payouts', '/balance', '/events', '/webhook-endpoints', '/providers'])
      expect([path, (await call(provider.key, 'GET', path)).status]).toEqual([path, 403]);
    expect((await door.call('GET', '/api/admin/payouts', { key: provider.key })).status).toBe(403);
    const id = `po_${'0'.repeat(32)}`;
    for (const [method, path] of [
      ['POST', '/api/provider/payouts'],
      ['POST', '/api/payouts'],
      ['GET', '/api/provider/payouts'],
      ['GET', `/api/provider/payouts/${id}`],
      ['GET', `/api/provider/payouts/${id}/timeline`],
      ['POST', `/api/provider/payouts/${id}/cancel`],
      ['GET', '/api/provider/earnings'],
    ] as const) {
      const statuses = [];
      for (const key of [undefined, `vk_test_${'x'.repeat(30)}`, merchant.key, admin.key])
        statuses.push((await door.call(method, path, key === undefined ? {} : { key })).status);
      expect([path, ...statuses]).toEqual([path, 401, 401, 403, 403]);
    }
  });
});
