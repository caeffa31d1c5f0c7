/** Guards: whatever a merchant's server does, one try ends in time with a clear result, and goes nowhere else. */

import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test } from '@jest/globals';
import { type Answer, neverAnswer, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { postWebhook, type WebhookPost } from '../../src/net/guardedFetch.ts';

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  toClose.push(() => started.close());
  return started;
}

const post = (url: string, more: Partial<WebhookPost> = {}) =>
  postWebhook({
    url,
    headers: { 'content-type': 'application/json' },
    body: '{"a":"ä"}',
    timeoutMs: 15_000,
    allowLoopback: true,
    ...more,
  });

test('the receiver gets exactly the bytes, and 2xx is delivered', async () => {
  const server = await receiver(say(204));

  expect(await post(`${server.url}?key=1`)).toMatchObject({ outcome: 'delivered', statusCode: 204 });
  expect(server.received).toMatchObject([
    { path: '/hooks?key=1', body: '{"a":"ä"}', headers: { 'content-type': 'application/json' } },
  ]);
});

test('a redirect is a failure and is not followed', async () => {
  const elsewhere = await receiver();
  const server = await receiver(say(307, '', { location: elsewhere.url }));

  expect(await post(server.url)).toMatchObject({ outcome: 'failed', statusCode: 307 });
  expect(elsewhere.received).toHaveLength(0);
});

test.each([
  ['7', 7_000],
  ['0', null],
  ['soon', null],
  ['99999999', 48 * 3_600_000],
  ['99999999999999999999', 48 * 3_600_000],
])('an error keeps its status, its words and Retry-After %s', async (header, retryAfterMs) => {
  const server = await receiver(say(503, 'be\u0000 back\nsoon', { 'retry-after': header }));

  expect(await post(server.url)).toMatchObject({ outcome: 'failed', statusCode: 503, excerpt: 'be back\nsoon', retryAfterMs });
});

test('Retry-After may also be a date', async () => {
  const server = await receiver(say(429, '', { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }));

  const result = await post(server.url);
  expect(result.outcome === 'failed' && (result.retryAfterMs ?? 0) > 3_500_000).toBe(true);
});

const packed =
  (coding: string, body: Uint8Array): Answer =>
  (_request, response) =>
    void response.writeHead(500, { 'content-encoding': coding }).end(body);

const PAGE = `<h1>Außer Betrieb</h1>\n${'bis morgen '.repeat(2_000)}`;

test.each([
  ['gzip', gzipSync(PAGE)],
  ['GZIP', gzipSync(PAGE)],
  ['x-gzip', gzipSync(PAGE)],
  ['deflate', deflateSync(PAGE)],
  ['deflate', deflateRawSync(PAGE)],
  ['br', brotliCompressSync(PAGE)],
])('an error page that came packed (%s) is shown in its words', async (coding, body) => {
  const server = await receiver(packed(coding, body));

  const result = await post(server.url);
  expect(result).toMatchObject({
    outcome: 'failed',
    statusCode: 500,
    excerpt: expect.stringMatching(/^<h1>Außer Betrieb<\/h1>\nbis morgen /),
  });
  expect(Buffer.byteLength('excerpt' in result ? result.excerpt : '')).toBe(1_024);
});

test.each([
  ['gzip', 300],
  ['br', 300],
])('a packed page (%s) that is cut off is shown as far as it came', async (coding, bytes) => {
  const words = Array.from({ length: 500 }, (_, at) => `line ${at * 7_919}`).join('\n');
  const body = coding === 'br' ? brotliCompressSync(words) : gzipSync(words);
  const server = await receiver((_request, response) => {
    response.writeHead(500, { 'content-encoding': coding, 'content-length': String(body.length) });
    response.write(body.subarray(0, bytes), () => response.destroy());
  });

  expect(await post(server.url)).toMatchObject({ statusCode: 500, excerpt: expect.stringMatching(/^line 0\nline 7919\n/) });
});

const BROKEN = gzipSync(PAGE);
BROKEN[30] = ~(BROKEN[30] ?? 0) & 0xff;
const MEBIBYTE = 1_024 * 1_024;

test.each([
  ['what is no gzip at all', 'gzip', Buffer.from('plain words'), '(gzip, 11 bytes)'],
  ['a broken gzip', 'gzip', BROKEN, `(gzip, ${BROKEN.length} bytes)`],
  ['the head of one', 'gzip', gzipSync(PAGE).subarray(0, 8), '(gzip, 8 bytes)'],
  ['no brotli', 'br', Buffer.alloc(20, 0xff), '(br, 20 bytes)'],
  ['no deflate', 'deflate', Buffer.alloc(20, 0xff), '(deflate, 20 bytes)'],
])('%s is said to be that, and how long', async (_what, coding, body, excerpt) => {
  const server = await receiver(packed(coding, body));

  expect(await post(server.url)).toMatchObject({ outcome: 'failed', statusCode: 500, excerpt });
});

test.each([
  ['gzip', gzipSync(Buffer.alloc(32 * MEBIBYTE))],
  ['deflate', deflateSync(Buffer.alloc(32 * MEBIBYTE))],
  ['br', brotliCompressSync(Buffer.alloc(32 * MEBIBYTE))],
])('a %s bomb is not unpacked, and what was read of it is counted', async (coding, body) => {
  const server = await receiver(packed(coding, body));

  const read = Math.min(body.length, 64 * 1_024);
  expect(await post(server.url)).toMatchObject({ outcome: 'failed', statusCode: 500, excerpt: `(${coding}, ${read} bytes)` });
});

