/** How live streams begin and end over HTTP: by tokens that leak nothing, within limits, in order, and in nobody's way. */
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { issueStreamToken, readStreamToken, STREAM_TOKEN_MS } from '../../src/crypto/streamToken.ts';
import { MOST_STREAMS } from '../../src/http/streaming.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor } from '../support/door.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { keys } from '../support/encryption.ts';
import { eventually } from '../support/payouts.ts';
import { rawExchange } from '../support/rawExchange.ts';
import { type Client, type Listening, sse, webSocket } from '../support/streamClients.ts';
import { usersOf } from '../support/users.ts';

const CLIENTS: readonly (readonly [string, Client])[] = [
  ['server-sent events', sse],
  ['WebSocket', webSocket],
];

let w: DoorWorld;
let base: string;
const logged: string[] = [];
let logging: Door;
beforeAll(async () => {
  w = await openDoorWorld();
  const logTo = new Writable({
    write(line, _encoding, done) {
      logged.push(String(line));
      done();
    },
  });
  logging = await openDoor({ db: w.db, env: { LOG_LEVEL: 'trace' }, logTo: logTo as unknown as NodeJS.WriteStream });
  base = await w.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await logging.stop();
  await w.stop();
});

async function open(client: Client, listen: Parameters<Client>[1], url = base): Promise<Listening> {
  const listening = client(url, listen);
  await Promise.race([listening.begun, listening.closed]);
  return listening;
}

async function tokenFor(merchant: Merchant, userId?: string, key = merchant.key): Promise<string> {
  return (await w.call('POST', '/api/v1/stream-tokens', { key, body: { userId } })).body.token;
}

const keyIdOf = async (key: string): Promise<string> =>
  (await w.db.owner.query('SELECT id FROM api_keys WHERE last4 = $1 ORDER BY created_at DESC', [key.slice(-4)])).rows[0].id;

test('a token is for five minutes and for the streams alone; it is stored nowhere that anybody could read it', async () => {
  const merchant = await w.merchant();
  const { status, body } = await w.call('POST', '/api/v1/stream-tokens', { key: merchant.key });
  expect(status).toBe(201);
  expect(Date.parse(body.expiresAt) - Date.now()).toBeGreaterThan(STREAM_TOKEN_MS - 60_000);
  expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(STREAM_TOKEN_MS);
  for (const path of ['/api/v1/payouts', '/api/v1/balance', '/api/v1/events'])
    expect((await w.call('GET', path, { headers: { authorization: `Bearer ${body.token}` } })).status).toBe(401);
  const { rows } = await w.db.owner.query('SELECT body FROM idempotency_keys WHERE owner_id = $1', [merchant.id]);
  expect(rows).toHaveLength(1);
  expect(rows[0].body).not.toContain(body.token);
});

test("nobody gets a token for another merchant's or another mode's user, or for nobody's", async () => {
  const [merchant, other] = [await w.merchant(), await w.merchant()];
  const { userId } = await usersOf(w).user({ merchantId: merchant.id, mode: 'test' });
  for (const [key, of] of [
    [other.key, userId],
    [merchant.liveKey, userId],
    [merchant.key, newId('usr')],
    [merchant.key, 'x'],
  ] as const)
    expect(await w.call('POST', '/api/v1/stream-tokens', { key, body: { userId: of } })).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  const scoped = await w.key(merchant.id, { scopes: ['payouts:read'] });
  expect((await w.call('POST', '/api/v1/stream-tokens', { key: scoped })).status).toBe(403);
});

