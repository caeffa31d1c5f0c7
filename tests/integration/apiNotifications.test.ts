/** Who may have notifications pushed where, and what admins see of what was told. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newApiKey } from '../../src/crypto/newSecret.ts';
import { newVapidPair } from '../../src/crypto/pushKeys.ts';
import { createOutbox } from '../../src/notify/outbox.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Provider } from '../support/books.ts';
import { openDoor, type Reply } from '../support/door.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { opened } from '../support/encryption.ts';
import { type PushService, startPushService } from '../support/pushService.ts';

const VAPID = newVapidPair();
const VAPID_ENV = { VAPID_PUBLIC_KEY: VAPID.publicKey, VAPID_PRIVATE_KEY: VAPID.privateKey };

type Listed = {
  readonly data: Record<string, unknown>[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
};

let w: DoorWorld;
let service: PushService;
let provider: Provider;
/** One key of this provider. */
let key: string;
beforeAll(async () => {
  [w, service] = await Promise.all([openDoorWorld(VAPID_ENV), startPushService(VAPID.publicKey)]);
});
beforeEach(async () => {
  provider = await w.books.provider({ merchantId: w.a.id, mode: 'test' }, 10_000n);
  key = await keyOf(provider);
});
afterAll(async () => {
  await service.close();
  await w.stop();
});

async function keyOf({ providerId, mode }: Provider): Promise<string> {
  const { key: made, hash, prefix, last4 } = newApiKey(mode === 'live' ? 'vk_live_' : 'vk_test_');
  const values = [newId('key'), hash, providerId, mode, prefix, last4, w.a.id];
  await w.books.db.owner.query(
    `INSERT INTO api_keys (id, hash, owner_kind, owner_id, mode, scopes, prefix, last4, parent_id)
     SELECT $1, $2, 'provider', $3, $4, '{}', $5, $6, id FROM api_keys WHERE owner_kind = 'merchant' AND owner_id = $7 LIMIT 1`,
    values,
  );
  return made;
}

const URL = '/api/provider/push-subscriptions';
const subscribe = (body: unknown, as = key, url = URL) => w.call('POST', url, { key: as, body });
const unsubscribe = (endpoint: unknown, as = key, url = URL) => w.call('DELETE', url, { key: as, body: { endpoint } });
const own = async (as = key, url = URL) => (await w.call<Listed & { vapidPublicKey: string }>('GET', url, { key: as })).body;
const faultsOf = ({ body }: Reply<object>) =>
  (body as { errors: { pointer: string; code: string }[] }).errors.map((each) => [each.pointer, each.code]);
const stored = async (id: unknown) =>
  (await w.books.db.owner.query('SELECT * FROM push_subscriptions WHERE id = $1', [id])).rows[0] as
    | Record<string, string>
    | undefined;

