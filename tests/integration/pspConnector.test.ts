/** The connector against PSPs and networks that behave as they sometimes do. No database: each test is its own PSP. */
import { createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { PspReply } from '../../src/psp/port.ts';
import { createSandboxConnector } from '../../src/psp/sandbox/connector.ts';
import { orderTo, patience } from '../support/sandbox.ts';
import { answering, closeServers, listening, psp, whenDone } from '../support/servers.ts';

afterEach(closeServers);

const connectorTo = (baseUrl: string, timeoutMs = 400) => {
  const connector = createSandboxConnector({ baseUrl, apiKey: 'key', webhookSecret: 'secret', timeoutMs });
  whenDone(() => connector.close());
  return connector;
};

const order = orderTo('0001');
const inWords = (code: string) => JSON.stringify({ error: { code, message: 'a reason' } });
const transferOf = (over: object) =>
  JSON.stringify({
    id: 'sbt_1',
    reference: order.reference,
    status: 'paid',
    reason: null,
    amount: '1500.00',
    currency: 'PKR',
    destination: order.destination,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...over,
  });

test('nothing listens there: certainly not taken, and a look-up knows nothing', async () => {
  const connector = connectorTo('http://127.0.0.1:1');
  expect(await connector.submit(order, patience())).toEqual({ kind: 'not_taken', reason: 'ECONNREFUSED', retryAfterMs: null });
  expect(await connector.lookUp(order, patience())).toEqual({ kind: 'unknown', reason: 'ECONNREFUSED' });
  expect(await connector.verifyAccount(order.destination, patience())).toEqual({ unavailable: 'ECONNREFUSED' });
});

test('the name of the PSP cannot be resolved: certainly not taken', async () => {
  const connector = connectorTo('http://psp.invalid', 5000);
  expect(await connector.submit(order, patience())).toMatchObject({ kind: 'not_taken' });
});

test.each<[string, number, string, PspReply]>([
  ['502 of a proxy', 502, '<html>', { kind: 'unknown', reason: 'HTTP 502' }],
  ["503 in the PSP's words", 503, inWords('internal_error'), { kind: 'unknown', reason: 'HTTP 503' }],
  ['400 of a proxy', 400, '<html>', { kind: 'unknown', reason: 'HTTP 400' }],
  ["400 with somebody else's words", 400, inWords('no_such_code'), { kind: 'unknown', reason: 'HTTP 400' }],
  ['500 that says invalid_request', 500, inWords('invalid_request'), { kind: 'unknown', reason: 'HTTP 500' }],
  ["404 in the PSP's words", 404, inWords('not_found'), { kind: 'unknown', reason: 'not_found' }],
  ['408', 408, '', { kind: 'unknown', reason: 'HTTP 408' }],
  ['a redirect', 307, '', { kind: 'unknown', reason: 'HTTP 307' }],
  ['200 without a body', 200, '', { kind: 'unknown', reason: 'unreadable answer' }],
  ['200 with HTML', 200, '<html>ok</html>', { kind: 'unknown', reason: 'unreadable answer' }],
  ['200 with a status we do not know', 200, transferOf({ status: 'settled' }), { kind: 'unknown', reason: 'unreadable answer' }],
  ['200 with half a JSON', 200, transferOf({}).slice(0, -1), { kind: 'unknown', reason: 'unreadable answer' }],
  [
    '200 about another reference',
    200,
    transferOf({ reference: 'po_other:1' }),
    { kind: 'mismatch', pspRef: 'sbt_1', detail: 'differs in reference' },
  ],
  [
    '200 with an amount of too many decimals',
    200,
    transferOf({ amount: '1500.001' }),
    { kind: 'mismatch', pspRef: 'sbt_1', detail: 'differs in amount' },
  ],
  [
    '200 with an amount in exponents',
    200,
    transferOf({ amount: '15e2' }),
    { kind: 'mismatch', pspRef: 'sbt_1', detail: 'differs in amount' },
  ],
  [
    '200 with another amount although failed',
    200,
    transferOf({ amount: '1.00', status: 'failed' }),
    { kind: 'mismatch', pspRef: 'sbt_1', detail: 'differs in amount' },
  ],
  ['401', 401, inWords('unauthorized'), { kind: 'not_taken', reason: 'unauthorized', retryAfterMs: null }],
  ['429 of a gateway', 429, 'slow down', { kind: 'not_taken', reason: 'rate_limited', retryAfterMs: null }],
  [
    'processing',
    202,
    transferOf({ status: 'processing' }),
    { kind: 'accepted', stage: 'processing', pspRef: 'sbt_1', reason: null },
  ],
  [
    'failed for a reason without a name',
    200,
    transferOf({ status: 'failed', reason: 'moon_phase' }),
    {
      kind: 'failed',
      pspRef: 'sbt_1',
      failure: { class: 'F', code: 'declined_by_psp', message: 'The payment provider declined the payment.' },
    },
  ],
])('a submission answered with %s', async (_what, status, body, reply) => {
  expect(await connectorTo(await answering(status, body)).submit(order, patience())).toEqual(reply);
});

test.each<[string, number, string, PspReply]>([
  ["404 in the PSP's words", 404, inWords('not_found'), { kind: 'not_found' }],
  ['404 of a proxy', 404, 'no upstream', { kind: 'unknown', reason: 'HTTP 404' }],
  ["400 in the PSP's words", 400, inWords('invalid_request'), { kind: 'unknown', reason: 'HTTP 400' }],
  ['401', 401, inWords('unauthorized'), { kind: 'unknown', reason: 'HTTP 401' }],
  ['500', 500, '', { kind: 'unknown', reason: 'HTTP 500' }],
])('a look-up answered with %s', async (_what, status, body, reply) => {
  expect(await connectorTo(await answering(status, body)).lookUp(order, patience())).toEqual(reply);
});

test.each([
  ['7', 7000],
  ['0', 0],
  ['soon', null],
  ['99999999', null],
  ['-1', null],
])('Retry-After: %s', async (header, retryAfterMs) => {
  const connector = connectorTo(await answering(429, '', { 'retry-after': header }));
  expect(await connector.submit(order, patience())).toEqual({ kind: 'not_taken', reason: 'rate_limited', retryAfterMs });
});

test('Retry-After as a date', async () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  const reply = await connectorTo(await answering(429, '', { 'retry-after': inAMinute })).submit(order, patience());
  if (reply.kind !== 'not_taken' || reply.retryAfterMs === null) throw new Error(`got ${JSON.stringify(reply)}`);
  expect(reply.retryAfterMs).toBeLessThanOrEqual(60_000);
  expect(reply.retryAfterMs).toBeGreaterThan(30_000);
});

