/** Which payouts a person must look at before they leave. */
import { formatMajor } from '../../rules/money.ts';
import type { MerchantTerms, ReviewReason } from './contract.ts';

type Terms = Pick<MerchantTerms, 'reviewFromMinor'>;

interface ReviewRule {
  readonly code: string;
  /** What an approver reads, or undefined where the rule lets the payout pass. */
  readonly detail: (amountMinor: bigint, currency: string, terms: Terms) => string | undefined;
}

/**
 * | code | asks for a review when |
 * |---|---|
 * | `amount_over_limit` | the amount is the merchant's review limit for the currency or more; without a limit, never |
 */
export const REVIEW_RULES: readonly ReviewRule[] = [
  {
    code: 'amount_over_limit',
    detail: (amountMinor, currency, { reviewFromMinor }) => {
      if (reviewFromMinor === null || amountMinor < BigInt(reviewFromMinor)) return undefined;
      const show = (minor: bigint) => `${formatMajor(minor, currency)} ${currency}`;
      return `${show(amountMinor)} is not under the review limit of ${show(BigInt(reviewFromMinor))}`;
    },
  },
];

/** Every rule that asks for a review, in the table's order; none: the payout may go. */
export function reviewReasons(amountMinor: bigint, currency: string, terms: Terms): ReviewReason[] {
  return REVIEW_RULES.flatMap(({ code, detail }) => {
    const found = detail(amountMinor, currency, terms);
    return found === undefined ? [] : [{ code, detail: found }];
  });
}
