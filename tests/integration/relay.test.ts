/** Guards: every event reaches every receiver that wants it, signed, in order; and no receiver's trouble is another's. */

import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Answer, neverAnswer, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { sealed } from '../support/encryption.ts';
import { newSecret, openWebhookWorld, type WebhookMerchant, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
const receivers: Receiver[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
});
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.close();
  await world.books.db.owner.query(`UPDATE webhook_deliveries SET state = 'failed', resend_from = NULL WHERE state = 'pending'`);
});
afterAll(async () => {
  await world.stop();
});

async function receiver(answer?: Answer): Promise<Receiver> {
  const started = await startReceiver(answer);
  receivers.push(started);
  return started;
}

const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);
const idsOf = ({ received }: Receiver) => received.map(({ headers }) => headers['webhook-id']);
const typesOf = ({ received }: Receiver) => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const resend = (deliveryId: string) => world.books.db.pool.query('SELECT resend_delivery($1)', [deliveryId]);

test('an endpoint and the callbackUrl get each event in order, as api.md shows it, each signed with its own secret', async () => {
  const owner = await world.merchant();
  const [atEndpoint, atCallback] = [await receiver(), await receiver()];
  const { secret } = await world.endpoint(owner, atEndpoint.url);
  const id = await world.books.payout(owner, { amount: 150_000n, callbackUrl: atCallback.url });
  await world.books.told(id, 'attempt_started 1', 'paid 1');

  await world.deliver();

  for (const [each, key] of [[atEndpoint, secret] as const, [atCallback, owner.secret] as const]) {
    expect(typesOf(each)).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);
    for (const { body, headers } of each.received) {
      expect(new Webhook(key).verify(body, headers)).toBeDefined();
      expect(headers['x-signature']).toBe(`sha256=${createHmac('sha256', key).update(body).digest('hex')}`);
      expect(headers['content-type']).toBe('application/json');
    }
    const last = JSON.parse(each.received[2]?.body ?? '{}') as Record<string, unknown>;
    expect(last).toEqual({
      id: `evt_${id.slice(3)}_0003`,
      type: 'payout.succeeded',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      livemode: false,
      sequence: 3,
      data: { object: expect.objectContaining({ id, object: 'payout', status: 'SUCCESS', amount: '1500.00', attempts: 1 }) },
    });
    expect(each.received[2]?.headers['webhook-id']).toBe(last['id']);
  }
  expect(await world.deliveries(id)).toHaveLength(6);
  expect((await world.deliveries(id)).every(({ state, attempts }) => state === 'delivered' && attempts === 1)).toBe(true);
});

test('a receiver that never answers delays nobody else, and is asked once at a time', async () => {
  const owner = await world.merchant();
  const [dead, healthy] = [await receiver(neverAnswer), await receiver()];
  await world.endpoint(owner, dead.url);
  await world.endpoint(owner, healthy.url);
  const id = await world.books.payout(owner);
  await world.books.told(id, 'attempt_started 1', 'paid 1');

  await world.deliver();

  expect(healthy.received).toHaveLength(3);
  expect(dead.received).toHaveLength(1);
  const left = (await world.deliveries(id)).filter(({ state }) => state === 'pending');
  expect(left.map(({ attempts }) => attempts)).toEqual([1, 0, 0]);
});

test('what was refused stays to be delivered, with the answer written down, and keeps its id on the next try', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(500, 'out of order'));
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await world.deliver();
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'pending', attempts: 1, due_in: 5 });
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([
    { number: 1, trigger: 'auto', status_code: 500, response: 'out of order' },
  ]);

  server.answer = say(200, 'thanks');
  await world.deliver();
  expect(server.received).toHaveLength(1); // not before its time
  await world.pass(5_000);
  await world.deliver();

  expect(new Set(idsOf(server)).size).toBe(1);
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{}, { number: 2, status_code: 200, response: 'thanks' }]);
});

