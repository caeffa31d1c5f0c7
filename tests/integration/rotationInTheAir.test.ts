/** Guards: once a rotation is answered, every webhook that is begun is signed with the new secret, and nothing waits for it. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '../../harness/receiver.ts';
import type { Send } from '../../src/relay/sender.ts';
import { type Door, openDoor } from '../support/door.ts';
import { opened } from '../support/encryption.ts';
import { openWebhookWorld, type TestRelay, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
let door: Door;
const receivers: Receiver[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
  door = await openDoor({ db: world.books.db });
});
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.close();
  await world.books.db.owner.query(`UPDATE webhook_deliveries SET state = 'failed' WHERE state = 'pending'`);
});
afterAll(async () => {
  await door.stop();
  await world.stop();
});

async function server(): Promise<Receiver> {
  const receiver = await startReceiver();
  receivers.push(receiver);
  return receiver;
}

/** A relay whose sends wait until they are let go. */
function holding(): TestRelay & { letGo(): void } {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const send =
    (real: Send): Send =>
    async (delivery, signal) => {
      await held;
      return await real(delivery, signal);
    };
  return { ...world.relay({ send }), letGo };
}

const MANY = 6;

test.each(['an endpoint', 'callbackUrls'])(
  'what a relay has in its hands for %s, and has not begun to send, is signed with the new secret',
  async (whose) => {
    const merchant = await door.merchant({ funds: 10_000_000n });
    const owner = { merchantId: merchant.id, mode: 'test' } as const;
    const { url } = await server();
    const isCallback = whose === 'callbackUrls';
    const path = isCallback ? '/api/v1/merchant' : `/api/v1/webhook-endpoints/${(await world.endpoint(owner, url)).id}`;
    for (let n = 0; n < MANY; n += 1) await world.books.payout(owner, isCallback ? { callbackUrl: url } : {});

    const { work, settle, begun, letGo } = holding();
    await work.turn();
    await work.turn(); // at first it takes no more than it sends at once
    const inTheAir = begun.length;
    expect(inTheAir).toBeLessThan(MANY); // the rest is in its hands

    const rotate = `${path}/${isCallback ? 'webhook-secret' : 'secret'}/rotate`;
    const { status, body } = await door.call('POST', rotate, { key: merchant.key });
    expect(status).toBe(200);
    await work.turn();
    letGo();
    await settle();
    await work.end();

    const later = begun.slice(inTheAir);
    expect(new Set(later.map(({ secret }) => opened(secret)))).toEqual(new Set([body.secret]));
    expect(new Set(begun.map(({ id }) => id)).size).toBe(MANY); // and none is lost
  },
);

test('a rotation for callbackUrls takes from the relay what waits for them alone: not endpoints, not the other mode, not who has all', async () => {
  const merchant = await door.merchant({ funds: 10_000_000n });
  const [test, live] = (['test', 'live'] as const).map((mode) => ({ merchantId: merchant.id, mode }));
  if (!test || !live) throw new Error('two modes');
  const other = await world.merchant();
  const servers = await Promise.all(Array.from({ length: 5 }, server));
  const [hook, waits, done, others, inLive] = servers.map(({ url }) => url);
  const { id: endpointId } = await world.endpoint(test, hook ?? '');
  await world.books.payout(test, { callbackUrl: done ?? '' });
  await world.deliver(); // this one has all, and is released
  await world.books.payout(test, { callbackUrl: waits ?? '' });
  await world.books.payout(other, { callbackUrl: others ?? '' });
  await world.books.fund(live, 1_000_000n);
  await world.books.payout(live, { callbackUrl: inLive ?? '' });
  const { work, settle, letGo } = holding();
  await work.turn();
  const leases = async () =>
    (
      await world.books.db.owner.query(
        `SELECT coalesce(endpoint_id, merchant_id) AS of, lease_epoch AS epoch, lease_holder IS NOT NULL AS leased FROM receivers
        WHERE merchant_id = ANY ($1) ORDER BY id`,
        [[merchant.id, other.merchantId]],
      )
    ).rows as { of: string; epoch: number; leased: boolean }[];
  const before = await leases();
  await door.call('POST', '/api/v1/merchant/webhook-secret/rotate', { key: merchant.key });
  const after = await leases();
  const changed = after.filter((each, at) => JSON.stringify(each) !== JSON.stringify(before[at]));
  expect(changed.map(({ of, leased }) => [of, leased])).toEqual([[merchant.id, false]]);
  expect(after.find(({ of }) => of === endpointId)?.leased).toBe(true);
  letGo();
  await settle();
  await work.end();
});

test('a relay that leases a callbackUrl for the first time while its secret is rotated signs with the new one', async () => {
  const merchant = await door.merchant({ funds: 10_000_000n });
  const { url, received } = await server();
  await world.books.payout({ merchantId: merchant.id, mode: 'test' }, { callbackUrl: url });
  const client = await world.books.db.owner.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT relay_take('other', 20000, '[]', 500, 50, '{500,50}')`); // with the secret of before
    let isAnswered = false;
    const rotating = door.call('POST', '/api/v1/merchant/webhook-secret/rotate', { key: merchant.key }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await Promise.race([rotating, new Promise((resolve) => setTimeout(resolve, 300))]);
    expect(isAnswered).toBe(false); // or it could not know of that lease
    await client.query('COMMIT');
    expect((await rotating).status).toBe(200);
  } finally {
    client.release(true);
  }
  await world.deliver(); // by another one, at once
  expect(received).toHaveLength(1);
});