test('the connection is cut in the middle of the answer: unknown', async () => {
  const url = await psp((_request, response) => {
    response.writeHead(200, { 'content-length': '500' });
    response.write('{"id":');
    setTimeout(() => response.destroy(), 20);
  });
  expect(await connectorTo(url).submit(order, patience())).toMatchObject({ kind: 'unknown' });
});

test('an answer that drips for ever ends with our timeout: unknown', async () => {
  const url = await psp((_request, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(drip));
  });
  expect(await connectorTo(url).submit(order, patience())).toEqual({ kind: 'unknown', reason: 'timeout' });
});

test('an answer without end does not fill our memory: unknown', async () => {
  const url = await psp((_request, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' '))) {}
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  expect(await connectorTo(url, 10_000).submit(order, patience())).toEqual({
    kind: 'unknown',
    reason: 'ANSWER_TOO_LARGE',
  });
});

test('no HTTP at all: unknown', async () => {
  const url = await listening(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
  expect(await connectorTo(url).submit(order, patience())).toMatchObject({ kind: 'unknown' });
});

test('the worker gives up, before or during the request: unknown, and no exception', async () => {
  const url = await psp(() => undefined);
  const connector = connectorTo(url, 10_000);
  const giveUp = new AbortController();
  const reply = connector.submit(order, giveUp.signal);
  setTimeout(() => giveUp.abort(), 50);
  expect(await reply).toEqual({ kind: 'unknown', reason: 'aborted' });
  expect(await connector.submit(order, AbortSignal.abort())).toEqual({ kind: 'unknown', reason: 'aborted' });
});

test('one request on the wire for one submission, whatever the answer', async () => {
  let requests = 0;
  const url = await psp((request) => {
    requests += 1;
    request.socket.destroy();
  });
  const connector = connectorTo(url);
  expect(await connector.submit(order, patience())).toMatchObject({ kind: 'unknown' });
  expect(requests).toBe(1);
});
