/** Guards: a request that is too slow, too large or of the wrong kind is refused in words, and nothing of it is done by halves. */
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { openApp } from '../../src/http/openApp.ts';
import { merchantAuth } from '../../src/http/plugins/auth.ts';
import { once, requireIdempotencyKey } from '../../src/http/plugins/idempotency.ts';
import { JSON_BODY } from '../../src/http/plugins/intake.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, openDoor } from '../support/door.ts';
import { rawExchange } from '../support/rawExchange.ts';

/** Long enough for a busy machine to read a whole body. */
const SHORT_MS = 2_000;
const LONGEST_MS = 60_000;

let door: Door;
let key: string;
let app: FastifyInstance;
let url: string;
/** What the routes below have done, and under which id. */
let done: { readonly id: string; readonly row: string }[];
const logged: string[] = [];

beforeAll(async () => {
  door = await openDoor();
  key = (await door.merchant()).key;
  const logTo = { write: (line: string) => void logged.push(line) };
  app = await openApp({ ...door.context.config, logLevel: 'warn' }, withRoutes, { logTo });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app.close();
  await door.stop();
});
beforeEach(() => {
  done = [];
});

/** Routes as the next flows will have them. */
async function withRoutes(app: FastifyInstance): Promise<void> {
  const quick = { ...JSON_BODY, limitBytes: 2 * 1024, timeoutMs: SHORT_MS };
  app.post('/quick', { config: { intake: quick } }, async ({ body }) => {
    done.push({ id: '', row: JSON.stringify(body) });
    return { done: true };
  });
  app.post('/long', { config: { intake: { ...JSON_BODY, timeoutMs: LONGEST_MS } } }, async () => ({ done: true }));

  await app.register(rowRoutes);
}

/** Lines that are dealt with as they come, each under a name of its own. */
const rowRoutes: FastifyPluginAsync = async (scope) => {
  scope.addContentTypeParser('application/x-ndjson', async (_request: unknown, payload: Readable) => payload);
  scope.addHook('preParsing', requireIdempotencyKey);
  scope.post(
    '/rows',
    {
      onRequest: merchantAuth(door.context, 'payouts:write'),
      config: { intake: { ...JSON_BODY, types: ['application/x-ndjson'], timeoutMs: SHORT_MS } },
    },
    async (request, reply) =>
      await once(door.context, request, reply, {
        allot: () => newId('row'),
        fingerprint: String(request.headers['content-digest']),
        async execute(id) {
          for await (const chunk of request.body as Readable) {
            for (const row of String(chunk).split('\n')) if (row.trim() !== '') done.push({ id, row });
          }
          return { status: 201, body: { id, rows: done.length } };
        },
      }),
  );
};

