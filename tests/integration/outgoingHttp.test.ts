/**
 * Guards: what RFC 9110 lets a server write costs nobody a payout or a second webhook, and what it does not let it write
 * is never taken for an answer. Both clients, against a server that writes bytes.
 */
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { postWebhook } from '../../src/net/guardedFetch.ts';
import { openLine } from '../../src/psp/exchange.ts';
import { patience } from '../support/sandbox.ts';
import { closeServers, listening, whenDone } from '../support/servers.ts';

afterEach(closeServers);

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}';

interface Raw {
  readonly url: string;
  readonly connections: number;
  readonly requests: number;
}

/** Answers each request (all of ours are one packet) with these bytes. */
async function raw(answer: (socket: Socket, count: number) => void): Promise<Raw> {
  const seen = { connections: 0, requests: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      seen.requests += 1;
      answer(socket, seen.requests);
    });
  });
  return Object.assign(seen, { url: await listening(server) });
}

const writes = (bytes: string) => (socket: Socket) => void socket.write(bytes);

function line(baseUrl: string, timeoutMs = 2_000) {
  const opened = openLine({ baseUrl, apiKey: 'key', timeoutMs });
  whenDone(() => opened.close());
  return () => opened.ask({ method: 'POST', path: '/transfers', body: '{}' }, patience());
}

const webhook = (url: string, timeoutMs = 2_000) =>
  postWebhook({ url: `${url}/hooks`, headers: {}, body: '{}', timeoutMs, allowLoopback: true });

test.each([
  ['100 Continue', CONTINUE],
  ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ['103 Early Hints', HINTS],
  ['an informational answer that nobody has named yet', 'HTTP/1.1 142 Whatever\r\nX: y\r\n\r\n'],
  ['several of them', CONTINUE + HINTS + HINTS + CONTINUE],
])('%s unasked before the 200: the PSP has answered, the webhook is delivered, each asked once', async (_what, informational) => {
  const server = await raw(writes(informational + OK));
  expect(await line(server.url)()).toEqual({ kind: 'answered', status: 200, retryAfterMs: null, body: { ok: true } });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'delivered', statusCode: 200, excerpt: '{"ok":true}' });
  expect(server.requests).toBe(2);
});

test('an informational answer long before the final one, then one in pieces', async () => {
  const server = await raw((socket) => {
    socket.write(CONTINUE);
    setTimeout(() => socket.write('HTTP/1.1 1'), 50);
    setTimeout(() => socket.write(`02 Processing\r\n\r\n${OK}`), 100);
  });
  expect(await line(server.url)()).toMatchObject({ kind: 'answered', status: 200 });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'delivered' });
});

test('an error after an informational answer stays an error', async () => {
  const server = await raw(writes(`${CONTINUE}HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n`));
  expect(await line(server.url)()).toMatchObject({ kind: 'answered', status: 503, retryAfterMs: 7_000 });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'failed', statusCode: 503, retryAfterMs: 7_000 });
});

test.each([
  ['with the header', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ['without it', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
])('101 %s was not asked for: it proves nothing and delivers nothing', async (_what, upgrade) => {
  const server = await raw(writes(upgrade + OK));
  expect(await line(server.url)()).toEqual({ kind: 'lost', reason: 'UNASKED_UPGRADE' });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'failed', statusCode: null, error: 'invalid_response' });
});

test.each([
  ['nothing but informational answers', '', CONTINUE],
  ['a head that drips for ever', 'HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'],
  ['silence', '', ''],
])('%s ends with our time limit', async (_what, first, again) => {
  const server = await raw((socket) => {
    socket.write(first);
    const timer = setInterval(() => socket.write(again), 20);
    socket.on('close', () => clearInterval(timer));
  });
  expect(await line(server.url, 300)()).toEqual({ kind: 'lost', reason: 'timeout' });
  expect(await webhook(server.url, 300)).toMatchObject({ outcome: 'failed', error: 'timeout' });
});

test('a body that is cut: the PSP has not answered, the webhook is delivered', async () => {
  const server = await raw((socket) => {
    socket.write(`${CONTINUE}HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok":`);
    setTimeout(() => socket.destroy(), 30);
  });
  expect(await line(server.url)()).toEqual({ kind: 'lost', reason: 'ECONNRESET' });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'delivered', excerpt: '{"ok":' });
});

test('a chunked body that is cut is no answer, even where what came is whole JSON', async () => {
  const server = await raw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"ok":true}\r\n');
    setTimeout(() => socket.end(), 30);
  });
  expect(await line(server.url)()).toMatchObject({ kind: 'lost' });
});

test.each([
  ['said beforehand', `Content-Length: ${10 ** 9}\r\n\r\n`],
  ['not said', '\r\n'],
])('a body over our limit, its length %s, is not read to its end', async (_what, rest) => {
  const server = await raw((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
    const pour = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536, ' '))) {}
      if (!socket.destroyed) socket.once('drain', pour);
    };
    pour();
  });
  expect(await line(server.url)()).toEqual({ kind: 'lost', reason: 'ANSWER_TOO_LARGE' });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'delivered' });
});

test('a head over all bounds is no answer', async () => {
  const server = await raw(writes(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`));
  expect(await line(server.url)()).toMatchObject({ kind: 'lost', reason: 'HPE_HEADER_OVERFLOW' });
  expect(await webhook(server.url)).toMatchObject({ outcome: 'failed', error: 'invalid_response' });
});

test.each([0, 30])(
  'a second answer %i ms behind the first is never taken for the answer to the next request',
  async (afterMs) => {
    const answerTo = (count: number) => `HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"n":${count}}`;
    const server = await raw((socket, count) => {
      if (afterMs === 0) socket.write(answerTo(count) + answerTo(9));
      else {
        socket.write(answerTo(count));
        setTimeout(() => socket.destroyed || socket.write(answerTo(9)), afterMs);
      }
    });
    const ask = line(server.url);
    for (const n of [1, 2, 3]) {
      expect(await ask()).toMatchObject({ kind: 'answered', body: { n } });
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
  },
);

test('answers without end to one question are read once', async () => {
  const server = await raw(writes(OK + OK + CONTINUE));
  expect(await webhook(server.url)).toMatchObject({ outcome: 'delivered', excerpt: '{"ok":true}' });
});

test('one connection to the PSP is used again, and no more are opened than we may', async () => {
  const server = await raw((socket) => void setTimeout(() => socket.write(OK), 20));
  const ask = line(server.url, 10_000);
  await ask();
  await ask();
  expect(server.connections).toBe(1);
  await Promise.all(Array.from({ length: 120 }, ask));
  expect(server.connections).toBeLessThanOrEqual(50);
});

test('a proxy that the environment names gets neither our requests nor our keys', async () => {
  const proxy = await raw(writes(OK));
  const server = await raw(writes(OK));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY']) process.env[name] = proxy.url;
  try {
    await line(server.url)();
    await webhook(server.url);
  } finally {
    for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY']) delete process.env[name];
  }
  expect([proxy.requests, server.requests]).toEqual([0, 2]);
});
