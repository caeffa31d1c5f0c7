/** Reading an order: the terms under which a payout is taken in, and what may be wrong with it. */
import type { Amount } from '../http/amounts.ts';
import type { FieldError } from '../http/problem.ts';
import { readFee, readLimits } from '../merchants/terms.ts';
import { AMOUNT_MAX_MINOR } from '../rules/money.ts';
import type { MerchantTerms } from './rules/contract.ts';
import { feeMinor } from './rules/fee.ts';
import type { Ordered } from './useCases/takeIn.ts';

/** What is wrong with an order. */
export type OrderFault =
  /** Well-formed, but it breaks a rule: an answer like any other, kept under the idempotency key. */
  | { readonly kind: 'broken_rule'; readonly errors: readonly FieldError[] }
  /** Not well-formed: nothing is kept. */
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] }
  | { readonly kind: 'no_bank_account' };

export const faulty = (fault: OrderFault): Ordered<OrderFault> => ({ kind: 'faulty', fault });

/** The merchant's terms as they stand now: the payout keeps them, whatever an admin changes later. */
export function readTerms(
  { fee, reviewLimits }: { readonly fee: unknown; readonly reviewLimits: unknown },
  { minor, currency }: Amount,
  errors: FieldError[],
): MerchantTerms {
  const { bps, fixed } = readFee(fee);
  const reviewFromMinor = readLimits(reviewLimits)[currency] ?? null;
  const terms = { feeBps: bps, feeFixedMinor: fixed[currency] ?? '0', reviewFromMinor };
  if (feeMinor(minor, terms) > AMOUNT_MAX_MINOR)
    errors.push({ pointer: '/amount', code: 'amount_too_large', detail: 'The fee for this amount is over the limit.' });
  return terms;
}