const head = (path: string, ...headers: string[]) => [`POST ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');

/** What the server says until it ends the connection, while a body of this length comes in a byte every 100 ms. */
async function dripped(request: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number.parseInt(port, 10), '127.0.0.1', () => socket.write(request));
  let heard = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    heard += more;
  });
  const closed = new Promise<void>((resolve) => socket.on('error', () => {}).on('close', () => resolve()));
  const drip = setInterval(() => socket.write(' '), 100);
  await closed;
  clearInterval(drip);
  return heard;
}

const problem = (heard: string) => JSON.parse(heard.slice(heard.indexOf('\r\n\r\n') + 4));

test('a body that drips in slower than its route allows is told so and ends the connection, and its route never hears of it', async () => {
  const startedAt = performance.now();
  const heard = await dripped(`${head('/quick', 'Content-Type: application/json', 'Content-Length: 2000')}{"a":`);
  expect(heard).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*connection: close.*content-type: application\/problem\+json/s);
  expect(problem(heard)).toMatchObject({ code: 'request_timeout', instance: '/quick', detail: expect.stringContaining('2 s') });
  expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS / 2); // by the route's own time, not by the server's
  expect(done).toEqual([]);
});

test('a body that comes in pieces but in time is read whole', async () => {
  const socket = connect(Number.parseInt(new URL(url).port, 10), '127.0.0.1');
  const heard = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  const body = '{"amount":"1"}';
  socket.write(head('/quick', 'Content-Type: application/json', `Content-Length: ${body.length}`));
  for (const piece of [body.slice(0, 5), body.slice(5)]) {
    await sleep(100);
    socket.write(piece);
  }
  expect(await heard).toMatch(/^HTTP\/1\.1 200 /);
  expect(done).toEqual([{ id: '', row: body }]);
  socket.destroy();
});

test('a client that goes away in the middle of its body is no outage and leaves nothing done', async () => {
  const socket = connect(Number.parseInt(new URL(url).port, 10), '127.0.0.1');
  socket.write(`${head('/quick', 'Content-Type: application/json', 'Content-Length: 2000')}{"a":`);
  await sleep(200);
  socket.destroy();
  await sleep(200);
  expect([done, logged]).toEqual([[], []]);
  expect((await app.inject({ method: 'POST', url: '/quick', payload: { still: 'well' } })).statusCode).toBe(200);
});

test('the server itself waits as long as the longest of its routes', () => {
  expect(app.server.requestTimeout).toBe(LONGEST_MS);
  expect(door.app.server.requestTimeout).toBe(3_600_000); // an import of commitments; each route keeps its own time
});

test('too much is 413 with the route’s own limit, announced or not', async () => {
  const announced = await app.inject({ method: 'POST', url: '/quick', payload: { text: 'a'.repeat(2_048) } });
  expect(announced.json()).toMatchObject({ status: 413, code: 'body_too_large', detail: expect.stringContaining('2 KiB') });
  const chunk = `${(3_000).toString(16)}\r\n${' '.repeat(3_000)}\r\n0\r\n\r\n`;
  const heard = await rawExchange(url, head('/quick', 'Content-Type: application/json', 'Transfer-Encoding: chunked') + chunk);
  expect(problem(heard)).toMatchObject({ status: 413, code: 'body_too_large' });
  expect((await app.inject({ method: 'POST', url: '/long', payload: { text: 'a'.repeat(2_048) } })).statusCode).toBe(200);
});

test.each(['text/plain', 'nonsense', 'application/json-seq', undefined])(
  'a body as %s is 415 with the type that the route takes',
  async (type) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const reply = await app.inject({ method: 'POST', url: '/quick', headers, payload: '{}' });
    expect(reply.json()).toMatchObject({ code: 'unsupported_media_type', detail: expect.stringContaining('application/json') });
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([415, 'application/problem+json; charset=utf-8']);
    expect(done).toEqual([]);
  },
);

test('who is refused before the body is in does not hold the connection with it', async () => {
  const heard = await dripped(
    head('/rows', 'X-API-KEY: pk_test_nobody', 'Content-Type: application/x-ndjson', 'Content-Length: 9000'),
  );
  expect(heard).toMatch(/^HTTP\/1\.1 401 /);
});

test('rows that stream in are done under the key’s one id: cut off by time they go on, finished they are answered, other rows are refused', async () => {
  const rows = (digest: string) =>
    [
      '/rows',
      `X-API-KEY: ${key}`,
      'X-IDEMPOTENCY-KEY: rows-1',
      `Content-Digest: ${digest}`,
      'Content-Type: application/x-ndjson',
    ] as const;
  const cut = await dripped(`${head(...rows('a'), 'Content-Length: 2000')}one\n`);
  expect(cut).toMatch(/^HTTP\/1\.1 408 .*connection: close/s);
  expect(done.map(({ row }) => row)).toEqual(['one']);
  const [{ id } = { id: '' }] = done;
  done = [];

  const whole = (digest: string) =>
    rawExchange(url, `${head(...rows(digest), 'Connection: close', 'Content-Length: 8')}one\ntwo\n`);
  expect(await whole('a')).toContain(`"id":"${id}","rows":2`); // a 408 is no answer to keep
  expect(done).toEqual([
    { id, row: 'one' },
    { id, row: 'two' },
  ]);
  done = [];
  expect(await whole('a')).toMatch(/^HTTP\/1\.1 201 .*idempotent-replayed: true/s);
  expect(problem(await whole('b'))).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  expect(done).toEqual([]);
});

test('a PSP is heard whatever it calls its body, but for one that no PSP would send', async () => {
  const say = (payload: string, type: string) =>
    door.app.inject({ method: 'POST', url: '/api/v1/ipn/sandbox', headers: { 'content-type': type }, payload });
  for (const type of ['application/json', 'text/plain', 'nonsense']) expect((await say('{}', type)).statusCode).toBe(401); // read, and not signed
  const large = await say('a'.repeat(300_000), 'text/plain');
  expect(large.json()).toMatchObject({ status: 413, detail: expect.stringContaining('256 KiB') });
});
