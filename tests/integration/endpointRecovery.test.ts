/** Guards: a merchant whose receiver was away loses no event of it: it waits while paused, and what was missed is sent again, once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { EVENT_TYPES } from '../../src/events/rules/eventTypes.ts';
import { openGame } from '../../src/games/useCases/openGame.ts';
import type { Send } from '../../src/relay/sender.ts';
import { newId } from '../../src/rules/newId.ts';
import { wantsEvent } from '../../src/webhooks/rules/eventPatterns.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { eventually } from '../support/payouts.ts';
import { usersOf } from '../support/users.ts';
import { openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
let door: Door;
const receivers: Receiver[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
  door = await openDoor({ db: world.books.db });
});
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.close();
  await sql(`UPDATE webhook_deliveries SET state = 'failed', resend_from = NULL WHERE state = 'pending'`);
});
afterAll(async () => {
  await door.stop();
  await world.stop();
});

const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);
const typesOf = ({ received }: Receiver) => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const told = ({ received }: Receiver) => received.map(({ headers }) => headers['webhook-id']);

interface Scene {
  readonly merchant: Merchant;
  readonly server: Receiver;
  readonly endpointId: string;
  /** Of a payout that was taken in: its id. */
  payout(): Promise<string>;
  /** What the merchant asks of the endpoint. */
  ask(method: string, path?: string, body?: unknown, idempotencyKey?: string): Promise<Reply>;
}

/** A merchant with an endpoint. */
async function scene(answer?: Answer): Promise<Scene> {
  const server = await startReceiver(answer);
  receivers.push(server);
  const merchant = await door.merchant({ funds: 10_000_000n });
  const owner = { merchantId: merchant.id, mode: 'test' } as const;
  const { id: endpointId } = await world.endpoint(owner, server.url);
  return {
    merchant,
    server,
    endpointId,
    payout: () => world.books.payout(owner),
    ask: (method, path = '', body, idempotencyKey) =>
      door.call(method, `/api/v1/webhook-endpoints/${endpointId}${path}`, {
        key: merchant.key,
        ...(body === undefined ? {} : { body }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      }),
  };
}

const LONG_AGO = () => ({ since: new Date(Date.now() - 3_600_000).toISOString() });

describe('pause', () => {
  test('a paused endpoint gets nothing, loses nothing and spends no tries; resumed, it gets all in order', async () => {
    const { server, endpointId, payout, ask } = await scene();
    expect((await ask('POST', '/pause')).body).toMatchObject({ id: endpointId, paused: true, disabled: false });
    const id = await payout();
    await world.books.told(id, 'attempt_started 1', 'paid 1');
    await world.deliver();
    expect(server.received).toEqual([]);
    expect((await world.deliveries(id)).map(({ state, attempts, tries }) => [state, attempts, tries])).toEqual(
      Array.from({ length: 3 }, () => ['pending', 0, 0]),
    );
    expect((await ask('GET')).body).toMatchObject({
      paused: true,
      health: { state: 'ok', since: null, waiting: 3, nextTryAt: null },
    });

    expect((await ask('POST', '/resume')).body).toMatchObject({ paused: false, health: { state: 'ok', waiting: 3 } });
    await world.deliver();
    expect(typesOf(server)).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);
    expect((await ask('GET')).body.health).toEqual({ state: 'ok', since: null, waiting: 0, nextTryAt: null });
  });

  test.each([
    ['paused', 'POST', '/pause', undefined],
    ['switched off', 'PATCH', '', { disabled: true }],
    ['removed', 'DELETE', '', undefined],
  ])('an endpoint that is %s gets nothing more of what a relay has taken for it', async (_, method, path, body) => {
    const { server, payout, ask } = await scene();
    for (let n = 0; n < 6; n += 1) await payout();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const holding =
      (real: Send): Send =>
      async (delivery, signal) => {
        await held;
        return await real(delivery, signal);
      };
    const { work, settle, begun } = world.relay({ send: holding });
    await work.turn();
    await work.turn(); // at first it takes no more than it sends at once
    const inTheAir = begun.length;
    expect(inTheAir).toBeLessThan(6); // the rest is in its hands

    expect((await ask(method, path, body)).status).toBeLessThan(300);
    await work.turn();
    release();
    await settle();
    await work.end();

    expect(server.received).toHaveLength(inTheAir);
  });

  test('a pause before the first webhook stops the relay that leases the endpoint at that moment', async () => {
    const { server, endpointId, payout, ask } = await scene();
    await payout();
    const client = await world.books.db.owner.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query(`SELECT relay_take('other', 20000, '[]', 500, 50, '{500,50}') AS taken`);
      expect(JSON.stringify(rows[0].taken.receivers)).toContain(endpointId);
      const pausing = ask('POST', '/pause');
      await Promise.race([pausing, sleep(200)]);
      await client.query('COMMIT');
      expect((await pausing).status).toBe(200);
    } finally {
      client.release(true); // with whatever is left open by a failure
    }
    const { rows } = await sql('SELECT lease_holder, lease_epoch FROM receivers WHERE id = $1', [endpointId]);
    expect(rows).toEqual([{ lease_holder: null, lease_epoch: 2 }]); // what the other one sends does not count
    expect(server.received).toEqual([]);
  });

  test('paused twice it is paused since the first time, and resumed twice it is not', async () => {
    const { endpointId, ask } = await scene();
    const since = async () =>
      (await sql('SELECT paused_at FROM webhook_endpoints WHERE id = $1', [endpointId])).rows[0].paused_at;
    await ask('POST', '/pause');
    const first = await since();
    await sleep(5);
    await ask('POST', '/pause');
    expect(await since()).toEqual(first);
    for (let n = 0; n < 2; n += 1) expect((await ask('POST', '/resume')).body).toMatchObject({ paused: false });
  });
});

