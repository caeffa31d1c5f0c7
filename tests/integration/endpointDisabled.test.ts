/** Guards: a merchant whose endpoint was switched off, because nobody answered there for days, hears of it by mail, once each time. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { createRelayBooks, type ReceiverRecord } from '../../src/relay/books.ts';
import { HEALTHY } from '../../src/relay/rules/health.ts';
import { newId } from '../../src/rules/newId.ts';
import { type NotificationWorld, openNotificationWorld } from '../support/notificationWorld.ts';

let world: NotificationWorld;
beforeAll(async () => {
  world = await openNotificationWorld();
});
afterEach(async () => {
  await world.forget();
  world.mail.taken.length = 0;
});
afterAll(async () => {
  await world.stop();
});

const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);
const FIVE_DAYS_MS = 5 * 24 * 3_600_000;
const EMAIL = 'ops@shop.example';

/** A merchant's endpoint that is leased to a relay, with deliveries that wait. */
async function failingEndpoint(email: string | null, waiting = 3, mode: Mode = 'live') {
  const [merchantId, id] = [newId('mer'), newId('we')];
  await sql(`INSERT INTO merchants (id, name, email, webhook_secret) VALUES ($1, 'Corner shop', $2, 'x')`, [merchantId, email]);
  await sql(
    `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ($1, $2, $3, 'https://shop.example/hooks?token=s3cret', '{}', 'x')`,
    [id, merchantId, mode],
  );
  await sql(
    `INSERT INTO receivers (id, merchant_id, mode, endpoint_id, lease_holder, lease_until, lease_epoch) VALUES ($1, $2, $3, $1, 'relay', now() + interval '1 hour', 1)`,
    [id, merchantId, mode],
  );
  await sql(
    `INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url)
     SELECT $1 || n, 'evt_' || n, 'payout', 'po_' || n, 1, $2, $3, $1, $1, 'unused' FROM generate_series(1, $4::int) n`,
    [id, merchantId, mode, waiting],
  );
  return { id, merchantId };
}

const switchedOff = async (id: string, change: Partial<ReceiverRecord> = {}, holder = 'relay') => {
  const failing = { sinceMs: performance.now() - FIVE_DAYS_MS, probes: 1_440, probeAtMs: performance.now() };
  const health = { ...HEALTHY, failures: 1_445, isMany: true, failing };
  const disable = 'it has not answered for five days';
  await createRelayBooks(world.books.db.pool, holder, 20_000).record(
    [],
    [{ id, epoch: 1, health, disable, release: false, ...change }],
  );
};

const switchedOn = (id: string) =>
  sql('UPDATE webhook_endpoints SET disabled_at = NULL, disabled_reason = NULL WHERE id = $1', [id]);

const told = async (id: string) =>
  (await sql('SELECT * FROM notifications WHERE subject_id = $1 ORDER BY created_at', [id])).rows as Record<string, unknown>[];

test('by a mail that says which one, since when, what waits and how to get it', async () => {
  const { id, merchantId } = await failingEndpoint(EMAIL);
  await switchedOff(id);
  expect(await told(id)).toMatchObject([
    {
      ...{ kind: 'endpoint_disabled', channel: 'email', address: EMAIL, mode: 'live', state: 'pending' },
      ...{ event_id: null, subject_kind: 'webhook_endpoint', subject_id: id },
      ...{ recipient_kind: 'merchant', recipient_id: merchantId, merchant_id: merchantId },
    },
  ]);
  await world.deliver();
  const [mail, ...others] = world.mail.taken;
  expect(others).toEqual([]);
  expect(mail?.to).toEqual([EMAIL]);
  expect(mail?.headers.get('subject')).toBe('Your webhook endpoint at shop.example was switched off');
  const text = mail?.text.replace(/\s+/g, ' ') ?? '';
  const since = new Date(Date.now() - FIVE_DAYS_MS).toISOString().slice(0, 13);
  expect(text).toContain(`https://shop.example/hooks has not answered since ${since}`);
  expect(text).toContain('3 events waited for it.');
  expect(text).toContain(`/api/v1/webhook-endpoints/${id}/recover`);
  expect(mail?.raw).not.toContain('s3cret');
});

test('once for each time that it was switched off, however often that is written', async () => {
  const { id } = await failingEndpoint(EMAIL);
  await switchedOff(id);
  await switchedOff(id);
  expect(await told(id)).toHaveLength(1);
  await switchedOn(id);
  await switchedOff(id);
  expect(await told(id)).toHaveLength(2);
});

test('and by nobody who has lost its lease, nor while the endpoint stays on', async () => {
  const { id } = await failingEndpoint(EMAIL);
  await switchedOff(id, {}, 'somebody else');
  await switchedOff(id, { epoch: 0 });
  await switchedOff(id, { disable: null });
  expect(await told(id)).toEqual([]);
});

test('unless it gave no address: then the endpoint is switched off all the same', async () => {
  const { id } = await failingEndpoint(null);
  await switchedOff(id);
  expect(await told(id)).toEqual([]);
  const { rows } = await sql('SELECT disabled_reason FROM webhook_endpoints WHERE id = $1', [id]);
  expect(rows).toEqual([{ disabled_reason: 'it has not answered for five days' }]);
});

test('by counting no further than anybody cares', async () => {
  const { id } = await failingEndpoint(EMAIL, 10_050, 'test');
  await switchedOff(id);
  expect(await told(id)).toMatchObject([{ data: { waiting: 10_001 } }]);
  await world.deliver();
  expect(world.mail.taken[0]?.text).toContain('More than 10,000 events waited for it.');
});