describe.each(CLIENTS)('%s', (_name, client) => {
  test('a token whose time is over, one that was changed, and one of a revoked key open nothing', async () => {
    const merchant = await w.merchant();
    const token = await tokenFor(merchant);
    const keyId = await keyIdOf(merchant.key);
    const now = Date.now();
    const { token: old } = issueStreamToken(keys, { keyId, userId: null }, now - STREAM_TOKEN_MS);
    expect(readStreamToken(keys, old, now - 1)).toEqual({ keyId, userId: null });
    const changed = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`;
    for (const bad of [old, changed, 'stk_', `stk_${'x'.repeat(80)}`]) {
      const refused = client(base, { token: bad });
      expect(await refused.status).toBe(401);
    }
    const listening = await open(client, { token });
    expect(await listening.status).toBeLessThan(201);
    listening.hangUp();
    await w.db.owner.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [keyId]);
    expect(await client(base, { token }).status).toBe(401);
  });

  test('a stream is cut within a minute of its key’s revocation, be it by the key or by its token; others go on, kept alive by beats', async () => {
    const [merchant, other] = [await w.merchant({ funds: 10_000n }), await w.merchant({ funds: 10_000n })];
    const doomed = [await open(client, { key: merchant.key }), await open(client, { token: await tokenFor(merchant) })];
    const stays = await open(client, { key: other.key });
    await w.db.owner.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [await keyIdOf(merchant.key)]);
    const first = await Promise.race([Promise.all(doomed.map(({ closed }) => closed)), sleep(60_000).then(() => 'a minute')]);
    expect(first).toEqual(client === sse ? [0, 0] : [1008, 1008]);
    expect(await Promise.race([stays.closed, sleep(16_000).then(() => 'goes on')])).toBe('goes on');
    if (client === sse) expect(stays.text()).toMatch(/\n:\nid: \d+-\d+-\d+\n\n/);
    const id = await w.payoutOf(other);
    await eventually(() => expect(stays.messages.map(({ data }) => data.data.object.id)).toEqual([id]));
    stays.hangUp();
  });

  test('a token is in no log and in no answer, whatever becomes of the request', async () => {
    const merchant = await w.merchant({ funds: 10_000n });
    const token = await tokenFor(merchant);
    const url = logging.app.server.listening
      ? `http://127.0.0.1:${(logging.app.server.address() as { port: number }).port}`
      : await logging.app.listen({ host: '127.0.0.1', port: 0 });
    const before = logged.length;
    const listening = await open(client, { token }, url);
    if (client === webSocket) expect(listening.headers()['sec-websocket-protocol']).toBe('oncepay');
    listening.hangUp();
    await listening.closed;
    await client(url, { token: `${token}x` }).status;
    await fetch(`${url}/api/v1/stream?token=${token}`, { headers: { authorization: `Bearer ${token}` } });
    await fetch(`${url}/api/v1/${token}`);
    await eventually(() => expect(logged.length).toBeGreaterThan(before + 3));
    const lines = logged.slice(before).join('');
    expect(lines).toContain('/api/v1/');
    expect(lines).not.toContain(token.slice(4, 40));
    expect(JSON.stringify(listening.headers())).not.toContain(token);
  });

  test('of one user as many streams as may be are open, one more is told so, and a place comes free when one leaves', async () => {
    const merchant = await w.merchant();
    const { userId } = await usersOf(w).user({ merchantId: merchant.id, mode: 'test' });
    const token = await tokenFor(merchant, userId);
    const all = await Promise.all(Array.from({ length: MOST_STREAMS.ofAUser }, () => open(client, { token })));
    const refused = client(base, { token });
    expect(await refused.status).toBe(429);
    expect(refused.headers()['retry-after']).toBe('10');
    const beside = await open(client, { key: merchant.key });
    expect(await beside.status).toBeLessThan(201); // its merchant has a place all the same
    all[0]?.hangUp();
    await eventually(async () => {
      const next = client(base, { token });
      const status = await next.status;
      next.hangUp();
      expect(status).toBeLessThan(201);
    });
    for (const each of [...all, beside]) each.hangUp();
  });

  test('when the process ends every stream is ended in order, also one that does not read; none begins, and another process resumes it', async () => {
    const ending = await openDoor({ db: w.db });
    const url = await ending.app.listen({ host: '127.0.0.1', port: 0 });
    const merchant = await w.merchant({ funds: 10_000n });
    const listening = await open(client, { key: merchant.key }, url);
    const stuck = await open(client, { key: merchant.key }, url);
    stuck.stopReading();
    const id = await w.payoutOf(merchant);
    await eventually(() => expect(listening.messages).toHaveLength(1));
    await ending.stop();
    expect(await listening.closed).toBe(client === sse ? 0 : 1001);
    if (client === sse) expect(listening.text()).toMatch(/^retry: \d+\n\n.*\n\nretry: \d+\n\n$/s);
    const missed = await w.payoutOf(merchant);
    const resumed = await open(client, { key: merchant.key, from: listening.lastId() });
    await eventually(() => expect(resumed.messages.map(({ data }) => data.data.object.id)).toEqual([missed]));
    expect(listening.messages[0]?.data.data.object.id).toBe(id);
    resumed.hangUp();
  });

  test('one that does not read harms nobody: it is cut off, the others have everything at once, and it resumes without loss', async () => {
    const EVENTS = 2_000;
    const merchant = await w.merchant({ funds: 10_000n });
    const like = await w.payoutOf(merchant);
    const [stuck, reader] = [await open(client, { key: merchant.key }), await open(client, { key: merchant.key })];
    stuck.stopReading();
    await sleep(100); // what is on its way
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    // 20 MB: far more than the system keeps for a connection.
    for (let done = 0; done < EVENTS; done += 100) {
      await w.db.owner.query(
        `SELECT announce('payout', 'po_' || replace(gen_random_uuid()::text, '-', ''), ARRAY[('merchant', $1)::owner_ref], 'test', 1, 'payout.processing', 'k',
                         'system', NULL, 'PROCESSING', '{}', object || jsonb_build_object('description', repeat('x', 10000)), NULL, false)
           FROM events, generate_series(1, 100) WHERE subject_id = $2 AND sequence = 1`,
        [merchant.id, like],
      );
    }
    await eventually(() => expect(reader.messages).toHaveLength(EVENTS), 60_000);
    expect(process.memoryUsage().arrayBuffers + process.memoryUsage().external - before).toBeLessThan(200 * 1024 * 1024);
    let isCut = false;
    const { server } = w.app;
    await eventually(async () => {
      const open = await new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
      isCut = open === 1; // the reader alone
      expect(isCut).toBe(true);
    });
    stuck.readOn();
    await stuck.closed;
    expect(stuck.messages.length).toBeLessThan(EVENTS);
    const resumed = await open(client, { key: merchant.key, from: stuck.lastId() });
    await eventually(() => expect(stuck.messages.length + resumed.messages.length).toBe(EVENTS), 60_000);
    expect([...stuck.messages, ...resumed.messages]).toEqual(reader.messages);
    for (const each of [reader, resumed]) each.hangUp();
  });
});