describe('a push subscription', () => {
  test('is made, listed with the key to subscribe under, and removed; its keys are nowhere to be read', async () => {
    const { subscription } = service.browser();
    const made = await subscribe({ ...subscription, expirationTime: null });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^psb_[0-9a-f]{32}$/),
      object: 'push_subscription',
      endpoint: subscription.endpoint,
      createdAt: expect.stringMatching(/Z$/),
    });
    expect(await own()).toMatchObject({ object: 'list', data: [made.body], vapidPublicKey: VAPID.publicKey });
    const { keys = '' } = (await stored(made.body['id'])) ?? {};
    expect(keys).not.toContain(subscription.keys.auth);
    expect(JSON.parse(opened(keys))).toEqual(subscription.keys);

    expect((await unsubscribe(subscription.endpoint)).status).toBe(204);
    expect((await own()).data).toEqual([]);
    expect((await unsubscribe(subscription.endpoint)).status).toBe(404);
  });

  test('made again for the same browser is the same one, with the new keys', async () => {
    const { subscription } = service.browser();
    const first = await subscribe(subscription);
    const { keys } = service.browser().subscription;
    const second = await subscribe({ ...subscription, keys });
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(JSON.parse(opened((await stored(first.body['id']))?.['keys'] ?? ''))).toEqual(keys);
  });

  test("is nobody else's: not another provider's, nor an admin's", async () => {
    const { subscription } = service.browser();
    await subscribe(subscription);
    const other = await keyOf(await w.books.provider({ merchantId: w.a.id, mode: 'test' }));
    expect((await own(other)).data).toEqual([]);
    expect((await unsubscribe(subscription.endpoint, other)).status).toBe(404);
    const operator = w.admins.operator.key;
    expect((await unsubscribe(subscription.endpoint, operator, '/api/admin/push-subscriptions')).status).toBe(404);
    expect((await own()).data).toHaveLength(1);
    expect((await subscribe(subscription, other)).status).toBe(201); // one browser, two accounts
  });

  test.each([
    ['http://10.0.0.1/push', 422, 'blocked_address'],
    ['https://169.254.169.254/latest', 422, 'blocked_address'],
    ['https://[fd00::1]/push', 422, 'blocked_address'],
    ['ftp://push.example.com/', 422, 'scheme_not_allowed'],
    ['https://user:secret@push.example.com/', 422, 'userinfo_not_allowed'],
    ['nowhere', 400, 'invalid_url'],
    ['https://push.example.com/\u0000', 400, 'control_character'],
    [undefined, 400, 'missing'],
  ])('to %s is refused: a push must be no way into a network', async (endpoint, status, code) => {
    const { keys } = service.browser().subscription;
    const refused = await subscribe({ endpoint, keys });
    expect([refused.status, faultsOf(refused)]).toEqual([status, [['/endpoint', code]]]);
  });

  test('of a live key does not go to this machine, where a test key’s may', async () => {
    const live = await keyOf(await w.books.provider({ merchantId: w.a.id, mode: 'live' }));
    expect(await subscribe(service.browser().subscription, live)).toMatchObject({
      status: 422,
      body: { code: 'url_not_allowed' },
    });
  });

  test.each([
    [{ p256dh: 'AAAA' }, '/keys/p256dh'],
    [{ p256dh: Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]).toString('base64url') }, '/keys/p256dh'], // no point of the curve
    [{ p256dh: 'not base64!' }, '/keys/p256dh'],
    [{ auth: Buffer.alloc(15).toString('base64url') }, '/keys/auth'],
    [{ auth: undefined }, '/keys/auth'],
    [{ more: 1 }, '/keys/more'],
  ])('with keys that nothing can be encrypted for is refused: %j', async (change, pointer) => {
    const { endpoint, keys } = service.browser().subscription;
    const refused = await subscribe({ endpoint, keys: { ...keys, ...change } });
    expect([refused.status, faultsOf(refused).map(([at]) => at)]).toEqual([400, [pointer]]);
  });

  test('is one of sixteen at the most, however many are asked for at once', async () => {
    const asked = await Promise.all(Array.from({ length: 20 }, () => subscribe(service.browser().subscription)));
    expect(asked.map(({ status }) => status).sort()).toEqual([...Array<number>(16).fill(201), ...Array<number>(4).fill(422)]);
    expect(asked.find(({ status }) => status === 422)?.body).toMatchObject({ code: 'too_many_subscriptions' });
  });

  test('needs the right key: no merchant, no viewer, nobody unknown', async () => {
    const { subscription } = service.browser();
    expect((await subscribe(subscription, w.a.key)).status).toBe(403);
    expect((await subscribe(subscription, w.admins.admin.key)).status).toBe(403);
    expect((await subscribe(subscription, 'vk_test_nobody00')).status).toBe(401);
    expect((await subscribe(subscription, w.admins.viewer.key, '/api/admin/push-subscriptions')).status).toBe(403);
    expect((await subscribe(subscription, key, '/api/admin/push-subscriptions')).status).toBe(403);
  });

  test('of an admin works the same', async () => {
    const { subscription } = service.browser();
    const { key: operator } = w.admins.operator;
    const admin = '/api/admin/push-subscriptions';
    expect((await subscribe(subscription, operator, admin)).status).toBe(201);
    expect((await own(operator, admin)).data).toHaveLength(1);
    expect((await own(w.admins.approver.key, admin)).data).toEqual([]);
    expect((await unsubscribe(subscription.endpoint, operator, admin)).status).toBe(204);
  });

  test('without a body, or with an unknown field, is refused in words', async () => {
    expect((await w.call('DELETE', URL, { key })).status).toBe(400);
    expect(faultsOf(await w.call('DELETE', URL, { key, body: { endpoint: 'https://x', id: 1 } }))).toEqual([
      ['/id', 'unknown_field'],
    ]);
    expect((await w.call('POST', URL, { key })).status).toBe(400);
  });

  test('is not taken where this installation has no keys to push with', async () => {
    const silent = await openDoor({ db: w.books.db });
    try {
      expect(await silent.call('POST', URL, { key, body: service.browser().subscription })).toMatchObject({
        status: 422,
        body: { code: 'push_not_configured' },
      });
      expect((await silent.call('GET', URL, { key })).body).toMatchObject({ data: [], vapidPublicKey: null });
    } finally {
      await silent.stop();
    }
  });
});