test.each(['utf-8', 'identity', 'gzip, gzip', ''])('an answer in the coding %j is shown as it came', async (coding) => {
  const server = await receiver(packed(coding, Buffer.from('plain words')));

  expect(await post(server.url)).toMatchObject({ outcome: 'failed', excerpt: 'plain words' });
});

test('an empty answer is empty, whatever it calls itself', async () => {
  const server = await receiver(packed('gzip', Buffer.alloc(0)));

  expect(await post(server.url)).toMatchObject({ outcome: 'failed', excerpt: '' });
});

test('a receiver that never answers is given up at the limit', async () => {
  const server = await receiver(neverAnswer);

  expect(await post(server.url, { timeoutMs: 200 })).toMatchObject({ outcome: 'failed', error: 'timeout' });
});

test('an endless answer is cut off, and the 2xx before it counts', async () => {
  let sent = 0;
  const server = await receiver((_request, response) => {
    response.writeHead(200);
    const pour = () => {
      while (!response.destroyed && response.write('x'.repeat(16_384))) sent += 16_384;
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  });

  const result = await post(server.url);
  expect(result).toMatchObject({ outcome: 'delivered', excerpt: 'x'.repeat(1_024) });
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test('an answer whose body never ends is delivered all the same', async () => {
  const server = await receiver((_request, response) => void response.writeHead(200).write('half'));

  expect(await post(server.url)).toMatchObject({ outcome: 'delivered', excerpt: 'half' });
});

test('a dead port, a name without an address, a cut connection and nonsense each have their name', async () => {
  const gone = await startReceiver();
  await gone.close();
  expect(await post(gone.url)).toMatchObject({ outcome: 'failed', statusCode: null, error: 'connect_refused' });
  expect(await post('http://no-such-name.invalid/')).toMatchObject({ outcome: 'failed', error: 'dns_error' });

  const cutting = await receiver((request) => void request.socket.destroy());
  expect(await post(cutting.url)).toMatchObject({ outcome: 'failed', error: 'connection_lost' });

  const talking = await rawServer((text) => `no http at all ${text.length}\r\n\r\n`);
  expect(await post(`http://127.0.0.1:${talking}/`)).toMatchObject({ outcome: 'failed', error: 'invalid_response' });
});

test('a server without a certificate that we trust gets nothing', async () => {
  const plain = await receiver();
  expect(await post(plain.url.replace('http:', 'https:'))).toMatchObject({ outcome: 'failed', error: 'tls_error' });
  expect(plain.received).toHaveLength(0);

  const nameless = createTlsServer();
  await new Promise<void>((resolve) => nameless.listen(0, '127.0.0.1', resolve));
  toClose.push(async () => void nameless.close());
  expect(await post(`https://127.0.0.1:${(nameless.address() as AddressInfo).port}/`)).toMatchObject({
    outcome: 'failed',
    error: 'tls_error',
  });
});

test.each(['127.0.0.1', '0', '127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
  'where loopback is not allowed, %s is not even connected to',
  async (host) => {
    let connections = 0;
    const port = await rawServer(
      () => '',
      () => {
        connections += 1;
      },
    );

    expect(await post(`https://${host}:${port}/`, { allowLoopback: false })).toMatchObject({
      outcome: 'refused',
      error: 'blocked_address',
    });
    expect(connections).toBe(0);
  },
);

test.each(['169.254.169.254', '[fd00::1]', '10.0.0.1', '100.64.0.1', '0.0.0.0', '[::]'])(
  '%s is refused even where loopback is allowed',
  async (host) => {
    expect(await post(`http://${host}/`)).toMatchObject({ outcome: 'refused', error: 'blocked_address' });
  },
);

test('a URL with a password, or plain http where it is not allowed, is refused', async () => {
  const server = await receiver();
  expect(await post(server.url.replace('//', '//user:secret@'))).toMatchObject({
    outcome: 'refused',
    error: 'userinfo_not_allowed',
  });
  expect(await post(server.url, { allowLoopback: false })).toMatchObject({ outcome: 'refused', error: 'scheme_not_allowed' });
  expect(server.received).toHaveLength(0);
});

test('a worker that stops ends its tries at once, without a result', async () => {
  const stop = new AbortController();
  const server = await receiver(() => stop.abort());

  await expect(post(server.url, { signal: stop.signal })).rejects.toThrow();
  await expect(post(server.url, { signal: AbortSignal.abort() })).rejects.toThrow();
});

async function rawServer(reply: (text: string) => string, onConnection: () => void = () => undefined): Promise<number> {
  const server: Server = createServer((socket) => {
    onConnection();
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.end(reply(data.toString('utf8'))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(async () => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a receiver that says without end that it is still at it is not listened to: nobody else would be served meanwhile', async () => {
  const flood = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n'.repeat(2_000));
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    const go = () => {
      if (socket.write(flood)) setImmediate(go);
    };
    socket.on('drain', go).once('data', go);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(() => new Promise((resolve) => server.close(() => resolve())));

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect(await post(url, { timeoutMs: 5_000 })).toMatchObject({ outcome: 'failed', error: 'invalid_response' });
});
