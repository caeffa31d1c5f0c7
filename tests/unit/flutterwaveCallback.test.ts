/** Who may tell us something in Flutterwave's name, and what of it we take. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCallback } from '../../src/psp/flutterwave/callback.ts';

const HASH = 'a-shared-secret-hash';
const REFERENCE = `po_${'0'.repeat(31)}1:1`;
const event = (over: object = {}, name: string | null = 'transfer.completed') => ({
  ...(name === null ? {} : { event: name }),
  'event.type': 'Transfer',
  data: { id: 4711, account_number: '0690000031', fullname: 'Ade Bond', status: 'SUCCESSFUL', reference: REFERENCE, ...over },
});
const raw = (body: unknown) => Buffer.from(JSON.stringify(body));
const read = (body: unknown, header: string | string[] | undefined = HASH) => parseCallback(raw(body), header, HASH);

test('a callback with our hash is read: its reference and its claim, and no account number is kept', () => {
  const callback = read(event());
  expect(callback).toMatchObject({ reference: REFERENCE, claim: 'paid', eventKey: expect.stringMatching(/^4711:SUCCESSFUL:/) });
  expect(JSON.stringify(callback)).not.toContain('0690000031');
  expect(read(event(), [HASH])).toEqual(callback);
});

test.each<[string, string | string[] | undefined]>([
  ['none', undefined],
  ['an empty one', ''],
  ['a shorter one', HASH.slice(0, -1)],
  ['a longer one', `${HASH}x`],
  ['another case', HASH.toUpperCase()],
  ['a space behind', `${HASH} `],
  ['two headers', [HASH, HASH]],
  ['no headers in a list', []],
  ['what is no latin', '🔑'.repeat(5)],
])('a callback with a wrong hash is refused: %s', (_what, header) => {
  expect(parseCallback(raw(event()), header, HASH)).toBeUndefined();
});

test.each([
  ['transfer.completed', 'SUCCESSFUL', 'paid'],
  ['transfer.completed', 'FAILED', 'failed'],
  ['transfer.completed', 'PENDING', 'processing'],
  ['transfer.completed', 'NEW', 'processing'],
  ['transfer.completed', 'successful', 'paid'],
  ['transfer.completed', 'ODD', 'unreadable'],
  ['transfer.success', undefined, 'paid'],
  ['transfer.failed', undefined, 'failed'],
  ['transfer.success', 'SUCCESSFUL', 'paid'],
  [null, 'FAILED', 'failed'],
  ['transfer.completed', undefined, 'unreadable'],
])('%s with status %s claims %s', (name, status, claim) => {
  expect(read(event({ status }, name))?.claim).toBe(claim);
});

test.each([
  REFERENCE,
  `${REFERENCE}_PMCK`,
  `${REFERENCE}_PMCKDU_3`,
  `${REFERENCE}_PMCK_ST_FDU_3`,
  `${REFERENCE}_RETRY_2`,
  `${REFERENCE}_PMCK_RETRY_1`,
])('the reference %s is about our attempt', (reference) => {
  expect(read(event({ reference }))?.reference).toBe(REFERENCE);
});

test('the same event twice has one key; another end of the same transfer, or another body, has another', () => {
  const keys = [event(), event(), event({ status: 'FAILED' }), event({ complete_message: 'x' }), event({ id: 12 })].map(
    (body) => read(body)?.eventKey,
  );
  expect(keys[0]).toBe(keys[1]);
  expect(new Set(keys).size).toBe(4);
});

test('a body in unknown words is kept for an operator, under a key of its own, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const callback = parseCallback(Buffer.from(bytes), HASH, HASH);
      return callback?.reference === null && callback.claim === 'unreadable' && callback.eventKey.startsWith('sha256:');
    }),
  );
});
