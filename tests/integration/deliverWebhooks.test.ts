/** Guards: every event reaches every receiver that wants it, signed, in order; and no receiver's trouble is another's. */

import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Answer, arrivals, neverAnswer, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { sealed } from '../support/encryption.ts';
import { inActivity, newSecret, openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
const receivers: Receiver[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
});
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.close();
});
afterAll(async () => {
  await world.stop();
});

async function receiver(answer?: Answer): Promise<Receiver> {
  const started = await startReceiver(answer);
  receivers.push(started);
  return started;
}

const idsOf = ({ received }: Receiver) => received.map(({ headers }) => headers['webhook-id']);
const typesOf = ({ received }: Receiver) => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);

test('an endpoint and the callbackUrl get each event in order, as api.md shows it, each signed with its own secret', async () => {
  const owner = await world.merchant();
  const [atEndpoint, atCallback] = [await receiver(), await receiver()];
  const { secret } = await world.endpoint(owner, atEndpoint.url);
  const id = await world.books.payout(owner, { amount: 150_000n, callbackUrl: atCallback.url });
  await world.books.told(id, 'attempt_started 1', 'paid 1');

  expect(await world.deliver(id)).toEqual({ undelivered: [], through: 3, notifications: [] });

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

test('a payout that is paid at once is told in one run, so that webhooks keep up with payouts', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  const staying = world.withPorts({ stayMs: 60_000 });

  const delivering = inActivity(() => staying.deliverWebhooks({ payoutId: id }));
  await arrivals(server, 1);
  await world.books.told(id, 'attempt_started 1');
  await arrivals(server, 2);
  await world.books.told(id, 'paid 1');

  expect(await delivering).toEqual({ undelivered: [], through: 3, notifications: [] });
  expect(typesOf(server)).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);
});

test('a run stays with nobody who waits for a person or a clock', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await world.books.told(id, 'attempt_started 1', 'psp_queued 1');
  const staying = world.withPorts({ stayMs: 60_000 });
  expect(await inActivity(() => staying.deliverWebhooks({ payoutId: id }))).toEqual({
    undelivered: [],
    through: 3,
    notifications: [],
  });
});

test('a receiver that never answers delays nobody else, and is asked once', async () => {
  const owner = await world.merchant();
  const [dead, healthy] = [await receiver(neverAnswer), await receiver()];
  await world.endpoint(owner, dead.url);
  await world.endpoint(owner, healthy.url);
  const id = await world.books.payout(owner);
  await world.books.told(id, 'attempt_started 1', 'paid 1');

  const delivering = world.deliver(id);
  await arrivals(healthy, 3);
  expect(dead.received).toHaveLength(1);

  const { undelivered } = await delivering;
  expect(undelivered).toHaveLength(3);
  expect(dead.received).toHaveLength(1);
  expect(
    (await world.deliveries(id)).filter(({ id: each }) => undelivered.includes(each)).map(({ attempts }) => attempts),
  ).toEqual([1, 0, 0]);
});

test('what was refused stays to be delivered, with the answer written down, and keeps its id on the next try', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(500, 'out of order'));
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);

  const { undelivered } = await world.deliver(id);
  const [delivery] = await world.deliveries(id);
  expect(undelivered).toEqual([delivery?.id]);
  expect(delivery).toMatchObject({ state: 'pending', attempts: 1 });
  const deliveryId = delivery?.id ?? '';
  expect(await world.attempts(deliveryId)).toMatchObject([
    { number: 1, trigger: 'auto', status_code: 500, response: 'out of order' },
  ]);

  server.answer = say(200, 'thanks');
  expect(await world.attempt(deliveryId)).toEqual({ delivered: true, final: true, retryAfterMs: null });
  expect(new Set(idsOf(server)).size).toBe(1);
  expect(await world.attempts(deliveryId)).toMatchObject([{ number: 1 }, { number: 2, status_code: 200, response: 'thanks' }]);
});

test('a run that is repeated after a crash forgets nothing and tries nothing twice that was written down', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(503));
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);

  const first = await world.deliver(id);
  expect(await world.deliver(id)).toEqual(first);
  expect(server.received).toHaveLength(1);
});

test('two workers at once lose no delivery and keep every try', async () => {
  const owner = await world.merchant();
  let answers = 0;
  const server = await receiver((...call) => {
    answers += 1;
    // The one that fails answers last: its "try later" must not undo what was delivered.
    if (answers === 1) setTimeout(() => say(500)(...call), 150);
    else say(200)(...call);
  });
  await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);

  await Promise.all([world.deliver(id), world.deliver(id)]);

  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'delivered', attempts: 2 });
  expect((await world.attempts(delivery?.id ?? '')).map(({ number }) => number)).toEqual([1, 2]);
});

test('410 ends the delivery and disables the endpoint; what still waits for it is not sent', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(410));
  const { id: endpointId } = await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await world.books.told(id, 'attempt_started 1');

  expect((await world.deliver(id)).undelivered).toEqual([]);

  expect(server.received).toHaveLength(1);
  const [first, second] = await world.deliveries(id);
  expect([first?.state, second?.state]).toEqual(['failed', 'failed']);
  const { rows } = await world.books.db.owner.query('SELECT disabled_at, disabled_reason FROM webhook_endpoints WHERE id = $1', [
    endpointId,
  ]);
  expect(rows).toMatchObject([{ disabled_at: expect.any(Date), disabled_reason: expect.stringContaining('410') }]);
  const later = await world.deliver(id);
  expect(later.undelivered).toEqual([]);
});

