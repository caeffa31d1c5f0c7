/** Flutterwave's JSON has numbers for money. Not a kobo may be lost or found on the way there and back. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decimalText, feeMinorOf, minorOf, withAmount } from '../../src/psp/flutterwave/amounts.ts';
import { AMOUNT_MAX_MINOR, formatMajor } from '../../src/rules/money.ts';

const CURRENCIES = ['NGN', 'UGX', 'TND'] as const; // of 2, 0 and 3 decimals
const currency = fc.constantFrom(...CURRENCIES);
/** One less than 10^15, the one amount of 16 digits, which no currency of Flutterwave's comes near. */
const minor = fc.bigInt({ min: 1n, max: AMOUNT_MAX_MINOR - 1n });

const sent = (amountMinor: bigint, of: string): { amount: number } => JSON.parse(withAmount({ currency: of }, amountMinor, of));

test('every amount that we send is read back as the same amount', () => {
  fc.assert(fc.property(minor, currency, (amountMinor, of) => minorOf(sent(amountMinor, of).amount, of) === amountMinor));
});

test('two amounts that differ by the least there is are never read as one', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n, max: AMOUNT_MAX_MINOR - 1n }), currency, (amountMinor, of) => {
      return minorOf(sent(amountMinor - 1n, of).amount, of) !== minorOf(sent(amountMinor, of).amount, of);
    }),
  );
});

test('an amount is read the same as a number and as a string', () => {
  fc.assert(fc.property(minor, currency, (amountMinor, of) => minorOf(formatMajor(amountMinor, of), of) === amountMinor));
});

test('the amount goes over the wire as the digits of its decimal text, beside what else is asked', () => {
  expect(withAmount({ reference: 'po_1:1', currency: 'NGN' }, 5_000_005n, 'NGN')).toBe(
    '{"reference":"po_1:1","currency":"NGN","amount":50000.05}',
  );
  expect(withAmount({ currency: 'UGX' }, 1500n, 'UGX')).toBe('{"currency":"UGX","amount":1500}');
});

test('the rounding of a sender who computes with floats is not taken for another amount', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 10n }), fc.integer({ min: 2, max: 9 }), (amountMinor, parts) => {
      const exact = sent(amountMinor, 'NGN').amount;
      return minorOf((exact / parts) * parts, 'NGN') === amountMinor;
    }),
  );
});

test.each([
  ['nothing', 0],
  ['a negative amount', -1],
  ['half a kobo', 1.005],
  ['an exponent', 1e21],
  ['a little more', 1e-7],
  ['not a number', Number.NaN],
  ['words', 'many'],
  ['an empty text', ''],
])('%s is no amount', (_what, value) => {
  expect(minorOf(value, 'NGN')).toBeUndefined();
});

test.each([
  [10.75, 'NGN', 1075n],
  [26.875, 'NGN', 2688n],
  ['26.875', 'NGN', 2688n],
  [53.75, 'NGN', 5375n],
  [3.3000000000000003, 'XAF', 4n],
  [26.880000000000003, 'NGN', 2688n],
  [0, 'NGN', 0n],
  ['0.00', 'NGN', 0n],
  [-1, 'NGN', undefined],
  [1e21, 'NGN', undefined],
  ['ten', 'NGN', undefined],
] as const)('a fee of %p %s is booked as %p minor units', (value, of, expected) => {
  expect(feeMinorOf(value, of)).toBe(expected);
});

test('a fee is never booked as less than it is, nor as a whole unit more', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 9n }), (thousandths) => {
      const text = formatMajor(thousandths, 'TND'); // three decimals, of which NGN keeps two
      const kobo = feeMinorOf(text, 'NGN') ?? -1n;
      return kobo * 10n >= thousandths && kobo * 10n < thousandths + 10n;
    }),
  );
});

test('a balance is shown with the digits that it has', () => {
  expect([1500, '1500.50', 0.1 + 0.2, -12.5].map(decimalText)).toEqual(['1500', '1500.5', '0.3', '-12.5']);
});
