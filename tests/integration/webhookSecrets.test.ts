/** Guards: a signing secret can be replaced at any moment, twice, at once or with the answer lost, and no receiver is cut off unsaid. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { opened } from '../support/encryption.ts';
import { eventually } from '../support/payouts.ts';

const DAY_MS = 24 * 3_600_000;
/** What `door.merchant()` is made with. */
const FIRST = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

interface Rotated {
  readonly secret: string;
  readonly previousSecretUntil: string;
  readonly dropped: { readonly until: string } | null;
}

/** What signs: the current secret, and the one before while it counts. */
interface Signing {
  readonly current: string;
  readonly previous: string | null;
}

/** Something with a secret, of a merchant of its own. */
interface Signer {
  readonly first: string;
  readonly path: string;
  readonly key: string;
  signing(): Promise<Signing>;
  /** As if its last rotation had been so much earlier. */
  age(interval: string): Promise<void>;
  /** Nobody can write its row until this is let go. */
  held(): Promise<() => Promise<void>>;
}

let w: DoorWorld;
beforeAll(async () => {
  w = await openDoorWorld();
});
afterAll(() => w.stop());

const rotate = (path: string, key: string, idempotencyKey?: string) =>
  w.call<Rotated>('POST', path, { key, ...(idempotencyKey !== undefined && { idempotencyKey }) });
const inMs = (time: string): number => new Date(time).getTime() - Date.now();

/** The first call died before it could answer: its key is free again, and bound to what it did. */
async function answerLost(idempotencyKey: string): Promise<void> {
  await w.books.db.owner.query(
    `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1`,
    [idempotencyKey],
  );
}

function signingOf(rows: readonly { secret: string; previous_secret: string | null }[]): Signing {
  const [row] = rows;
  if (!row) throw new Error('no secret is kept');
  return { current: opened(row.secret), previous: row.previous_secret && opened(row.previous_secret) };
}

async function holding(sql: string, id: string): Promise<() => Promise<void>> {
  const client = await w.books.db.owner.connect();
  await client.query('BEGIN');
  await client.query(sql, [id]);
  return async () => {
    await client.query('COMMIT');
    client.release();
  };
}

async function endpointSigner(): Promise<Signer> {
  const { key } = await w.merchant();
  const { body } = await w.call('POST', '/api/v1/webhook-endpoints', { key, body: { url: 'https://203.0.114.7/hooks' } });
  const query = (sql: string, ...more: string[]) => w.books.db.owner.query(sql, [body.id, ...more]);
  return {
    first: body.secret,
    path: `/api/v1/webhook-endpoints/${body.id}/secret/rotate`,
    key,
    signing: async () => signingOf((await query('SELECT secret, previous_secret FROM webhook_endpoints WHERE id = $1')).rows),
    age: async (interval) =>
      void (await query('UPDATE webhook_endpoints SET previous_until = previous_until - $2::interval WHERE id = $1', interval)),
    held: () => holding('SELECT 1 FROM webhook_endpoints WHERE id = $1 FOR UPDATE', body.id),
  };
}

async function callbackSigner(): Promise<Signer> {
  const { id, key } = await w.merchant();
  const query = (sql: string, ...more: string[]) => w.books.db.owner.query(sql, [id, ...more]);
  return {
    first: FIRST,
    path: '/api/v1/merchant/webhook-secret/rotate',
    key,
    signing: async () =>
      signingOf(
        (await query(`SELECT secret, previous_secret FROM callback_secrets WHERE merchant_id = $1 AND mode = 'test'`)).rows,
      ),
    age: async (interval) =>
      void (await query(
        'UPDATE callback_secrets SET previous_until = previous_until - $2::interval WHERE merchant_id = $1',
        interval,
      )),
    held: () => holding('SELECT 1 FROM callback_secrets WHERE merchant_id = $1 FOR UPDATE', id),
  };
}

