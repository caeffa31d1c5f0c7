/** An amount in a sentence: `₹100,000`. */
import { formatMajor } from './money.ts';

/** Where a sign is the usual way to write it; else the code. */
const SIGNS: Readonly<Record<string, string>> = { INR: '₹', PKR: '₨', NGN: '₦', USD: '$', EUR: '€', GBP: '£', JPY: '¥' };

export interface Money {
  readonly amountMinor: string;
  readonly currency: string;
}

/** As people write it: in groups of three digits, without decimals that say nothing. */
export function spoken({ amountMinor, currency }: Money): string {
  const [whole = '', decimals = ''] = formatMajor(BigInt(amountMinor), currency).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${SIGNS[currency] ?? `${currency} `}${grouped}${/^0*$/.test(decimals) ? '' : `.${decimals}`}`;
}
