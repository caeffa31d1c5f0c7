/** Who may tell us something in the PSP's name, and what of it we take. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { signature } from '../../src/psp/sandbox/wire.ts';

const SECRET = 'whsec_test';
const registry = createPspRegistry({
  sandbox: { baseUrl: 'http://127.0.0.1:1', apiKey: 'key', webhookSecret: SECRET, timeoutMs: 1000 },
});
const sandbox = registry.byName('sandbox', 'test');
if (!sandbox) throw new Error('no sandbox');
const { parseCallback } = sandbox;

const event = {
  id: 'sbe_1',
  type: 'transfer.paid',
  createdAt: '2026-01-01T00:00:00.000Z',
  data: { id: 'sbt_1', reference: 'po_1:1', status: 'paid', amount: '1500.00', currency: 'PKR', reason: null },
};
const raw = Buffer.from(JSON.stringify(event));
const right = signature(raw, SECRET);

test('a signed callback is read: its event, its reference, its claim', () => {
  expect(parseCallback(raw, { 'x-signature': right })).toEqual({
    eventKey: 'sbe_1 po_1:1 paid',
    reference: 'po_1:1',
    claim: 'paid',
    body: event,
  });
  expect(parseCallback(raw, { 'x-signature': [right] })).toBeDefined();
});

test.each<[string, string | string[] | undefined]>([
  ['none', undefined],
  ['an empty one', ''],
  ['no prefix', right.slice('sha256='.length)],
  ['another algorithm', right.replace('sha256', 'sha1')],
  ['one digit short', right.slice(0, -1)],
  ['one digit more', `${right}0`],
  ['a space behind', `${right} `],
  ['a newline behind', `${right}\n`],
  ['two, joined by the server', `${right}, ${right}`],
  ['two headers', [right, right]],
  ['no headers in a list', []],
  ['another secret', signature(raw, 'whsec_other')],
  ['an empty secret', signature(raw, '')],
  ['another body', signature(`${raw} `, SECRET)],
  ['letters that are no hex', `sha256=${'g'.repeat(64)}`],
])('a callback with a wrong signature is refused: %s', (_what, header) => {
  expect(parseCallback(raw, { 'x-signature': header })).toBeUndefined();
});

test('one changed bit anywhere in the body is noticed', () => {
  fc.assert(
    fc.property(fc.nat(raw.length * 8 - 1), (bit) => {
      const changed = Buffer.from(raw);
      const byte = bit >> 3;
      changed[byte] = (changed[byte] ?? 0) ^ (1 << (bit & 7));
      return parseCallback(changed, { 'x-signature': right }) === undefined;
    }),
  );
});

test('a signed body in unknown words is kept for an operator, under a key of its own, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const body = Buffer.from(bytes);
      const read = parseCallback(body, { 'x-signature': signature(body, SECRET) });
      expect(read).toMatchObject({
        eventKey: expect.stringMatching(/^sha256:[0-9a-f]{64} - unreadable$/),
        reference: null,
        claim: 'unreadable',
      });
      expect(JSON.stringify(read)).not.toContain('\\u0000');
    }),
  );
});

const account = { baseUrl: 'https://psp.example', secretKey: 'key', webhookHash: 'hash', referenceSuffix: '', timeoutMs: 1000 };

test('live money goes nowhere where no live PSP is configured', () => {
  expect(registry.forPayout({ mode: 'live', currency: 'PKR', kind: 'merchant' })).toBeUndefined();
  expect(registry.forPayout({ mode: 'live', currency: 'NGN', kind: 'provider' })).toBeUndefined();
  expect(registry.byName('sandbox', 'live')).toBeUndefined();
});

test('merchants are paid by the sandbox, providers in naira by Flutterwave, each mode by its own account', () => {
  const both = createPspRegistry({
    sandbox: { baseUrl: 'http://127.0.0.1:1', apiKey: 'key', webhookSecret: SECRET, timeoutMs: 1000 },
    flutterwave: [
      { ...account, mode: 'test' },
      { ...account, mode: 'live' },
    ],
  });
  const nameFor = (mode: 'test' | 'live', currency: string, kind: 'merchant' | 'provider') =>
    both.forPayout({ mode, currency, kind })?.name;
  expect(nameFor('test', 'PKR', 'merchant')).toBe('sandbox');
  expect(nameFor('test', 'NGN', 'merchant')).toBe('sandbox');
  expect(nameFor('test', 'NGN', 'provider')).toBe('flutterwave');
  expect(nameFor('test', 'PKR', 'provider')).toBe('sandbox');
  expect(nameFor('live', 'NGN', 'provider')).toBe('flutterwave');
  expect(nameFor('live', 'NGN', 'merchant')).toBeUndefined();
  expect(nameFor('live', 'PKR', 'provider')).toBeUndefined();
  expect(both.forPayout({ mode: 'live', currency: 'NGN', kind: 'provider' })).toBe(both.byName('flutterwave', 'live'));
  expect(both.byName('flutterwave', 'live')).not.toBe(both.byName('flutterwave', 'test'));
});
