/** A merchant's fee and review limits: major units outside, minor units in the database. */
import { z } from 'zod';
import { amounts, inMajor, withoutNulls } from '../http/amountsByCurrency.ts';

/** As it stands in `merchants.fee`. */
const storedFee = z.object({ bps: z.int(), fixed: z.record(z.string(), z.string()) });
/** As it stands in `merchants.review_limits`; null or absent: nobody needs to look at any amount. */
const storedLimits = z.record(z.string(), z.string().nullable());

export type StoredFee = z.infer<typeof storedFee>;
export type StoredLimits = z.infer<typeof storedLimits>;

export const readFee = (json: unknown): StoredFee => storedFee.parse(json);
export const readLimits = (json: unknown): StoredLimits => storedLimits.parse(json);

/** What a new merchant has: no fee, and an approver from 100,000.00 PKR on. */
export const DEFAULT_FEE: StoredFee = { bps: 0, fixed: {} };
export const DEFAULT_LIMITS: StoredLimits = { PKR: '10000000' };

export const feeInput = z.strictObject({
  bps: z.int().min(0).max(10_000).optional().meta({ description: 'Hundredths of a percent of the amount' }),
  fixed: amounts(['string', 'number']).optional(),
});

type FeeInput = z.infer<typeof feeInput>;

/** What is given replaces what was, currency by currency; the rest stays. */
export function changedFee(fee: StoredFee, given: FeeInput | undefined): StoredFee {
  return { bps: given?.bps ?? fee.bps, fixed: { ...fee.fixed, ...withoutNulls(given?.fixed ?? {}) } };
}

export function changedLimits(limits: StoredLimits, given: StoredLimits | undefined): StoredLimits {
  return { ...limits, ...given };
}

export function presentTerms(merchant: { readonly fee: unknown; readonly reviewLimits: unknown }) {
  const fee = readFee(merchant.fee);
  return {
    fee: { bps: fee.bps, fixed: inMajor(fee.fixed) },
    reviewLimits: inMajor(readLimits(merchant.reviewLimits)),
  };
}