test('an event that is put off holds up the later ones of its payout, and of no other', async () => {
  const owner = await world.merchant();
  const [refused, other] = [await world.books.payout(owner), await world.books.payout(owner)];
  const server = await receiver((...call) => say(call[2].body.includes(refused) ? 422 : 200)(...call));
  await world.endpoint(owner, server.url);
  // The endpoint is younger than the first events.
  await world.books.told(refused, 'attempt_started 1');
  await world.books.told(other, 'attempt_started 1', 'paid 1');
  await world.deliver();
  await world.books.told(refused, 'paid 1'); // comes while the one before it waits
  await world.deliver();

  expect(typesOf(server)).toHaveLength(3);
  expect(await world.deliveries(refused)).toMatchObject([
    { state: 'pending', attempts: 1, due_in: 5 },
    { state: 'pending', attempts: 0, due_in: 5 },
  ]);
  expect((await world.deliveries(other)).map(({ state }) => state)).toEqual(['delivered', 'delivered']);

  server.answer = say(200);
  await world.pass(5_000);
  await world.deliver();
  expect(typesOf(server).slice(-2)).toEqual(['payout.processing', 'payout.succeeded']);
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** api.md §3, after the first. */
const WAITS = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

test('an event that is refused for good is tried ten times in all over three days, then its delivery has failed and the next one comes', async () => {
  const owner = await world.merchant();
  const server = await receiver((...call) => say(call[2].body.includes('payout.created') ? 500 : 200)(...call));
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  await world.books.told(id, 'attempt_started 1');

  const waits: number[] = [];
  for (let left = WAITS.length; left > 0; left -= 1) {
    await world.deliver();
    const waitMs = ((await world.deliveries(id))[0]?.due_in ?? 0) * 1_000;
    waits.push(waitMs);
    await world.pass(waitMs + 1_000);
  }
  expect(waits).toEqual(WAITS);
  expect(server.received).toHaveLength(9);
  await world.deliver();

  expect(await world.deliveries(id)).toMatchObject([
    { state: 'failed', attempts: 10, tries: 10 },
    { state: 'delivered', attempts: 1 },
  ]);
  expect(new Set(idsOf(server)).size).toBe(2);
});

test('410 ends the delivery and disables the endpoint; what still waits for it is not sent', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(410));
  const { id: endpointId } = await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await world.books.told(id, 'attempt_started 1');

  await world.deliver();

  expect(server.received).toHaveLength(1);
  expect((await world.deliveries(id)).map(({ state }) => state)).toEqual(['failed', 'failed']);
  const { rows } = await sql('SELECT disabled_at, disabled_reason FROM webhook_endpoints WHERE id = $1', [endpointId]);
  expect(rows).toMatchObject([{ disabled_at: expect.any(Date), disabled_reason: expect.stringContaining('410') }]);
});

test('an endpoint disabled or deleted after the event gets nothing, and the attempts say why', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const { id: endpointId } = await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await sql('UPDATE webhook_endpoints SET disabled_at = now() WHERE id = $1', [endpointId]);

  await world.deliver();
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'failed' });
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{ error: 'endpoint_disabled', status_code: null }]);

  await sql('UPDATE webhook_endpoints SET disabled_at = NULL, deleted_at = now() WHERE id = $1', [endpointId]);
  await resend(delivery?.id ?? '');
  await world.deliver();
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{}, { error: 'endpoint_deleted' }]);
  expect(server.received).toHaveLength(0);
});

test("a live key's webhook never goes to loopback, even where test keys may; it fails for good", async () => {
  const owner = await world.merchant('live');
  const server = await receiver();
  const id = await world.books.payout(owner, { callbackUrl: server.url.replace('http:', 'https:') });

  await world.deliver();
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'failed' });
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{ error: 'blocked_address' }]);
});

test('a resend goes out whatever became of the delivery before, and can only make it better', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  await world.deliver();
  const [delivery] = await world.deliveries(id);
  const deliveryId = delivery?.id ?? '';

  server.answer = say(500);
  await resend(deliveryId);
  await resend(deliveryId); // a second click before it was sent is the same try
  await world.deliver();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 2, tries: 1 }]);
  expect(await world.attempts(deliveryId)).toMatchObject([{ trigger: 'auto' }, { trigger: 'resend', status_code: 500 }]);
  expect(new Set(idsOf(server)).size).toBe(1);
});

