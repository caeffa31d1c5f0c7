/** Guards: what a person asks for once more is sent once more, whatever the relay is about to do, and moves nothing else. */

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { resend } from '../../src/webhooks/deliveries.ts';
import { openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
let server: Receiver;
beforeAll(async () => {
  world = await openWebhookWorld();
});
afterEach(() => server.close());
afterAll(() => world.stop());

const typeIn = ({ body }: { readonly body: string }): string => (JSON.parse(body) as { type: string }).type;

async function payout(): Promise<string> {
  return await world.books.payout(await world.merchant(), { callbackUrl: server.url });
}

/** A relay that sends, while each first try is in the air and a person asks for another. */
async function deliverWhileAsked(): Promise<void> {
  let isAsked = false;
  await world.deliver({
    send: (real) => async (delivery, signal) => {
      if (!isAsked) await resend(world.books.db.pool, [delivery.id]);
      isAsked = true;
      return await real(delivery, signal);
    },
  });
}

test('a try that is asked for while another is in the air is made when that one was in vain, and the schedule goes on where that one left it', async () => {
  server = await startReceiver(say(500));
  const id = await payout();
  await deliverWhileAsked();
  const [delivery] = await world.deliveries(id);
  expect(delivery).toMatchObject({ state: 'pending', attempts: 2, tries: 1, due_in: 5 });
  expect(await world.attempts(delivery?.id ?? '')).toMatchObject([{ trigger: 'auto' }, { trigger: 'resend' }]);
});

test('what was given up while somebody asked for another try is shown as failed when that was in vain, too', async () => {
  server = await startReceiver(say(500));
  const id = await payout();
  await world.books.db.owner.query('UPDATE webhook_deliveries SET tries = 9 WHERE subject_id = $1', [id]);
  await deliverWhileAsked();
  expect(await world.deliveries(id)).toMatchObject([{ state: 'failed', attempts: 2, tries: 10 }]);
});

test('an earlier event that is sent once more brings no later one forward, which waits for its next try', async () => {
  server = await startReceiver();
  const id = await payout();
  await world.deliver();
  server.answer = (request, response, received) =>
    say(typeIn(received) === 'payout.created' ? 200 : 500)(request, response, received);
  await world.books.told(id, 'attempt_started 1');
  await world.deliver();
  const [first, second] = await world.deliveries(id);
  expect([first, second]).toMatchObject([{ state: 'delivered' }, { state: 'pending', tries: 1 }]);

  await resend(world.books.db.pool, [first?.id ?? '']);
  await world.deliver();
  expect(server.received.map(typeIn)).toEqual(['payout.created', 'payout.processing', 'payout.created']);
  expect(await world.deliveries(id)).toMatchObject([
    { state: 'delivered', attempts: 2 },
    { state: 'pending', tries: 1 },
  ]);
});
