/** Guards: an amount sent as a JSON number is paid as it was written, or refused. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJsonBody } from '../../src/http/plugins/jsonBody.ts';
import { AMOUNT_MAX_MINOR, CURRENCIES, type Currency, JsonNumber, parseAmount } from '../../src/rules/money.ts';

const read = (json: string) => parseJsonBody(Buffer.from(json)) as Record<string, unknown>;
const amountIn = (text: string, currency: string) =>
  parseAmount(read(`{"currency":"x", "amount" : ${text} }`)['amount'], currency);

const digits = fc.stringMatching(/^[0-9]{1,17}$/);
/** Any number that JSON allows. */
const jsonNumber = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.oneof(
      fc.constant('0'),
      digits.map((text) => text.replace(/^0+/, '') || '0'),
    ),
    fc.oneof(
      fc.constant(''),
      digits.map((text) => `.${text}`),
      fc.stringMatching(/^\.[0-9]{1,3}$/),
      fc.constant('.00'),
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/) }),
  )
  .map((parts) => parts.join(''));

test('any JSON number is taken if it is a plain decimal of at most 15 significant digits in the range and decimals of its currency, and then means exactly that', () => {
  fc.assert(
    fc.property(jsonNumber, fc.constantFrom(...(Object.keys(CURRENCIES) as Currency[])), (text, currency) => {
      const decimals = CURRENCIES[currency];
      const [, whole = '', fraction = ''] = /^(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text) ?? [];
      const minor = BigInt(whole + fraction.padEnd(decimals, '0'));
      const isPlain = whole !== '' && (whole + fraction).replace(/^0+/, '').length <= 15 && fraction.length <= decimals;
      const isAmount = isPlain && minor > 0n && minor <= AMOUNT_MAX_MINOR;
      const parsed = amountIn(text, currency);
      expect([text, parsed.ok]).toEqual([text, isAmount]);
      if (parsed.ok) expect(parsed.minor).toBe(minor);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['100.0499999999999999', 'PKR'],
  ['150.000', 'PKR'],
  ['1e3', 'PKR'],
  ['1E3', 'JPY'],
  ['150.0', 'JPY'],
  ['-0', 'PKR'],
])('%s %s is refused', (text, currency) => {
  expect(amountIn(text, currency).ok).toBe(false);
});

test.each([
  ['150.00', 'PKR', 15_000n],
  ['150.000', 'KWD', 150_000n],
])('%s %s is taken', (text, currency, minor) => {
  expect(amountIn(text, currency)).toEqual({ ok: true, minor });
});

test.each([
  '{"fee":{"bps":10,"fixed":{"PKR":1.50}}}',
  '{"reviewLimits":{"PKR":1.50}}',
  '{"amountLimit":{"PKR":1.50}}',
  '{"payouts":[{"amount":1},{"userId":"a","amount":1.50}]}',
  '{"a":[1,{"amount":2}],"note":"\\"amount\\":9, {","amount":1.50}',
])('the text of the money in %s is kept', (json) => {
  expect(JSON.stringify(read(json))).toContain('{"text":"1.50"}');
});

test('numbers that are no money stay numbers', () => {
  const json = '{"bps":1e1,"fee":{"bps":3},"metadata":{"amount":1.50},"list":[1.0,-2],"amount":null}';
  expect(read(json)).toEqual(JSON.parse(json));
  expect(read('{"amount":{"amount":1}}')).toEqual({ amount: { amount: 1 } });
  expect(read('{"amount":1}')).toEqual({ amount: new JsonNumber('1') });
});

test('an object of more keys than any of ours has is refused by the first too many', () => {
  const keys = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n])));
  expect(Object.keys(read(keys(200)) as object)).toHaveLength(200);
  expect(() => read(`{"metadata":${keys(201)}}`)).toThrow('/metadata: Must not have more than 200 keys.');
});

test('a key twice, one that poisons, and nesting without end are refused as before', () => {
  for (const json of ['{"a":1,"a":2}', '{"__proto__":1}', `${'['.repeat(40)}${']'.repeat(40)}`, '{"amount":01}'])
    expect(() => read(json)).toThrow();
});