describe('health', () => {
  const failing = (endpointId: string) =>
    sql(
      `INSERT INTO receivers AS r (id, merchant_id, mode, endpoint_id, failures, failed_subject, failed_many, failing_since, probe_at)
       SELECT id, merchant_id, mode, id, 5, 'po_1', true, '2026-11-01T00:00:00Z', now() + interval '5 minutes' FROM webhook_endpoints WHERE id = $1
       ON CONFLICT (id) DO UPDATE SET failures = 5, failed_many = true, failing_since = excluded.failing_since, probe_at = excluded.probe_at`,
      [endpointId],
    );

  test('a failing endpoint says since when, how much waits and when it is asked next; also in the list', async () => {
    const { merchant, endpointId, payout, ask } = await scene();
    await failing(endpointId);
    await payout();
    const { rows } = await sql('SELECT probe_at FROM receivers WHERE id = $1', [endpointId]);
    const health = { state: 'failing', since: '2026-11-01T00:00:00.000Z', waiting: 1, nextTryAt: rows[0].probe_at.toISOString() };
    expect((await ask('GET')).body.health).toEqual(health);
    const listed = await door.call('GET', '/api/v1/webhook-endpoints', { key: merchant.key });
    expect(listed.body.data).toMatchObject([{ id: endpointId, health }]);
  });

  test.each([
    ['switched on again', 'PATCH', '', { disabled: false }],
    ['moved', 'PATCH', '', { url: 'http://127.0.0.1:9/' }],
    ['resumed', 'POST', '/resume', undefined],
  ])('%s, it is tried at once and not at its next probe', async (_, method, path, body) => {
    const { endpointId, ask } = await scene();
    await failing(endpointId);
    expect((await ask(method, path, body)).body.health).toMatchObject({ state: 'ok', since: null });
  });

  test('a disabled one says since when, and that nothing is tried', async () => {
    const { payout, ask } = await scene();
    await payout();
    await ask('PATCH', '', { disabled: true });
    expect((await ask('GET')).body.health).toEqual({
      state: 'disabled',
      since: expect.stringMatching(/^\d{4}-/),
      waiting: 1,
      nextTryAt: null,
    });
  });

  test('a try that a person has asked for is next now, and not since for ever', async () => {
    const { payout, ask } = await scene();
    const [delivery] = await world.deliveries(await payout());
    await sql('SELECT resend_delivery($1)', [delivery?.id]);
    const { nextTryAt } = (await ask('GET')).body.health;
    expect(Math.abs(Date.parse(nextTryAt) - Date.now())).toBeLessThan(60_000);
  });

  test('tries of a failing endpoint are listed as what they are', async () => {
    const { payout, ask } = await scene();
    const [delivery] = await world.deliveries(await payout());
    await sql(
      `INSERT INTO webhook_attempts (delivery_id, endpoint_id, number, trigger, duration_ms) SELECT id, endpoint_id, 1, 'probe', 5 FROM webhook_deliveries WHERE id = $1`,
      [delivery?.id],
    );
    expect((await ask('GET', '/attempts')).body.data).toMatchObject([{ trigger: 'probe' }]);
  });
});

