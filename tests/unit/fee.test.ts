import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { feeMinor } from '../../src/payouts/rules/fee.ts';
import { AMOUNT_MAX_MINOR } from '../../src/rules/money.ts';

test('a merchant without a tariff pays nothing', () => {
  expect(feeMinor(150_000n, { feeBps: 0, feeFixedMinor: '0' })).toBe(0n);
});

test('a fee is the fixed part and the share of the amount', () => {
  expect(feeMinor(150_000n, { feeBps: 0, feeFixedMinor: '2500' })).toBe(2_500n);
  expect(feeMinor(150_000n, { feeBps: 150, feeFixedMinor: '0' })).toBe(2_250n);
  expect(feeMinor(150_000n, { feeBps: 150, feeFixedMinor: '2500' })).toBe(4_750n);
});

test('a fraction of a minor unit is never charged', () => {
  expect(feeMinor(199n, { feeBps: 50, feeFixedMinor: '0' })).toBe(0n);
  expect(feeMinor(200n, { feeBps: 50, feeFixedMinor: '0' })).toBe(1n);
  expect(feeMinor(399n, { feeBps: 50, feeFixedMinor: '0' })).toBe(1n);
});

test('a fee is exact for any amount and never falls when the amount rises', () => {
  const amount = fc.bigInt({ min: 1n, max: AMOUNT_MAX_MINOR });
  fc.assert(
    fc.property(
      amount,
      amount,
      fc.integer({ min: 0, max: 10_000 }),
      fc.bigInt({ min: 0n, max: 10n ** 9n }),
      (one, other, feeBps, fixed) => {
        const terms = { feeBps, feeFixedMinor: String(fixed) };
        const share = feeMinor(one, terms) - fixed;
        expect(share * 10_000n <= one * BigInt(feeBps) && one * BigInt(feeBps) < (share + 1n) * 10_000n).toBe(true);
        expect(
          one <= other ? feeMinor(one, terms) <= feeMinor(other, terms) : feeMinor(one, terms) >= feeMinor(other, terms),
        ).toBe(true);
      },
    ),
  );
});

test('a tariff that would pay the merchant, or cannot be read, stops the payout rather than guessing', () => {
  expect(() => feeMinor(100n, { feeBps: -1, feeFixedMinor: '0' })).toThrow(RangeError);
  expect(() => feeMinor(100n, { feeBps: 0, feeFixedMinor: '-1' })).toThrow(RangeError);
  expect(() => feeMinor(100n, { feeBps: 0.5, feeFixedMinor: '0' })).toThrow(RangeError);
  expect(() => feeMinor(100n, { feeBps: 0, feeFixedMinor: '1.5' })).toThrow(SyntaxError);
});
