/** Guards: what one merchant's receivers do, however many they are, no other merchant feels. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { neverAnswer, type Receiver, startReceiver } from '../../harness/receiver.ts';
import { openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
const receivers: Receiver[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
});
afterAll(async () => {
  for (const each of receivers) await each.close();
  await world.stop();
});

const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);

/** As many receivers of one merchant as it has callbackUrls: each of its payouts may name another server. */
async function callbacks(merchantId: string, count: number, url: string): Promise<void> {
  const id = await world.books.payout({ merchantId, mode: 'test' });
  await sql(
    `INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, url, due_at)
     SELECT 'whd_many_' || n, e.id, e.subject_kind, e.subject_id || n, 1, $1, 'test', 'cb_' || md5(n::text), $4, now() - interval '1 minute'
       FROM events e, generate_series(1, $3::int) n WHERE e.subject_id = $2 AND e.sequence = 1`,
    [merchantId, id, count, url],
  );
}

test("a merchant with 1,500 callback servers that hang keeps no other merchant's webhook waiting", async () => {
  const [hanging, healthy] = [await startReceiver(neverAnswer), await startReceiver()];
  receivers.push(hanging, healthy);
  const [many, other] = [await world.merchant(), await world.merchant()];
  await callbacks(many.merchantId, 1_500, hanging.url);
  const relay = world.relay({ timeoutMs: 15_000 });
  await relay.work.turn();
  await world.endpoint(other, healthy.url);
  await world.books.payout(other);

  for (let turns = 5; turns > 0; turns -= 1) await relay.work.turn();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(healthy.received).toHaveLength(1);
  await relay.work.end();
});
