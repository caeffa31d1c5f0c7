/** What a game did to a user's money, in a sentence: `Won ₹100,000 on ANDAR`. */
import { formatMajor } from '../../rules/money.ts';

/** Where a sign is the usual way to write it; else the code. */
const SIGNS: Readonly<Record<string, string>> = { INR: '₹', PKR: '₨', NGN: '₦', USD: '$', EUR: '€', GBP: '£', JPY: '¥' };

interface Money {
  readonly amountMinor: string;
  readonly currency: string;
}

/** As people write it: in groups of three digits, without decimals that say nothing. */
export function spoken({ amountMinor, currency }: Money): string {
  const [whole = '', decimals = ''] = formatMajor(BigInt(amountMinor), currency).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${SIGNS[currency] ?? `${currency} `}${grouped}${/^0*$/.test(decimals) ? '' : `.${decimals}`}`;
}

/** Of several sides, which a loss may name: `ANDAR and BAHAR`. */
const sides = (side: string | null): string => (side === null ? '' : ` on ${side.toUpperCase().split(',').join(' and ')}`);

const sentence =
  (verb: string) =>
  (money: Money & { readonly side: string | null }): string =>
    `${verb} ${spoken(money)}${sides(money.side)}`;

export const betOn = sentence('Bet');
export const wonOn = sentence('Won');
export const lostOn = sentence('Lost');
export const refunded = sentence('Refunded');
export const takenBack = sentence('Took back');
