/** A merchant's webhook endpoints and events: what they are told, and that nobody else is told anything of it. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRelayBooks } from '../../src/relay/books.ts';
import { newId } from '../../src/rules/newId.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { opened } from '../support/encryption.ts';

interface Listed {
  readonly data: Record<string, unknown>[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

const URL_OF = 'https://203.0.114.7/hooks'; // a public address by number: no test depends on DNS
let w: DoorWorld;
beforeAll(async () => {
  w = await openDoorWorld();
});
afterAll(() => w.stop());

const endpoint = async (key: string, body: Record<string, unknown> = {}) =>
  (await w.call('POST', '/api/v1/webhook-endpoints', { key, body: { url: URL_OF, ...body } })).body;
const codesOf = (body: Record<string, unknown>) =>
  (body['errors'] as { pointer: string; code: string }[]).map((e) => [e.pointer, e.code]);
const secretsOf = async (id: unknown) => {
  const { rows } = await w.books.db.owner.query('SELECT secret FROM webhook_endpoints WHERE id = $1', [id]);
  return { stored: JSON.stringify(rows), current: opened(rows[0].secret) };
};

describe('endpoints', () => {
  test('an endpoint is made with a secret that is shown once and kept encrypted', async () => {
    const made = await endpoint(w.a.key, { eventTypes: ['payout.*'] });
    expect(made).toMatchObject({
      object: 'webhook_endpoint',
      url: URL_OF,
      eventTypes: ['payout.*'],
      disabled: false,
      livemode: false,
    });
    expect(made['secret']).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret, ...shown } = made;
    const read = await w.call('GET', `/api/v1/webhook-endpoints/${made['id']}`, { key: w.a.key });
    expect(read.body).toEqual({ ...shown, health: { state: 'ok', since: null, waiting: 0, nextTryAt: null } });
    const listed = await w.call('GET', '/api/v1/webhook-endpoints', { key: w.a.key });
    expect(listed.text).not.toContain(secret);
    const kept = await secretsOf(made['id']);
    expect(kept.current).toBe(secret);
    expect(kept.stored).not.toContain(secret);
  });

  test('a repeat of the creation gets the same secret again, and there is one endpoint', async () => {
    const options = { key: w.b.key, body: { url: URL_OF }, idempotencyKey: 'endpoint-1' };
    const first = await w.call('POST', '/api/v1/webhook-endpoints', options);
    const again = await w.call('POST', '/api/v1/webhook-endpoints', options);
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    const { rows } = await w.books.db.owner.query(`SELECT body FROM idempotency_keys WHERE key = 'endpoint-1'`);
    expect(rows[0].body).not.toContain('whsec_');
    const missing = await w.call('POST', '/api/v1/webhook-endpoints', { ...options, idempotencyKey: null });
    expect([missing.status, missing.body['code']]).toEqual([400, 'idempotency_key_missing']);
  });

  test('a URL into a private network is refused, and loopback is for test keys only', async () => {
    const refused = async (key: string, url: string) => {
      const { status, body } = await w.call('POST', '/api/v1/webhook-endpoints', { key, body: { url } });
      return [status, body['code'], ...codesOf(body).map(([pointer]) => pointer)];
    };
    for (const url of ['https://10.0.0.1/', 'https://192.168.1.1/x', 'https://169.254.169.254/latest', 'https://[fd00::1]/']) {
      expect([url, ...(await refused(w.a.key, url))]).toEqual([url, 422, 'url_not_allowed', '/url']);
    }
    for (const url of ['http://127.0.0.1:9/', 'https://localhost/', 'http://example.com/']) {
      expect([url, ...(await refused(w.a.liveKey, url))]).toEqual([url, 422, 'url_not_allowed', '/url']);
    }
    for (const url of [`${URL_OF}\u0000`, `${URL_OF}\n`, `${URL_OF}\ud800`])
      expect(await refused(w.a.key, url)).toEqual([400, 'invalid_request', '/url']);
    expect(await refused(w.a.key, 'nonsense')).toEqual([400, 'invalid_request', '/url']);
    const local = await w.call('POST', '/api/v1/webhook-endpoints', { key: w.b.key, body: { url: 'http://127.0.0.1:9/' } });
    expect(local.status).toBe(201);
    const made = await endpoint(w.a.key);
    const moved = await w.call('PATCH', `/api/v1/webhook-endpoints/${made['id']}`, {
      key: w.a.key,
      body: { url: 'https://10.0.0.1/' },
    });
    expect([moved.status, moved.body['code']]).toEqual([422, 'url_not_allowed']);
  });

  test('event types that do not exist are refused, with their place', async () => {
    for (const [eventTypes, pointer, code] of [
      [['payout.*', 'payout.exploded'], '/eventTypes/1', 'unknown_event_type'],
      [['payout.fact_ignored'], '/eventTypes/0', 'unknown_event_type'],
      [[], '/eventTypes', 'too_small'],
      ['payout.*', '/eventTypes', 'invalid_type'],
    ]) {
      const { status, body } = await w.call('POST', '/api/v1/webhook-endpoints', {
        key: w.a.key,
        body: { url: URL_OF, eventTypes },
      });
      expect([status, codesOf(body)]).toEqual([400, [[pointer, code]]]);
    }
  });

  test('an endpoint can be changed, switched off and on, and removed', async () => {
    const { id } = await endpoint(w.a.key);
    const url = `/api/v1/webhook-endpoints/${id}`;
    const change = (body: unknown) => w.call('PATCH', url, { key: w.a.key, body });
    expect((await change({ eventTypes: ['payout.failed'] })).body).toMatchObject({ eventTypes: ['payout.failed'], url: URL_OF });
    expect((await change({ disabled: true })).body).toMatchObject({
      disabled: true,
      disabledReason: 'switched off by the merchant',
    });
    expect((await change({ disabled: false })).body).toMatchObject({ disabled: false, disabledReason: null });
    expect((await w.call('DELETE', url, { key: w.a.key })).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await w.call(method, url, { key: w.a.key })).status).toBe(404);
    expect((await change({ disabled: true })).status).toBe(404);
  });

  test('sixteen endpoints are the most, also when they are made at once, and a removed one makes room', async () => {
    const merchant = await w.merchant();
    const make = () => w.call('POST', '/api/v1/webhook-endpoints', { key: merchant.key, body: { url: URL_OF } });
    const answers = await Promise.all(Array.from({ length: 20 }, make));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(16);
    expect(answers.filter(({ body }) => body['code'] === 'too_many_endpoints')).toHaveLength(4);
    const live = await w.call('POST', '/api/v1/webhook-endpoints', { key: merchant.liveKey, body: { url: URL_OF } });
    expect(live.status).toBe(201); // the other mode has its own
    const id = answers.find(({ status }) => status === 201)?.body['id'];
    await w.call('DELETE', `/api/v1/webhook-endpoints/${id}`, { key: merchant.key });
    expect((await make()).status).toBe(201);
  });

  test('a key needs the scope for it', async () => {
    const limited = await w.call('POST', `/api/admin/merchants/${w.a.id}/api-keys`, {
      key: w.admins.admin.key,
      body: { mode: 'test', scopes: ['webhooks:read'] },
    });
    const key = limited.body['key'] as string;
    expect((await w.call('GET', '/api/v1/webhook-endpoints', { key })).status).toBe(200);
    expect((await w.call('POST', '/api/v1/webhook-endpoints', { key, body: { url: URL_OF } })).status).toBe(403);
  });
});

describe('events', () => {
  test('events are listed as their webhooks tell them, the newest first, and by type and payout', async () => {
    const merchant = await w.merchant();
    await w.books.fund({ merchantId: merchant.id, mode: 'test' }, 1_000_000n);
    const payoutId = await w.payoutOf(merchant);
    await w.books.told(payoutId, 'attempt_started 1', 'paid 1');
    const other = await w.payoutOf(merchant);
    const list = async (query: string) =>
      (await w.call<Listed>('GET', `/api/v1/events?${query}`, { key: merchant.key })).body.data;

    const ofPayout = await list(`payoutId=${payoutId}`);
    expect(ofPayout.map((event) => event['type'])).toEqual(['payout.succeeded', 'payout.processing', 'payout.created']);
    expect(ofPayout[0]).toMatchObject({
      id: `evt_${payoutId.slice(3)}_0003`,
      sequence: 3,
      livemode: false,
      data: { object: { id: payoutId, object: 'payout', status: 'SUCCESS', destination: { accountLast4: '0001' } } },
    });
    expect(Object.keys(ofPayout[0] ?? {})).toEqual(['id', 'type', 'timestamp', 'livemode', 'sequence', 'data']);
    expect(JSON.stringify(ofPayout)).not.toContain('12345678900001');
    expect((await list('type=payout.created')).map((event) => event['sequence'])).toEqual([1, 1]);
    expect(await list(`payoutId=${other}&type=payout.failed`)).toEqual([]);
    const one = await w.call('GET', `/api/v1/events/${ofPayout[0]?.['id']}`, { key: merchant.key });
    expect(one.body).toEqual(ofPayout[0]);
    expect((await w.call('GET', '/api/v1/events?type=payout.exploded', { key: merchant.key })).status).toBe(400);
  });

  test('what a PSP said in vain is for the timeline: no list, no event and no resend shows it', async () => {
    const payoutId = await w.payoutOf(w.a);
    await w.books.told(payoutId, 'attempt_started 1', 'failed 1');
    expect((await w.books.tell(payoutId, 'psp_processing', { attempt: 1 })).outcome).toBe('ignored');
    const listed = await w.call('GET', `/api/v1/events?payoutId=${payoutId}`, { key: w.a.key });
    expect(listed.text).not.toContain('fact_ignored');
    const id = `evt_${payoutId.slice(3)}_0004`;
    const { rows } = await w.books.db.owner.query('SELECT type FROM events WHERE id = $1', [id]);
    expect(rows).toEqual([{ type: 'payout.fact_ignored' }]);
    expect((await w.call('GET', `/api/v1/events/${id}`, { key: w.a.key })).status).toBe(404);
    expect((await w.call('POST', `/api/v1/events/${id}/resend`, { key: w.a.key })).status).toBe(404);
  });

  test('a resend is due at once at each receiver, also at endpoints younger than the event, though Temporal is away', async () => {
    const merchant = await w.merchant({ funds: 1_000_000n });
    const { key } = merchant;
    const eventId = `evt_${(await w.payoutOf(merchant)).slice(3)}_0001`;
    const [wants, wantsOther, off] = [
      (await endpoint(key, { eventTypes: ['payout.*'] }))['id'],
      (await endpoint(key, { eventTypes: ['payout.failed'] }))['id'],
      (await endpoint(key))['id'],
    ];
    await w.call('PATCH', `/api/v1/webhook-endpoints/${off}`, { key, body: { disabled: true } });
    const resend = (body?: unknown) => w.call('POST', `/api/v1/events/${eventId}/resend`, { key, body });

    const toAll = await resend();
    expect(toAll.status).toBe(202);
    expect(toAll.body['deliveries']).toMatchObject([{ endpointId: wants, state: 'failed', attempts: 0 }]);
    const toOne = await resend({ endpointId: wantsOther }); // asked for by name: whatever it is subscribed to
    expect(toOne.body['deliveries']).toMatchObject([{ endpointId: wantsOther, eventId, object: 'webhook_delivery' }]);
    const switchedOff = { code: 'endpoint_disabled', detail: expect.stringContaining('PATCH it with {"disabled":false}') };
    expect((await resend({ endpointId: off })).body).toMatchObject(switchedOff);
    const again = await resend(); // the same try, which is not made yet; until then the delivery is shown as it was
    expect(again.body['deliveries']).toEqual(toAll.body['deliveries']);

    const { rows } = await w.books.db.owner.query(
      `SELECT endpoint_id, receiver_id, merchant_id, mode, sequence, state, resend_from, due_at = '-infinity' AS at_once
         FROM webhook_deliveries WHERE event_id = $1 ORDER BY id`,
      [eventId],
    );
    const asked = { merchant_id: merchant.id, mode: 'test', sequence: 1, state: 'pending', resend_from: 'failed', at_once: true };
    expect(rows).toEqual([wants, wantsOther].map((each) => ({ endpoint_id: each, receiver_id: each, ...asked })));
  });
});

describe('isolation', () => {
  test('nothing of one merchant’s is seen or touched with another’s key, or with a key of the other mode', async () => {
    const made = await endpoint(w.a.key);
    const payoutId = await w.payoutOf(w.a);
    const { rows } = await w.books.db.owner.query(
      'SELECT id FROM webhook_deliveries WHERE subject_id = $1 AND endpoint_id = $2',
      [payoutId, made['id']],
    );
    const books = createRelayBooks(w.context.pool, 'a relay', 20_000);
    const { leases } = await books.take([], { all: 500, failing: 0, ofOne: { all: 500, failing: 0 } });
    const lease = leases.find(({ id }) => id === made['id']);
    const refused = { state: 'failed', statusCode: null, error: 'refused', response: null, gone: false } as const;
    const tried = { attempts: 0, trigger: 'auto', spends: true, waitMs: null, durationMs: 5, ...refused } as const;
    await books.record([{ receiver: String(made['id']), epoch: lease?.epoch ?? 0, id: rows[0].id, ...tried }], []);
    const eventId = `evt_${payoutId.slice(3)}_0001`;
    const attempts = await w.call<Listed>('GET', `/api/v1/webhook-endpoints/${made['id']}/attempts`, { key: w.a.key });
    expect(attempts.body.data).toMatchObject([{ object: 'webhook_attempt', number: 1, trigger: 'auto' }]);
    const routes = [
      ['GET', `/api/v1/webhook-endpoints/${made['id']}`],
      ['PATCH', `/api/v1/webhook-endpoints/${made['id']}`, { disabled: true }],
      ['DELETE', `/api/v1/webhook-endpoints/${made['id']}`],
      ['POST', `/api/v1/webhook-endpoints/${made['id']}/secret/rotate`],
      ['GET', `/api/v1/webhook-endpoints/${made['id']}/attempts`],
      ['POST', `/api/v1/webhook-endpoints/${made['id']}/pause`],
      ['POST', `/api/v1/webhook-endpoints/${made['id']}/resume`],
      ['POST', `/api/v1/webhook-endpoints/${made['id']}/recover`, { since: new Date().toISOString() }],
      ['GET', `/api/v1/events/${eventId}`],
      ['POST', `/api/v1/events/${eventId}/resend`],
    ] as const;
    for (const key of [w.b.key, w.b.liveKey, w.a.liveKey]) {
      for (const [method, url, body] of routes) {
        const options = { key, ...(body && { body }) };
        const foreign = await w.call(method, url, options);
        const unknown = await w.call(method, url.replace(/(we|evt)_[0-9a-f_]+/, `$1_${'0'.repeat(32)}`), options);
        expect([method, url, foreign.status]).toEqual([method, url, 404]);
        const same = ({ code, title, detail, status }: Record<string, unknown>) => ({ code, title, detail, status });
        expect(same(foreign.body)).toEqual(same(unknown.body));
      }
      for (const list of [
        '/api/v1/events?limit=100',
        `/api/v1/events?payoutId=${payoutId}`,
        '/api/v1/webhook-endpoints?limit=100',
      ]) {
        const { text } = await w.call('GET', list, { key });
        for (const secret of [made['id'], payoutId, eventId]) expect(text).not.toContain(secret);
      }
    }
    expect((await w.call('GET', `/api/v1/webhook-endpoints/${made['id']}`, { key: w.a.key })).body).toMatchObject({
      disabled: false,
      paused: false,
    });
  });

  test('a merchant cannot have their events sent to another’s endpoint', async () => {
    const foreign = await endpoint(w.b.key);
    const payoutId = await w.payoutOf(w.a);
    const answer = await w.call('POST', `/api/v1/events/evt_${payoutId.slice(3)}_0001/resend`, {
      key: w.a.key,
      body: { endpointId: foreign['id'] },
    });
    expect(answer.status).toBe(404);
    const { rows } = await w.books.db.owner.query('SELECT 1 FROM webhook_deliveries WHERE subject_id = $1 AND endpoint_id = $2', [
      payoutId,
      foreign['id'],
    ]);
    expect(rows).toEqual([]);
  });

  test('a cursor of another merchant, of another list or made up is refused', async () => {
    for (let n = 0; n < 3; n += 1) await w.payoutOf(w.a);
    const { body } = await w.call<Listed>('GET', '/api/v1/events?limit=1', { key: w.a.key });
    expect(body.hasMore).toBe(true);
    for (const [key, url] of [
      [w.b.key, `/api/v1/events?cursor=${body.nextCursor}`],
      [w.a.liveKey, `/api/v1/events?cursor=${body.nextCursor}`],
      [w.a.key, `/api/v1/webhook-endpoints?cursor=${body.nextCursor}`],
      [w.a.key, `/api/v1/events?cursor=${Buffer.from(newId('x')).toString('base64url')}`],
    ] as const) {
      const refused = await w.call('GET', url, { key });
      expect([refused.status, codesOf(refused.body)]).toEqual([400, [['/cursor', 'invalid_cursor']]]);
    }
  });

  test('odd bytes in ids and filters are answered, not a failure of ours', async () => {
    for (const url of ['/events/%00', '/webhook-endpoints/%00', '/webhook-endpoints/%00/attempts', '/events/%ED%A0%80']) {
      const { status } = await w.call('GET', `/api/v1${url}`, { key: w.a.key });
      expect([url, [400, 404].includes(status)]).toEqual([url, true]);
    }
    expect((await w.call('GET', '/api/v1/events?payoutId=%00', { key: w.a.key })).status).toBe(400);
  });
});
