/** Guards: two relays never change a queue at once, whoever died, froze or was late; and a receiver that is down costs nobody anything. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Answer, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { openWebhookWorld, untilIn5s, type WebhookMerchant, type WebhookWorld } from '../support/webhookWorld.ts';

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

const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);

async function receiver(answer?: Answer): Promise<Receiver> {
  const started = await startReceiver(answer);
  receivers.push(started);
  return started;
}

/** A merchant with one endpoint. */
async function listening(answer?: Answer): Promise<{ owner: WebhookMerchant; server: Receiver; endpointId: string }> {
  const owner = await world.merchant();
  const server = await receiver(answer);
  const { id: endpointId } = await world.endpoint(owner, server.url);
  return { owner, server, endpointId };
}

async function payouts(owner: WebhookMerchant, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 1) ids.push(await world.books.payout(owner));
  return ids;
}

/** The first sequences of each payout in the order in which they came first. */
function orders({ received }: Receiver): Map<string, number[]> {
  const orders = new Map<string, number[]>();
  for (const { body } of received) {
    const { sequence, data } = JSON.parse(body) as { sequence: number; data: { object: { id: string } } };
    const seen = orders.get(data.object.id) ?? [];
    if (!seen.includes(sequence)) seen.push(sequence);
    orders.set(data.object.id, seen);
  }
  return orders;
}

test('two relays that race, with a receiver that fails now and then, keep the order of every payout and lose no event', async () => {
  let answers = 0;
  const { owner, server } = await listening((...call) => say((answers++ * 7) % 4 === 0 ? 503 : 200)(...call));
  const ids = await payouts(owner, 12);
  for (const id of ids) await world.books.told(id, 'attempt_started 1', 'paid 1');
  const relays = [world.relay(), world.relay()];

  for (let left = 40; left > 0; left -= 1) {
    await Promise.all(relays.map(({ settle }) => settle()));
    await world.pass(400_000); // past leases and retries
    const states = await Promise.all(ids.map((id) => world.deliveries(id)));
    if (states.flat().every(({ state }) => state === 'delivered')) break;
  }
  for (const { work } of relays) await work.end();

  expect(orders(server)).toEqual(new Map(ids.map((id) => [id, [1, 2, 3]])));
});

test('what a dead relay had leased is another one’s when its lease has run out, and not before', async () => {
  const { owner, server } = await listening();
  await payouts(owner, 3);
  const dead = world.relay({ send: () => () => new Promise(() => undefined) });
  await dead.work.turn(); // and nothing more is heard of it
  expect(dead.begun).toHaveLength(1);

  const next = world.relay();
  await next.settle();
  expect(server.received).toHaveLength(0);
  await world.pass(20_000);
  await next.settle();
  expect(server.received).toHaveLength(3);
  await next.work.end();
});

test('a relay that was frozen while its lease ran out may have sent, and moves nothing', async () => {
  const { owner, server, endpointId } = await listening();
  const [id = ''] = await payouts(owner, 1);
  let thaw: () => void = () => undefined;
  const frozen = world.relay({
    send: (real) => async (delivery, signal) => {
      await new Promise<void>((resolve) => {
        thaw = resolve;
      });
      server.answer = say(410); // what it hears would end the delivery and switch the endpoint off
      return await real(delivery, signal);
    },
  });
  await frozen.work.turn();
  await world.pass(20_000);
  const next = world.relay();
  server.answer = say(500);
  await next.settle();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'pending', attempts: 1 }]);

  thaw();
  await frozen.settle();
  await frozen.work.end();

  expect(await world.deliveries(id)).toMatchObject([{ state: 'pending', attempts: 1, tries: 1 }]);
  expect((await sql('SELECT disabled_at FROM webhook_endpoints WHERE id = $1', [endpointId])).rows).toEqual([
    { disabled_at: null },
  ]);
  await next.work.end();
});

test('a relay begins nothing that its lease may not outlast', async () => {
  const { owner } = await listening();
  await payouts(owner, 1);
  const late = world.relay({ leaseMs: 1_500, timeoutMs: 2_000 });
  await late.work.turn();
  expect(late.begun).toHaveLength(0);
  await late.work.end();
});

test('what was written down or leased, and whose answer was lost, counts once and is not waited for', async () => {
  const { owner, server } = await listening(say(500));
  const [id = ''] = await payouts(owner, 1);
  let losing = '';
  const relay = world.relay({
    books: (real) => {
      const lost = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
        const answer = await call();
        if (losing !== name) return answer;
        losing = '';
        throw new Error('the connection was lost');
      };
      return {
        take: (...of) => lost('take', () => real.take(...of)),
        record: (...of) => lost('record', () => real.record(...of)),
      };
    },
  });
  losing = 'take';
  await expect(relay.work.turn()).rejects.toThrow('lost');
  await relay.work.turn();
  while (server.received.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  losing = 'record';
  while (losing !== '') await relay.work.turn().catch(() => undefined);
  await relay.settle();
  await relay.work.end();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'pending', attempts: 1, tries: 1 }]);
  expect(await world.attempts((await world.deliveries(id))[0]?.id ?? '')).toHaveLength(1);
});