describe.each([
  ['an endpoint', endpointSigner],
  ['callbackUrls', callbackSigner],
])('the secret of %s', (_whose, signer) => {
  test('after a rotation the old one still signs for a day, so that no webhook is refused meanwhile', async () => {
    const { first, path, key, signing } = await signer();
    const { status, body } = await rotate(path, key);

    expect([status, body.dropped]).toEqual([200, null]);
    expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(body.secret).not.toBe(first);
    expect(inMs(body.previousSecretUntil)).toBeGreaterThan(DAY_MS - 60_000);
    expect(inMs(body.previousSecretUntil)).toBeLessThanOrEqual(DAY_MS);
    expect(await signing()).toEqual({ current: body.secret, previous: first });
  });

  test('a second rotation within the day keeps the secret in use, and says that the first one signs no more', async () => {
    const { path, key, signing, age } = await signer();
    const first = await rotate(path, key);
    const second = await rotate(path, key);
    expect(second.body.dropped).toEqual({ until: first.body.previousSecretUntil });
    expect(await signing()).toEqual({ current: second.body.secret, previous: first.body.secret });

    await age('25 hours');
    const third = await rotate(path, key);
    expect(third.body.dropped).toBeNull();
    expect(await signing()).toEqual({ current: third.body.secret, previous: second.body.secret });
  });

  test('a repeat gets the answer again, and one whose answer was lost the secret it had made: the one in use stays', async () => {
    const { path, key, signing } = await signer();
    const inUse = (await rotate(path, key)).body;
    const idempotencyKey = `lost:${path}`;
    const first = await rotate(path, key, idempotencyKey);
    expect(first.body.dropped).toEqual({ until: inUse.previousSecretUntil });
    const replayed = await rotate(path, key, idempotencyKey);
    expect([replayed.text, replayed.headers['idempotent-replayed']]).toEqual([first.text, 'true']);

    await answerLost(idempotencyKey);
    expect((await rotate(path, key, idempotencyKey)).body).toEqual(first.body);
    expect(await signing()).toEqual({ current: first.body.secret, previous: inUse.secret });
  });

  test('a repeat whose first call died before it rotated keeps the secret in use, also after an earlier rotation', async () => {
    const { path, key, signing } = await signer();
    const idempotencyKey = `died:${path}`;
    const inUse = (await rotate(path, key, idempotencyKey)).body.secret;
    // As if another key had made that rotation, and this one were bound to one that never came to be.
    await answerLost(idempotencyKey);
    await w.books.db.owner.query(`UPDATE idempotency_keys SET resource_id = 'rot_never' WHERE key = $1`, [idempotencyKey]);

    const { body } = await rotate(path, key, idempotencyKey);
    expect(body.dropped).not.toBeNull();
    expect(await signing()).toEqual({ current: body.secret, previous: inUse });
  });

  test('of rotations at once each keeps the secret of the one before it: every one that was answered was in use', async () => {
    const { path, key, signing, held } = await signer();
    await rotate(path, key);
    const letGo = await held();
    const rotations = Promise.all(Array.from({ length: 4 }, () => rotate(path, key)));
    await eventually(async () => {
      const { rows } = await w.books.db.owner.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(rows).toHaveLength(4);
    });
    await letGo();

    const answers = await rotations;
    expect(answers.map(({ status, body }) => [status, body.dropped === null])).toEqual(answers.map(() => [200, false]));
    const secrets = answers.map(({ body }) => body.secret);
    const { current, previous } = await signing();
    expect(secrets).toContain(current);
    expect(secrets.filter((each) => each !== current)).toContain(previous);
  });

  test('needs the scope and an idempotency key, and is shown nowhere else', async () => {
    const { path, key, signing } = await signer();
    const { body } = await rotate(path, key, `shown:${path}`);
    const { rows } = await w.books.db.owner.query('SELECT body FROM idempotency_keys WHERE key = $1', [`shown:${path}`]);
    expect(rows[0].body).not.toContain('whsec_');

    const missing = await w.call('POST', path, { key, idempotencyKey: null });
    expect([missing.status, missing.body['code']]).toEqual([400, 'idempotency_key_missing']);
    const { key: reading } = await w.merchant({ scopes: ['webhooks:read'] });
    expect((await rotate(path, reading)).status).toBe(403);
    expect((await rotate(path, w.admins.admin.key)).status).toBe(403);
    expect((await signing()).current).toBe(body.secret);
  });
});

describe('test and live', () => {
  const kept = async (merchantId: string) => {
    const { rows } = await w.books.db.owner.query(
      'SELECT mode, secret, previous_secret FROM callback_secrets WHERE merchant_id = $1 ORDER BY mode',
      [merchantId],
    );
    return rows.map((row) => [row.mode, opened(row.secret), opened(row.previous_secret)]);
  };
  const path = '/api/v1/merchant/webhook-secret/rotate';

  test('a test key neither learns nor changes what live webhooks are signed with, nor a live key test’s', async () => {
    const { id, key, liveKey } = await w.merchant();
    const test = await rotate(path, key);
    expect(await kept(id)).toEqual([['test', test.body.secret, FIRST]]);

    const live = await rotate(path, liveKey);
    expect(live.body.dropped).toBeNull();
    expect(await kept(id)).toEqual([
      ['live', live.body.secret, FIRST],
      ['test', test.body.secret, FIRST],
    ]);
  });

  test('a merchant rotates nobody else’s', async () => {
    const before = await kept(w.b.id);
    await rotate(path, w.a.key);
    expect(await kept(w.b.id)).toEqual(before);
  });
});
