/** What a payout costs its merchant. */
import { divFloor } from '../../rules/money.ts';
import type { MerchantTerms } from './contract.ts';

/** 1 basis point is 1/10,000. */
const BPS_WHOLE = 10_000n;

/** `fixed + amount × bps ÷ 10,000`, the share rounded down to a minor unit: the merchant never pays the fraction. */
export function feeMinor(amountMinor: bigint, terms: Pick<MerchantTerms, 'feeBps' | 'feeFixedMinor'>): bigint {
  const fixed = BigInt(terms.feeFixedMinor);
  const bps = BigInt(terms.feeBps);
  if (amountMinor < 0n || fixed < 0n || bps < 0n) throw new RangeError('neither an amount nor a fee may be negative');
  return fixed + divFloor(amountMinor * bps, BPS_WHOLE);
}