describe('what was told', () => {
  const notifications = async (query = '', as = w.admins.viewer.key) =>
    await w.call<Listed>('GET', `/api/admin/notifications${query}`, { key: as });
  const paid = async (): Promise<string> => {
    await w.books.policy({ minSuccesses: 0, velocityMinRequests: 1_000, amountTimesMean: 1_000 });
    const id = await w.books.payout(provider, { amount: 100n, dispatch: 'now' });
    await w.books.told(id, 'attempt_started 1', 'paid 1');
    return id;
  };

  test('is listed newest first, with what came of it, and found by payout, channel and state', async () => {
    await subscribe(service.browser().subscription);
    const [first, second] = [await paid(), await paid()];
    const { body, text } = await notifications(`?payoutId=${second}`);
    expect(body.data).toHaveLength(2);
    expect(text).not.toMatch(/lease|127\.0\.0\.1/); // where a push goes is a secret of the browser's
    const mail = body.data.find(({ channel }) => channel === 'email');
    expect(mail).toMatchObject({
      object: 'notification',
      kind: 'payout_completed',
      payoutId: second,
      subjectKind: 'payout',
      subjectId: second,
      livemode: false,
      audience: 'provider',
      recipientId: provider.providerId,
      address: 'ada@p.example',
      state: 'pending',
      attempts: 0,
      sentAt: null,
    });

    const outbox = createOutbox(w.books.db.pool, 'test', 60_000);
    await outbox.claim([{ channel: 'email', room: 10, perWay: 10, ways: {}, perMerchant: 10, merchants: {} }], []);
    await outbox.record([{ id: String(mail?.['id']), attempt: 1, state: 'sent', error: null, waitMs: 0, gone: false }]);
    const sent = (await notifications(`?payoutId=${second}&state=sent`)).body.data;
    expect(sent).toMatchObject([{ id: mail?.['id'], state: 'sent', attempts: 1, sentAt: expect.stringMatching(/Z$/) }]);
    expect((await notifications(`?payoutId=${second}&channel=push`)).body.data).toMatchObject([
      { address: expect.stringMatching(/^psb_/) },
    ]);

    const page = (await notifications('?limit=2&channel=email')).body;
    expect(page.data.map(({ payoutId }) => payoutId)).toEqual([second, first]);
  });

  test('that is about an endpoint is of no payout, and says what it is of', async () => {
    await w.books.db.owner.query(
      `INSERT INTO notifications (id, event_key, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address)
       VALUES ($1, $1, 'webhook_endpoint', 'we_1', $2, 'live', 'merchant', $2, 'email', 'endpoint_disabled', 'ops@shop.example')`,
      [newId('ntf'), w.a.id],
    );
    expect((await notifications('?limit=1')).body.data).toMatchObject([
      {
        ...{ kind: 'endpoint_disabled', payoutId: null, eventId: null, subjectKind: 'webhook_endpoint', subjectId: 'we_1' },
        ...{ audience: 'merchant', recipientId: w.a.id, livemode: true },
      },
    ]);
  });

  test('comes a page at a time, nothing twice and nothing left out', async () => {
    await paid();
    await paid();
    const all = (await notifications('?limit=100')).body.data.map(({ id }) => id);
    const paged: unknown[] = [];
    for (let query = '?limit=1'; query !== ''; ) {
      const { body } = await notifications(query);
      paged.push(...body.data.map(({ id }) => id));
      query = body.nextCursor === null ? '' : `?limit=1&cursor=${body.nextCursor}`;
    }
    expect(paged).toEqual(all);
    expect([...all].sort().reverse()).toEqual(all);
  });

  test('is for admins, and an unknown filter is refused in words', async () => {
    expect((await notifications('', key)).status).toBe(403);
    expect(faultsOf(await notifications('?state=lost'))).toEqual([['/state', 'invalid_value']]);
    expect(faultsOf(await notifications('?to=me'))).toEqual([['/to', 'unknown_field']]);
  });
});

test('an admin has an address for notifications, or none', async () => {
  const { key: admin } = w.admins.admin;
  const make = (body: object) => w.call('POST', '/api/admin/admins', { key: admin, body });
  expect(await make({ name: 'Reachable', role: 'approver', email: 'bilal@example.com' })).toMatchObject({
    status: 201,
    body: { email: 'bilal@example.com' },
  });
  expect((await make({ name: 'Silent', role: 'approver' })).body).toMatchObject({ email: null });
  expect(faultsOf(await make({ name: 'Wrong', role: 'approver', email: 'bilal@example.com\r\nBcc: all@example.com' }))).toEqual([
    ['/email', 'invalid_format'],
  ]);
});

test('a merchant has an address for what it must mend, or none, and may be given another', async () => {
  const { key: admin } = w.admins.admin;
  const make = (body: object) => w.call('POST', '/api/admin/merchants', { key: admin, body });
  const made = await make({ name: 'Reachable', email: 'ops@müller.example' });
  expect(made).toMatchObject({ status: 201, body: { email: 'ops@xn--mller-kva.example' } });
  expect((await make({ name: 'Silent' })).body).toMatchObject({ email: null });
  expect(faultsOf(await make({ name: 'Wrong', email: 'ops@shop.example\r\nBcc: all@example.com' }))).toEqual([
    ['/email', 'invalid_format'],
  ]);

  const url = `/api/admin/merchants/${String(made.body['id'])}`;
  const change = (body: object) => w.call('PATCH', url, { key: admin, body });
  expect((await change({ name: 'Renamed' })).body).toMatchObject({ email: 'ops@xn--mller-kva.example' });
  expect((await change({ email: 'new@shop.example' })).body).toMatchObject({ email: 'new@shop.example' });
  expect((await w.call('GET', url, { key: admin })).body).toMatchObject({ email: 'new@shop.example' });
  expect((await change({ email: null })).body).toMatchObject({ email: null });
  expect(faultsOf(await change({ email: 'nobody' }))).toEqual([['/email', 'invalid_format']]);
});