test('a page of any origin may read a stream, and asks before it does', async () => {
  const merchant = await w.merchant();
  const asked = await w.app.inject({ method: 'OPTIONS', url: '/api/v1/stream', headers: { origin: 'https://shop.example' } });
  expect([asked.statusCode, asked.headers['access-control-allow-origin'], asked.headers['access-control-allow-headers']]).toEqual(
    [204, '*', 'authorization, last-event-id, cache-control'],
  );
  const listening = await open(sse, { token: await tokenFor(merchant) });
  expect(listening.headers()).toMatchObject({
    'access-control-allow-origin': '*',
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
  });
  listening.hangUp();
  expect((await w.call('GET', '/api/v1/stream')).headers['access-control-allow-origin']).toBe('*'); // it may read its refusal
  expect((await w.call('HEAD', '/api/v1/stream', { key: merchant.key })).status).toBe(405);
});

test('who asks for a WebSocket without one is told so', async () => {
  const merchant = await w.merchant();
  const { status, body, headers } = await w.call('GET', '/api/v1/ws', { key: merchant.key });
  expect([status, body.code, headers['upgrade']]).toEqual([426, 'upgrade_required', 'websocket']);
});

test('a client that offers HTTP/2, as Java’s does with every request, is answered as if it had not', async () => {
  const merchant = await w.merchant();
  const head = (line: string) =>
    `${line} HTTP/1.1\r\nHost: x\r\nX-API-KEY: ${merchant.key}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`;
  expect(await rawExchange(base, `${head('GET /api/v1/balance')}\r\n`)).toMatch(/^HTTP\/1\.1 200 .*"object":"balance"/s);
  const body = '{"userId":"nobody"}';
  const post = `${head('POST /api/v1/stream-tokens')}X-IDEMPOTENCY-KEY: h2c\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect(await rawExchange(base, post)).toMatch(/^HTTP\/1\.1 404 .*"code":"not_found"/s);
});

test('the example client renews its token before it comes back, and has every event once although the line breaks', async () => {
  const { liveEvents } = (await import('../../docs/examples/stream.mjs' as string)) as {
    liveEvents(options: object): AsyncGenerator<{ id: string; event: string; data: { id: string } }>;
  };
  const merchant = await w.merchant({ funds: 100_000n });
  const ended = new AbortController();
  let [tokens, connections] = [0, 0];
  const live = liveEvents({
    url: base,
    signal: ended.signal,
    // Each is about to end: renewed each time.
    token: async () => {
      tokens += 1;
      return { token: await tokenFor(merchant), expiresAt: new Date(Date.now() + 1_000).toISOString() };
    },
    // The line breaks in the middle of what has come.
    fetch: async (address: string, init: RequestInit) => {
      const response = await fetch(address, init);
      connections += 1;
      if (connections > 3) return response;
      let left = 1_500;
      const breaking = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) controller.error(new Error('the line broke'));
        },
      });
      return new Response(response.body?.pipeThrough(breaking) ?? null, { status: response.status });
    },
  });
  const got: string[] = [];
  const reading = (async () => {
    for await (const { data } of live) got.push(data.id);
  })();
  await eventually(() => expect(connections).toBe(1));
  await sleep(200); // it has its first id
  const wanted: string[] = [];
  for (let n = 0; n < 12; n += 1) wanted.push(`evt_${(await w.payoutOf(merchant)).slice(3)}_0001`);
  await eventually(() => expect(got).toEqual(wanted), 60_000);
  expect(connections).toBeGreaterThan(3);
  expect(tokens).toBe(connections);
  ended.abort();
  await reading;
});