test('a resend of what waits for its next try comes at once, and uses up none of the schedule', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(500));
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  await world.deliver();
  await world.pass(5_000);
  await world.deliver();
  const [before] = await world.deliveries(id);
  expect(before).toMatchObject({ state: 'pending', tries: 2, due_in: 300 });

  await resend(before?.id ?? '');
  await world.deliver();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'pending', attempts: 3, tries: 2, due_in: 300 }]);
  server.answer = say(200);
  await resend(before?.id ?? '');
  await world.deliver();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 4 }]);
});

test('of two events of a payout that are asked for again at once, none goes out twice while the receiver thinks about it', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  await world.books.told(id, 'attempt_started 1');
  await world.books.payout(owner, { callbackUrl: server.url });
  const relay = world.relay();
  await relay.settle(); // several at once now
  server.received.length = 0;
  server.answer = (request, response, received) =>
    (received.body.includes('"sequence":1') ? say(200) : neverAnswer)(request, response, received);

  for (const delivery of await world.deliveries(id)) await resend(delivery.id);
  for (let turns = 10; turns > 0; turns -= 1) {
    await relay.work.turn();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(idsOf(server)).toEqual([`evt_${id.slice(3)}_0001`, `evt_${id.slice(3)}_0002`]);
  await relay.work.end();
});

interface Rotation {
  readonly secret: string;
  readonly previous: string;
  /** When the one before stops signing, from now. */
  readonly until: string;
}

const rotations: readonly (readonly [string, (owner: WebhookMerchant, url: string) => Promise<RotatedReceiver>])[] = [
  [
    'an endpoint’s',
    async (owner, url) => {
      const { id, secret } = await world.endpoint(owner, url);
      return {
        secret,
        callbackUrl: null,
        rotate: async (each) =>
          void (await sql(
            `UPDATE webhook_endpoints SET secret = $2, previous_secret = $3, previous_until = now() + $4::interval WHERE id = $1`,
            [id, sealed(each.secret), sealed(each.previous), each.until],
          )),
      };
    },
  ],
  [
    'a callbackUrl’s',
    async (owner, callbackUrl) => ({
      secret: owner.secret,
      callbackUrl,
      rotate: async (each) =>
        void (await sql(
          `INSERT INTO callback_secrets (merchant_id, mode, secret, previous_secret, previous_until)
           VALUES ($1, $2, $3, $4, now() + $5::interval)
           ON CONFLICT (merchant_id, mode) DO UPDATE SET previous_until = excluded.previous_until`,
          [owner.merchantId, owner.mode, sealed(each.secret), sealed(each.previous), each.until],
        )),
    }),
  ],
];

interface RotatedReceiver {
  readonly secret: string;
  readonly callbackUrl: string | null;
  rotate(rotation: Rotation): Promise<void>;
}

test.each(rotations)(
  'while %s secret is rotated both open the webhook, in both kinds; afterwards only the new one',
  async (_whose, made) => {
    const owner = await world.merchant();
    const server = await receiver();
    const { secret, callbackUrl, rotate } = await made(owner, server.url);
    const rotated = newSecret();
    const id = await world.books.payout(owner, callbackUrl === null ? {} : { callbackUrl });

    await rotate({ secret: rotated, previous: secret, until: '1 hour' });
    await world.deliver();
    await rotate({ secret: rotated, previous: secret, until: '-1 second' });
    await world.books.told(id, 'attempt_started 1');
    await world.deliver();

    const [during, after] = server.received;
    if (!during || !after) throw new Error('not received');
    const simple = (key: string, { body }: { body: string }) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
    expect(new Webhook(rotated).verify(during.body, during.headers)).toBeDefined();
    expect(new Webhook(secret).verify(during.body, during.headers)).toBeDefined();
    expect(during.headers).toMatchObject({
      'x-signature': simple(rotated, during),
      'x-signature-previous': simple(secret, during),
    });
    expect(new Webhook(rotated).verify(after.body, after.headers)).toBeDefined();
    expect(() => new Webhook(secret).verify(after.body, after.headers)).toThrow();
    expect(after.headers['x-signature']).toBe(simple(rotated, after));
    expect(after.headers['x-signature-previous']).toBeUndefined();
  },
);