describe('recover', () => {
  const recover = async (of: Scene, window: Record<string, unknown> = LONG_AGO(), key?: string) =>
    await of.ask('POST', '/recover', window, key);

  test('an endpoint that was off for a while gets what it missed, in order, and nothing twice', async () => {
    const s = await scene();
    const id = await s.payout();
    await world.deliver();
    await world.books.told(id, 'attempt_started 1'); // waits when it is switched off
    await s.ask('PATCH', '', { disabled: true });
    await world.deliver();
    await world.books.told(id, 'paid 1'); // comes while it is off
    expect((await world.deliveries(id)).map(({ state }) => state)).toEqual(['delivered', 'failed']);
    await s.ask('PATCH', '', { disabled: false });
    await world.deliver();
    expect(typesOf(s.server)).toEqual(['payout.created']); // not by itself

    const window = LONG_AGO();
    const { status, body } = await recover(s, window);
    expect([status, body]).toEqual([
      202,
      { object: 'recovery', endpointId: s.endpointId, ...window, until: expect.stringMatching(/^\d{4}-/), deliveries: 2 },
    ]);
    expect((await recover(s)).body.deliveries).toBe(0); // they wait already
    await world.deliver();
    expect(typesOf(s.server)).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);
    expect((await recover(s)).body.deliveries).toBe(0);
  });

  test('what it missed of users and games comes again, as of payouts', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true, eventTypes: ['*'] });
    const users = usersOf(world.books);
    const user = await users.user({ merchantId: s.merchant.id, mode: 'test' });
    await users.credit(user, 100n);
    await openGame(world.books.db, {
      merchantId: s.merchant.id,
      mode: 'test',
      gameId: newId('gam'),
      type: 'andar_bahar',
      currency: 'PKR',
    });
    await s.payout();
    await s.ask('PATCH', '', { disabled: false });
    expect((await recover(s)).body.deliveries).toBe(3);
    await world.deliver();
    expect(typesOf(s.server).sort()).toEqual(['game.opened', 'payout.created', 'user.credited']);
  });

  test('a given up delivery gets its whole schedule anew', async () => {
    const s = await scene(say(500));
    const id = await s.payout();
    await sql(`UPDATE webhook_deliveries SET state = 'failed', tries = 10, attempts = 10 WHERE subject_id = $1`, [id]);
    expect((await recover(s)).body.deliveries).toBe(1);
    await world.deliver();
    expect(await world.deliveries(id)).toMatchObject([{ state: 'pending', tries: 1, attempts: 11, due_in: 5 }]);
  });

  test('where a person has asked for one try of a given up delivery, its schedule follows if that fails', async () => {
    const s = await scene(say(500));
    const id = await s.payout();
    const [delivery] = await world.deliveries(id);
    await sql(`UPDATE webhook_deliveries SET state = 'failed', tries = 10 WHERE subject_id = $1`, [id]);
    await sql('SELECT resend_delivery($1)', [delivery?.id]);
    expect([(await recover(s)).body.deliveries, (await recover(s)).body.deliveries]).toEqual([1, 0]);
    await world.deliver();
    expect(await world.deliveries(id)).toMatchObject([{ state: 'pending' }]);
    expect((await world.attempts(delivery?.id ?? '')).map(({ trigger }) => trigger)).toEqual(['resend', 'auto']);
  });

  test('only what happened in the window, what it asks for, what is told at all, and what is its merchant’s', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    const ids: string[] = [];
    const stranger = await scene();
    for (let n = 0; n < 3; n += 1) {
      ids.push(await s.payout());
      await stranger.payout();
      await sleep(5); // each at another millisecond
    }
    await world.books.told(ids[1] ?? '', 'attempt_started 1', 'failed 1');
    expect((await world.books.tell(ids[1] ?? '', 'psp_processing', { attempt: 1 })).outcome).toBe('ignored');
    await s.ask('PATCH', '', { disabled: false, eventTypes: ['payout.created', 'payout.processing'] });
    const { rows } = await sql(`SELECT at FROM events WHERE subject_id = ANY ($1) AND sequence = 1 ORDER BY at`, [ids]);
    const [, second, third] = rows.map(({ at }: { at: Date }) => at.toISOString());

    expect((await recover(s, { since: second, until: second })).body.deliveries).toBe(1);
    expect((await recover(s, { since: second, until: third })).body.deliveries).toBe(1);
    await world.deliver();
    expect(told(s.server).sort()).toEqual([`evt_${ids[1]?.slice(3)}_0001`, `evt_${ids[2]?.slice(3)}_0001`]);
    expect((await recover(s, { since: second })).body.deliveries).toBe(1);
    await world.deliver();
    expect(typesOf(s.server).at(-1)).toBe('payout.processing');
    await world.books.expectInOrder();
  });

  const many = (merchantId: string, count: number) =>
    sql(
      `SELECT announce('other', 'po_' || md5($1 || n), ARRAY[('merchant', $1)::owner_ref], 'test', 1, 'payout.created', 'made', 'test', NULL, 'PENDING', '{}', '{}', NULL, true)
         FROM generate_series(1, $2::int) n`,
      [merchantId, count],
    );

  test('more than a step holds are all found, by one recovery at a time: another that is asked for meanwhile is told to come again', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    await many(s.merchant.id, 1_203);
    await s.ask('PATCH', '', { disabled: false });
    const window = LONG_AGO();
    const recovering = async () =>
      (await sql('SELECT recovery_id AS id FROM webhook_endpoints WHERE id = $1', [s.endpointId])).rows[0].id;
    const client = await world.books.db.owner.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_current_xact_id()'); // a recovery waits for whoever writes
      const first = recover(s, window);
      await eventually(async () => expect(await recovering()).not.toBeNull());
      for (const _ of [1, 2]) {
        const { status, body, headers } = await recover(s, window, 'another');
        expect([status, body.code, headers['retry-after']]).toEqual([429, 'recovery_in_progress', '5']);
      }
      await client.query('COMMIT');
      expect(await first).toMatchObject({ status: 202, body: { deliveries: 1_203 } });
    } finally {
      client.release(true);
    }
    const { status, body } = await recover(s, window, 'another'); // the refusal was not its key's last word
    expect([status, body.deliveries, await recovering()]).toEqual([202, 0, null]);
    const { rows } = await sql(`SELECT count(*)::int AS n FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'pending'`, [
      s.endpointId,
    ]);
    expect(rows).toEqual([{ n: 1_203 }]);
    expect((await s.ask('GET')).body.health.waiting).toBe(1_203);
  });

  test('while it recovers, new events come: each arrives, and once', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    const ids = await Promise.all(Array.from({ length: 20 }, () => s.payout()));
    await s.ask('PATCH', '', { disabled: false });
    const recovering = recover(s);
    const coming = ids.map((id) => world.books.told(id, 'attempt_started 1', 'paid 1'));
    const relaying = world.deliver();
    expect((await recovering).status).toBe(202);
    await Promise.all([...coming, relaying]);
    await world.deliver();
    const expected = ids.flatMap((id) => [1, 2, 3].map((n) => `evt_${id.slice(3)}_000${n}`));
    expect(told(s.server).sort()).toEqual(expected.sort());
    await world.books.expectInOrder();
  });

  test('an event that is being written while the endpoint is switched on is not missed', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    const client = await world.books.db.owner.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        `SELECT announce('other', 'po_late', ARRAY[('merchant', $1)::owner_ref], 'test', 1, 'payout.created', 'made', 'test', NULL, 'PENDING', '{}', '{}', NULL, true)`,
        [s.merchant.id],
      );
      await s.ask('PATCH', '', { disabled: false });
      const recovering = recover(s);
      await Promise.race([recovering, sleep(300)]); // it has had its time, and would be done but for us
      await client.query('COMMIT');
      expect((await recovering).body.deliveries).toBe(1);
    } finally {
      client.release(true); // with whatever is left open by a failure
    }
  });

  test('it is switched on only after a relay has closed what it was closing: all of that is found', async () => {
    const s = await scene();
    const id = await s.payout();
    await s.ask('PATCH', '', { disabled: true });
    const { rows } = await sql(`SELECT relay_take('other', 20000, '[]', 500, 50, '{500,50}') AS taken`);
    const lease = rows[0].taken.receivers.find((each: { id: string }) => each.id === s.endpointId);
    await sql(`UPDATE webhook_deliveries SET state = 'pending' WHERE subject_id = $1`, [id]);
    const client = await world.books.db.owner.connect();
    try {
      await client.query('BEGIN');
      const held = JSON.stringify([{ id: s.endpointId, epoch: lease.epoch, room: 8, busy: [] }]);
      await client.query(`SELECT relay_take('other', 20000, $1, 0, 0, '{0,0}')`, [held]);
      let isOn = false;
      const switching = s.ask('PATCH', '', { disabled: false }).then(() => {
        isOn = true;
      });
      await Promise.race([switching, sleep(300)]);
      expect(isOn).toBe(false);
      await client.query('COMMIT');
      await switching;
    } finally {
      client.release(true);
    }
    expect((await recover(s)).body.deliveries).toBe(1);
  });

  test('one that died half-way goes on under its key', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    const ids = [await s.payout(), await s.payout()];
    await s.ask('PATCH', '', { disabled: false });
    const window = LONG_AGO();
    await recover(s, window, 'recover-1');
    // As if it had died after the first, before it could answer.
    await sql('DELETE FROM webhook_deliveries WHERE subject_id = $1', [ids[1]]);
    await sql(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'recover-1'`,
    );
    expect((await recover(s, window, 'recover-1')).status).toBe(202);
    const again = await recover(s, window, 'recover-1');
    expect(again.headers['idempotent-replayed']).toBe('true');
    await world.deliver();
    expect(told(s.server).sort()).toEqual(ids.map((id) => `evt_${id.slice(3)}_0001`).sort());
  });

  test('one that died half-way keeps no other waiting for longer than a step takes', async () => {
    const s = await scene();
    await sql(
      `UPDATE webhook_endpoints SET recovery_id = 'rec_dead', recovery_until = now() + interval '20 seconds' WHERE id = $1`,
      [s.endpointId],
    );
    expect((await recover(s)).status).toBe(429);
    await sql(`UPDATE webhook_endpoints SET recovery_until = now() - interval '1 ms' WHERE id = $1`, [s.endpointId]);
    expect((await recover(s)).status).toBe(202);
  });

  test('after the books were restored, what happened before and after is found', async () => {
    const s = await scene();
    await s.ask('PATCH', '', { disabled: true });
    await s.payout();
    await sql('SELECT begin_epoch()');
    await s.payout();
    await s.ask('PATCH', '', { disabled: false });
    expect((await recover(s)).body.deliveries).toBe(2);
  });

  test('the search begins before the first event of the window, however many are older', async () => {
    const s = await scene();
    await many(s.merchant.id, 50);
    // Times that lie an hour apart for each transaction: as owner, since nobody may change an event.
    const client = await world.books.db.owner.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SET LOCAL session_replication_role = 'replica'`);
      await client.query(`UPDATE events e SET at = now() - (t.age || ' hours')::interval
        FROM (SELECT xid, dense_rank() OVER (ORDER BY epoch DESC, xid DESC) AS age FROM events) t WHERE t.xid = e.xid`);
      const { rows } = await client.query(`
        WITH found AS MATERIALIZED (
          SELECT w.since, split_part(w.place, '-', 1)::int AS epoch, split_part(w.place, '-', 2)::xid8 AS xid
            FROM (SELECT since, recover_from(since) AS place FROM generate_series(0, 100) h, LATERAL (SELECT now() - (h || ' hours')::interval AS since) x) w
        )
        SELECT count(*)::int AS missed, (SELECT count(DISTINCT xid)::int FROM events) AS transactions
          FROM events e JOIN found f ON e.at >= f.since WHERE (e.epoch, e.xid) < (f.epoch, f.xid)`);
      expect(rows[0].transactions).toBeGreaterThan(10);
      expect(rows[0].missed).toBe(0);
      // And not long before: of the last five hours it passes by all but a few.
      const near = await client.query(`
        SELECT count(DISTINCT xid)::int AS n FROM events e, recover_from(now() - interval '5 hours') f
         WHERE (e.epoch, e.xid) >= (split_part(f, '-', 1)::int, split_part(f, '-', 2)::xid8)`);
      expect(near.rows[0].n).toBeLessThanOrEqual(7);
      await client.query('ROLLBACK');
    } finally {
      client.release(true); // with whatever is left open by a failure
    }
  });

  test('what makes no sense is refused with its field, and nothing is sent', async () => {
    const s = await scene();
    const id = await s.payout();
    await sql(`UPDATE webhook_deliveries SET state = 'failed' WHERE subject_id = $1`, [id]);
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    for (const [body, status, pointer, code] of [
      [{ since: ago(-60_000) }, 422, '/since', 'since_in_future'],
      [{ since: ago(32 * 24 * 3_600_000) }, 422, '/since', 'since_too_old'],
      [{ since: ago(60_000), until: ago(120_000) }, 422, '/until', 'until_before_since'],
      [{}, 400, '/since', 'missing'],
      [{ since: 'yesterday' }, 400, '/since', 'invalid_format'],
      [{ since: 7 }, 400, '/since', 'invalid_type'],
      [{ since: ago(60_000), until: null }, 400, '/until', 'invalid_type'],
      [{ since: ago(60_000), all: true }, 400, '/all', 'unknown_field'],
    ] as const) {
      const answer = await recover(s, body);
      const { errors } = answer.body;
      expect([body, answer.status, errors[0].pointer, errors[0].code]).toEqual([body, status, pointer, code]);
    }
    for (const path of ['/pause', '/resume']) {
      expect((await s.ask('POST', path, { until: ago(0) })).status).toBe(400);
      expect((await s.ask('POST', `${path}?now=1`)).status).toBe(400);
    }
    await s.ask('PATCH', '', { disabled: true });
    const off = await recover(s);
    expect([off.status, off.body.code]).toEqual([409, 'endpoint_disabled']);
    expect(off.body.detail).toContain('PATCH it with {"disabled":false}');
    expect(await world.deliveries(id)).toMatchObject([{ state: 'failed' }]);
  });

  test('a key needs the scope for it, and an idempotency key', async () => {
    const { merchant, endpointId } = await scene();
    const key = await door.key(merchant.id, { scopes: ['webhooks:read'] });
    for (const path of ['pause', 'resume', 'recover']) {
      const url = `/api/v1/webhook-endpoints/${endpointId}/${path}`;
      const body = path === 'recover' ? LONG_AGO() : {};
      expect((await door.call('POST', url, { key, body })).status).toBe(403);
      const keyless = await door.call('POST', url, { key: merchant.key, body, idempotencyKey: null });
      expect(keyless.body.code).toBe('idempotency_key_missing');
    }
  });
});

test('an event goes to the same endpoints when it happens and when it is recovered or resent', async () => {
  const patterns = [['*'], ['payout.*'], ['payout.failed'], ['payout.failed', 'payout.created'], ['other.*']];
  for (const type of [...EVENT_TYPES, 'payouts.created']) {
    for (const each of patterns) {
      const { rows } = await sql('SELECT wants_event($1, $2) AS wants', [each, type]);
      const known = EVENT_TYPES.some((event) => event === type);
      if (known) expect([type, each, rows[0].wants]).toEqual([type, each, wantsEvent(each, type)]);
      else expect([each, rows[0].wants]).toEqual([each, each[0] === '*']);
    }
  }
});
