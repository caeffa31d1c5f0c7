/** An operator has a webhook sent once more. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';

let w: DoorWorld;
beforeAll(async () => {
  w = await openDoorWorld();
});
afterAll(() => w.stop());

test('a webhook that a merchant never got is tried at once when an operator asks for it, and who asked is written down', async () => {
  const payout = await w.books.payout({ merchantId: w.a.id, mode: 'test' }, { callbackUrl: 'http://127.0.0.1:9/hook' });
  const sql = async (text: string) => (await w.books.db.owner.query(text, [payout])).rows;
  await sql("UPDATE webhook_deliveries SET state = 'failed', due_at = now() - interval '1 day' WHERE subject_id = $1");
  const [delivery] = await sql('SELECT id FROM webhook_deliveries WHERE subject_id = $1');
  const ask = (id: string) => w.call('POST', `/api/admin/webhook-deliveries/${id}/resend`, { key: w.admins.operator.key });
  expect(await ask(delivery.id)).toMatchObject({ status: 202, body: { id: delivery.id } });
  expect(await ask(delivery.id)).toMatchObject({ status: 202 }); // pressed twice, it is the same try
  expect(await sql('SELECT state, resend_from FROM webhook_deliveries WHERE subject_id = $1')).toEqual([
    { state: 'pending', resend_from: 'failed' },
  ]);
  const { body } = await w.call('GET', `/api/admin/audit?target=${delivery.id}`, { key: w.admins.admin.key });
  expect(body.data[0]).toMatchObject({ action: 'webhook.resend', adminId: w.admins.operator.id });
  expect((await ask('whd_none')).status).toBe(404);
});