test('a rotation of one kind or mode leaves every other receiver with the secret it holds', async () => {
  const owner = await world.merchant();
  const [atEndpoint, atCallback] = [await receiver(), await receiver()];
  const { secret } = await world.endpoint(owner, atEndpoint.url);
  await sql(
    `INSERT INTO callback_secrets (merchant_id, mode, secret, previous_secret, previous_until) VALUES
       ($1, 'live', $2, $2, now() + interval '1 hour'), ($3, 'test', $2, $2, now() + interval '1 hour')`,
    [owner.merchantId, sealed(newSecret()), (await world.merchant()).merchantId],
  );
  const id = await world.books.payout(owner, { callbackUrl: atCallback.url });
  await world.deliver();
  await sql(
    `INSERT INTO callback_secrets (merchant_id, mode, secret, previous_secret, previous_until)
     VALUES ($1, 'test', $2, $2, now() + interval '1 hour')`,
    [owner.merchantId, sealed(newSecret())],
  );
  await world.books.told(id, 'attempt_started 1');
  await world.deliver();

  for (const [each, key] of [
    [atEndpoint.received[0], secret],
    [atEndpoint.received[1], secret],
    [atCallback.received[0], owner.secret],
  ] as const) {
    expect(new Webhook(key).verify(each?.body ?? '', each?.headers ?? {})).toBeDefined();
    expect(each?.headers['x-signature-previous']).toBeUndefined();
  }
});

test('a merchant who mends the URL gets what is still to come there', async () => {
  const owner = await world.merchant();
  const [wrong, right] = [await receiver(say(404)), await receiver()];
  const { id: endpointId } = await world.endpoint(owner, wrong.url);
  await world.books.payout(owner);
  await world.deliver();

  await sql('UPDATE webhook_endpoints SET url = $2 WHERE id = $1', [endpointId, right.url]);
  await world.pass(5_000);
  await world.deliver();
  expect(right.received).toHaveLength(1);
});

test("one merchant's lost secret holds up no other receiver, and is not the receiver's failure", async () => {
  const owner = await world.merchant();
  const [broken, healthy] = [await receiver(), await receiver()];
  const { id: endpointId } = await world.endpoint(owner, broken.url);
  await world.endpoint(owner, healthy.url);
  await sql(`UPDATE webhook_endpoints SET secret = 'v1:lost:AAAA' WHERE id = $1`, [endpointId]);
  const id = await world.books.payout(owner);
  const troubles: unknown[] = [];

  await world.deliver({ onOurTrouble: (error) => troubles.push(error) });

  expect(troubles).toHaveLength(1);
  expect(healthy.received).toHaveLength(1);
  expect(broken.received).toHaveLength(0);
  expect((await world.deliveries(id)).find(({ state }) => state === 'pending')).toMatchObject({ attempts: 0, tries: 0 });
  expect((await sql('SELECT failures FROM receivers WHERE id = $1', [endpointId])).rows).toEqual([{ failures: 0 }]);
});

test('a host that hangs takes only so many tries at once, whoever has endpoints there', async () => {
  const hanging = await receiver(neverAnswer);
  for (let merchants = 0; merchants < 6; merchants += 1) {
    const owner = await world.merchant();
    await world.endpoint(owner, hanging.url);
    for (let payouts = 0; payouts < 2; payouts += 1) await world.books.payout(owner);
  }
  const relay = world.relay({ limits: { all: 100, perMerchant: 10, perOrigin: 5, doubtful: 100, doubtfulPerMerchant: 10 } });
  await relay.work.turn();
  expect(relay.begun).toHaveLength(5);
  await relay.work.end();
});