test('an endpoint disabled or deleted after the event gets nothing, and the attempts say why', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const { id: endpointId } = await world.endpoint(owner, server.url);
  const id = await world.books.payout(owner);
  await world.books.db.owner.query('UPDATE webhook_endpoints SET disabled_at = now() WHERE id = $1', [endpointId]);

  expect((await world.deliver(id)).undelivered).toEqual([]);
  const [delivery] = await world.deliveries(id);
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{ error: 'endpoint_disabled', status_code: null }]);

  await world.books.db.owner.query('UPDATE webhook_endpoints SET disabled_at = NULL, deleted_at = now() WHERE id = $1', [
    endpointId,
  ]);
  expect(await world.attempt(delivery?.id ?? '', { trigger: 'resend' })).toMatchObject({ delivered: false, final: true });
  expect(server.received).toHaveLength(0);
});

test("a live key's webhook never goes to loopback, even where test keys may; it fails for good", async () => {
  const owner = await world.merchant('live');
  const server = await receiver();
  const id = await world.books.payout(owner, { callbackUrl: server.url.replace('http:', 'https:') });

  expect((await world.deliver(id)).undelivered).toEqual([]);
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'failed' });
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{ error: 'blocked_address' }]);
});

test('the last try ends the delivery', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(500));
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  const [delivery] = await world.deliveries(id);

  expect(await world.attempt(delivery?.id ?? '', { isLast: true })).toMatchObject({ delivered: false, final: true });
  expect(await world.deliveries(id)).toMatchObject([{ state: 'failed' }]);
  expect(await world.attempt(delivery?.id ?? '')).toMatchObject({ delivered: false, final: true });
  expect(server.received).toHaveLength(1);
});

test('a resend goes out whatever became of the delivery before, and can only make it better', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const id = await world.books.payout(owner, { callbackUrl: server.url });
  await world.deliver(id);
  const [delivery] = await world.deliveries(id);
  const deliveryId = delivery?.id ?? '';

  server.answer = say(500);
  expect(await world.attempt(deliveryId, { trigger: 'resend' })).toMatchObject({ delivered: true, final: true });
  expect(await world.deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
  expect(await world.attempts(deliveryId)).toMatchObject([{ trigger: 'auto' }, { trigger: 'resend', status_code: 500 }]);
  expect(new Set(idsOf(server)).size).toBe(1);
});

test('while a secret is rotated both open the webhook; afterwards only the new one', async () => {
  const owner = await world.merchant();
  const server = await receiver();
  const { id: endpointId, secret } = await world.endpoint(owner, server.url);
  const rotated = newSecret();
  const rotate = `UPDATE webhook_endpoints SET secret = $2, previous_secret = $3, previous_until = now() + $4::interval WHERE id = $1`;
  const id = await world.books.payout(owner);

  await world.books.db.owner.query(rotate, [endpointId, sealed(rotated), sealed(secret), '1 hour']);
  await world.deliver(id);
  await world.books.db.owner.query(rotate, [endpointId, sealed(rotated), sealed(secret), '-1 second']);
  await world.books.told(id, 'attempt_started 1');
  await world.deliver(id);

  const [during, after] = server.received;
  if (!during || !after) throw new Error('not received');
  expect(new Webhook(rotated).verify(during.body, during.headers)).toBeDefined();
  expect(new Webhook(secret).verify(during.body, during.headers)).toBeDefined();
  expect(new Webhook(rotated).verify(after.body, after.headers)).toBeDefined();
  expect(() => new Webhook(secret).verify(after.body, after.headers)).toThrow();
});

test('a merchant who mends the URL gets what is still to come there', async () => {
  const owner = await world.merchant();
  const [wrong, right] = [await receiver(say(404)), await receiver()];
  const { id: endpointId } = await world.endpoint(owner, wrong.url);
  const id = await world.books.payout(owner);
  const { undelivered } = await world.deliver(id);

  await world.books.db.owner.query('UPDATE webhook_endpoints SET url = $2 WHERE id = $1', [endpointId, right.url]);
  expect(await world.attempt(undelivered[0] ?? '')).toMatchObject({ delivered: true });
  expect(right.received).toHaveLength(1);
});

test("one merchant's lost secret holds up no other receiver", async () => {
  const owner = await world.merchant();
  const [broken, healthy] = [await receiver(), await receiver()];
  const { id: endpointId } = await world.endpoint(owner, broken.url);
  await world.endpoint(owner, healthy.url);
  await world.books.db.owner.query(`UPDATE webhook_endpoints SET secret = 'v1:lost:AAAA' WHERE id = $1`, [endpointId]);
  const id = await world.books.payout(owner);

  const { undelivered } = await world.deliver(id);
  expect(undelivered).toHaveLength(1);
  expect(healthy.received).toHaveLength(1);
  expect(broken.received).toHaveLength(0);
});

test('a host that hangs takes only so many tries at once; the next one is told to come again', async () => {
  const owner = await world.merchant();
  const hanging = await receiver(neverAnswer);
  const id = await world.books.payout(owner, { callbackUrl: hanging.url });
  const [delivery] = await world.deliveries(id);
  const worker = world.withPorts({ timeoutMs: 1_000 });
  const attempt = () =>
    inActivity(() => worker.attemptDelivery({ deliveryId: delivery?.id ?? '', trigger: 'auto', isLast: false }));

  const results = await Promise.allSettled(Array.from({ length: 60 }, attempt));

  const busy = results.filter((each) => each.status === 'rejected');
  expect(busy).toHaveLength(10);
  expect(busy[0]?.reason).toMatchObject({ type: 'ReceiverBusy', nonRetryable: false });
  expect(await attempt()).toMatchObject({ delivered: false, final: false });
});