test('a relay that stops lets go of what it has, and the next one need not wait', async () => {
  const { owner, server } = await listening();
  await payouts(owner, 5);
  const stopping = world.relay({
    send: () => (_delivery, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  await stopping.work.turn();
  await stopping.work.end();
  await world.deliver();
  expect(server.received).toHaveLength(5);
});

const health = async (endpointId: string) => {
  const { rows } = await sql(
    `SELECT failures, failing_since IS NOT NULL AS failing, ${untilIn5s('probe_at')} AS probe_in FROM receivers WHERE id = $1`,
    [endpointId],
  );
  return rows[0];
};

async function failingSince(endpointId: string): Promise<number> {
  const { rows } = await sql('SELECT failing_since AS since FROM receivers WHERE id = $1', [endpointId]);
  return rows[0].since.getTime();
}

test('a receiver that is down is asked by one event at a time, which costs the waiting ones no try; when it is back, all come in order', async () => {
  const { owner, server, endpointId } = await listening(say(500));
  const ids = await payouts(owner, 8);
  for (const id of ids) await world.books.told(id, 'attempt_started 1');
  await world.deliver();
  expect(await health(endpointId)).toMatchObject({ failing: true, probe_in: 5 });
  const began = await failingSince(endpointId);
  const spent = server.received.length;
  expect(spent).toBeGreaterThanOrEqual(5);
  expect(spent).toBeLessThanOrEqual(7); // those in the air when the fifth failed

  let passed = 0;
  for (const [waitMs, nextIn] of [
    [5_000, 30],
    [30_000, 120],
    [120_000, 300],
    [300_000, 300],
  ] as const) {
    await world.deliver();
    const asked = server.received.length;
    await world.pass(waitMs);
    passed += waitMs;
    await world.deliver();
    expect(server.received).toHaveLength(asked + 1);
    expect(await health(endpointId)).toMatchObject({ failing: true, probe_in: nextIn });
    expect(await failingSince(endpointId)).toBe(began - passed); // `pass` moves it; a probe does not
  }
  const waiting = (await Promise.all(ids.map((id) => world.deliveries(id)))).flat();
  expect(waiting.every(({ state }) => state === 'pending')).toBe(true);
  expect(waiting.reduce((sum, { tries }) => sum + tries, 0)).toBe(spent);
  expect(new Set(server.received.slice(spent).map(({ body }) => (JSON.parse(body) as { id: string }).id)).size).toBeGreaterThan(
    1,
  ); // the oldest and the newest in turn

  server.received.length = 0;
  server.answer = say(200);
  await world.pass(300_000);
  await world.deliver();
  expect(orders(server)).toEqual(new Map([...orders(server).keys()].map((id) => [id, [1, 2]])));
  expect(orders(server).size).toBe(8);
  expect(await health(endpointId)).toMatchObject({ failing: false, failures: 0 });
});

test.each([
  [500, 'come with the rest when it answers', 3],
  [503, 'keep their time, for it said "not now"', 1],
])('what a receiver answered %i before it was failing: they %s', async (status, _, told) => {
  const { owner, server, endpointId } = await listening(say(status));
  const first = await payouts(owner, 2);
  await world.deliver();
  await world.pass(5_000);
  await world.deliver();
  const firstDue = async () => (await Promise.all(first.map((id) => world.deliveries(id)))).flat();
  expect(await firstDue()).toMatchObject([
    { tries: 2, due_in: 300 },
    { tries: 2, due_in: 300 },
  ]);
  await payouts(owner, 1);
  await world.deliver();
  expect(await health(endpointId)).toMatchObject({ failing: true });

  server.received.length = 0;
  server.answer = say(200);
  await world.pass(5_000);
  await world.deliver();
  await world.deliver();
  expect(await health(endpointId)).toMatchObject({ failing: false });
  expect(orders(server).size).toBe(told);
  if (told === 1)
    expect(await firstDue()).toMatchObject([
      { state: 'pending', tries: 2, due_in: 295 },
      { state: 'pending', tries: 2, due_in: 295 },
    ]);
});

test('what was put off is no worse off where the receiver only seemed to be back', async () => {
  const { owner, server, endpointId } = await listening(say(500));
  const [first = ''] = await payouts(owner, 2);
  await world.deliver();
  await world.pass(5_000);
  await world.deliver();
  const [third = ''] = await payouts(owner, 1);
  await world.deliver();
  server.answer = (...call) => say(call[2].body.includes(third) ? 200 : 500)(...call);
  await world.pass(5_000);
  await world.deliver();
  expect(await health(endpointId)).toMatchObject({ failing: false });
  expect(await world.deliveries(first)).toMatchObject([{ state: 'pending', attempts: 3, tries: 2, due_in: 300 }]);
});

test('what was put off is tried at once where a person has mended the receiver, or lets it go on', async () => {
  const { owner, server, endpointId } = await listening(say(500));
  await payouts(owner, 2);
  await world.deliver();
  await world.pass(5_000);
  await world.deliver(); // due again in five minutes
  server.received.length = 0;
  server.answer = say(200);
  await sql('SELECT forget_failing($1)', [endpointId]);
  await world.deliver();
  expect(orders(server).size).toBe(2);
});

test('one event that a receiver always refuses stops nobody, and does not make it failing', async () => {
  const { owner, server, endpointId } = await listening();
  const [refused = '', ...others] = await payouts(owner, 30);
  server.answer = (...call) => say(call[2].body.includes(refused) ? 500 : 200)(...call);
  for (let left = 6; left > 0; left -= 1) {
    await world.deliver();
    await world.pass(8 * 3_600_000);
  }
  expect(await health(endpointId)).toMatchObject({ failing: false });
  const states = (await Promise.all(others.map((id) => world.deliveries(id)))).flat();
  expect(states.every(({ state, attempts }) => state === 'delivered' && attempts === 1)).toBe(true);
});

/** In each a probe. */
async function halfDaysGoBy(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    await world.pass(12 * 3_600_000);
    await world.deliver();
  }
}

test('an installation that stood still for a week gives up nothing that waits: nobody has asked the receivers meanwhile', async () => {
  const { owner, server, endpointId } = await listening(say(500));
  const callback = await receiver(say(500));
  const ids: string[] = [];
  for (let left = 6; left > 0; left -= 1) ids.push(await world.books.payout(owner, { callbackUrl: callback.url }));
  await world.deliver();
  await world.pass(7 * 24 * 3_600_000);
  await sql(`UPDATE webhook_deliveries SET created_at = created_at - interval '7 days' WHERE state = 'pending'`);

  await world.deliver(); // they are not up again either
  for (const each of [server, callback]) each.answer = say(200);
  await world.pass(300_000);
  await world.deliver();
  const states = (await Promise.all(ids.map((id) => world.deliveries(id)))).flat().map(({ state }) => state);
  expect(states).toEqual(Array.from({ length: 12 }, () => 'delivered'));
  expect(await health(endpointId)).toMatchObject({ failing: false });
});

test('an endpoint that has not answered for five days is switched off, and what waited for it has failed', async () => {
  const { owner, endpointId } = await listening(say(500));
  const ids = await payouts(owner, 6);
  await world.deliver();
  await halfDaysGoBy(10);
  const { rows } = await sql('SELECT disabled_reason FROM webhook_endpoints WHERE id = $1', [endpointId]);
  expect(rows).toEqual([{ disabled_reason: 'it has not answered for five days' }]);
  expect((await Promise.all(ids.map((id) => world.deliveries(id)))).flat().every(({ state }) => state === 'failed')).toBe(true);
});

test('a callbackUrl that has not answered for five days is asked on, and what has waited as long has failed', async () => {
  const owner = await world.merchant();
  const server = await receiver(say(500));
  const ids: string[] = [];
  for (let left = 6; left > 0; left -= 1) ids.push(await world.books.payout(owner, { callbackUrl: server.url }));
  await world.deliver();
  await halfDaysGoBy(10);
  await world.pass(300_000);
  await sql(`UPDATE webhook_deliveries SET created_at = created_at - interval '5 days 1 second' WHERE state = 'pending'`);
  const young = await world.books.payout(owner, { callbackUrl: server.url });
  await world.deliver();
  const old = (await Promise.all(ids.map((id) => world.deliveries(id)))).flat();
  expect(old.every(({ state }) => state === 'failed')).toBe(true);
  expect((await world.attempts(old[5]?.id ?? '')).at(-1)).toMatchObject({ error: 'expired' });

  server.answer = say(200);
  await world.pass(300_000);
  await world.deliver();
  expect(await world.deliveries(young)).toMatchObject([{ state: 'delivered' }]);
});

test('what a person asks for is sent at once also while the receiver is failing', async () => {
  const { owner, server, endpointId } = await listening(say(500));
  const ids = await payouts(owner, 6);
  await world.deliver();
  expect(await health(endpointId)).toMatchObject({ failing: true });
  const [wanted] = await world.deliveries(ids[3] ?? '');
  const asked = server.received.length;
  await world.books.db.pool.query('SELECT resend_delivery($1)', [wanted?.id]);
  await world.deliver();
  expect(server.received).toHaveLength(asked + 1);
  expect(server.received.at(-1)?.body).toContain(ids[3]);
  expect(await world.attempts(wanted?.id ?? '')).toMatchObject([...(wanted?.attempts ? [{}] : []), { trigger: 'resend' }]);
});

test('a paused endpoint gets nothing and loses nothing', async () => {
  const { owner, server, endpointId } = await listening();
  await sql('UPDATE webhook_endpoints SET paused_at = now() WHERE id = $1', [endpointId]);
  const [id = ''] = await payouts(owner, 1);
  await world.books.told(id, 'attempt_started 1');
  await world.deliver();
  expect(server.received).toHaveLength(0);
  await sql('UPDATE webhook_endpoints SET paused_at = NULL WHERE id = $1', [endpointId]);
  await world.deliver();
  expect(orders(server)).toEqual(new Map([[id, [1, 2]]]));
});
