import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reviewReasons } from '../../src/payouts/rules/review.ts';
import { AMOUNT_MAX_MINOR } from '../../src/rules/money.ts';

test('a payout of exactly the limit is looked at by a person, one minor unit less is not', () => {
  const terms = { reviewFromMinor: '10000000' };
  expect(reviewReasons(9_999_999n, 'PKR', terms)).toEqual([]);
  expect(reviewReasons(10_000_000n, 'PKR', terms)).toEqual([
    { code: 'amount_over_limit', detail: '100000.00 PKR is not under the review limit of 100000.00 PKR' },
  ]);
});

test('a limit holds for any amount, however large', () => {
  const amount = fc.bigInt({ min: 1n, max: AMOUNT_MAX_MINOR });
  fc.assert(
    fc.property(
      amount,
      amount,
      (minor, limit) => reviewReasons(minor, 'PKR', { reviewFromMinor: String(limit) }).length > 0 === minor >= limit,
    ),
  );
});

test('a merchant without a limit is never kept waiting for an approver', () => {
  expect(reviewReasons(AMOUNT_MAX_MINOR, 'PKR', { reviewFromMinor: null })).toEqual([]);
});
