/**
 * Money: bigint minor units inside, a decimal string in major units on the wire. No float is ever made of an amount,
 * and an amount that is not exactly what it looks like is refused, never rounded.
 *
 * Pure and free of Node, so that workflows may use it.
 */

/**
 * The currencies a balance or a payout may have, with the number of decimals of their minor unit (ISO 4217).
 * A PSP may count otherwise (Adyen: CLP 2, IDR 0): that is its connector's affair, which refuses what it cannot say exactly.
 */
// biome-ignore format: a table
export const CURRENCIES = {
  AED: 2, AUD: 2, BDT: 2, BHD: 3, BRL: 2, CAD: 2, CHF: 2, CLP: 0, CNY: 2, DKK: 2, EGP: 2, EUR: 2, GBP: 2, GHS: 2, HKD: 2,
  IDR: 2, INR: 2, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KES: 2, KRW: 0, KWD: 3, LKR: 2, LYD: 3, MAD: 2, MXN: 2, MYR: 2, NGN: 2,
  NOK: 2, NPR: 2, NZD: 2, OMR: 3, PHP: 2, PKR: 2, PLN: 2, QAR: 2, RWF: 0, SAR: 2, SEK: 2, SGD: 2, THB: 2, TND: 3, TRY: 2,
  TZS: 2, UGX: 0, USD: 2, VND: 0, XAF: 0, XOF: 0, ZAR: 2,
} as const satisfies Record<string, 0 | 2 | 3>;

export type Currency = keyof typeof CURRENCIES;

/**
 * 10^15 minor units: below 2^53, so that even a reader who makes a float of it has it exact, and sums stay far from the
 * end of SQL's bigint.
 */
export const AMOUNT_MAX_MINOR = 10n ** 15n;

/**
 * The digits of AMOUNT_MAX_MINOR: more before the point are too many in any currency, and BigInt would spend minutes on
 * a megabyte of them.
 */
const WHOLE_DIGITS_MAX = 16;

/**
 * An amount that came as a JSON number: the text as it was sent. A float made of it would show 100.05 where the client
 * wrote 100.0499999999999999, and no longer tells `150.000` from `150`.
 */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A double carries 15 decimal digits exactly, and not always a 16th: 9007199254740993 is read as …992. */
const NUMBER_DIGITS_MAX = 15;

export type AmountFault =
  | 'missing'
  | 'invalid_type'
  | 'invalid_amount'
  | 'too_many_decimals'
  | 'amount_zero'
  | 'amount_too_large'
  | 'unknown_currency';

export type ParsedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly code: AmountFault; readonly detail: string };

/** For whoever named another one. */
export const NO_CURRENCY = `Must be one of our currencies, in three capital letters: ${Object.keys(CURRENCIES).join(', ')}.`;

/** Is this one of our currencies, spelled exactly (upper case)? */
export function isCurrency(value: unknown): value is Currency {
  return typeof value === 'string' && Object.hasOwn(CURRENCIES, value);
}

/** The decimals of a currency's minor unit. Asking for one we do not have is a mistake in our code: it throws. */
export function decimalsOf(currency: string): number {
  if (!isCurrency(currency)) throw new RangeError('unknown currency');
  return CURRENCIES[currency];
}

/** `"1500"`, `"1500.5"` or `"1500.00"` as minor units; undefined for anything else, also zero and over 10^15. */
export function parseMajor(text: string, currency: string): bigint | undefined {
  const parsed = readDecimal(text, currency);
  return parsed.ok ? parsed.minor : undefined;
}

/**
 * An amount as a client may send it: a decimal string, or a JSON number of at most 15 significant digits, by the same
 * rules. A JavaScript number is refused: whoever made it has lost what was sent. Answers why it is refused.
 */
export function parseAmount(value: unknown, currency: string): ParsedAmount {
  if (value === undefined || value === null) return fault('missing', 'An amount is needed: a decimal string such as "1500.00".');
  if (typeof value === 'string') return readDecimal(value, currency);
  if (!(value instanceof JsonNumber))
    return fault('invalid_type', 'The amount must be a decimal string such as "1500.00", or a JSON number.');
  const digits = value.text.replace('.', '').replace(/^0+/, '');
  if (/^[0-9]+$/.test(digits) && digits.length > NUMBER_DIGITS_MAX) {
    return fault(
      'invalid_amount',
      `A JSON number carries at most ${NUMBER_DIGITS_MAX} significant digits exactly: send the amount as a string.`,
    );
  }
  return readDecimal(value.text, currency);
}

/**
 * Minor units in the currency's own decimals: 150000 PKR is `"1500.00"`, 1500 JPY is `"1500"`. Takes zero and negatives
 * too: balances and differences have them.
 */
export function formatMajor(minor: bigint, currency: string): string {
  const decimals = decimalsOf(currency);
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** The quotient, rounded down also below zero (JavaScript's own division of bigints rounds towards zero). */
export function divFloor(dividend: bigint, divisor: bigint): bigint {
  if (divisor <= 0n) throw new RangeError('the divisor must be positive');
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

function readDecimal(text: string, currency: string): ParsedAmount {
  if (!isCurrency(currency)) return fault('unknown_currency', 'The currency of the amount is not one of ours.');
  const decimals = CURRENCIES[currency];
  // BigInt() alone would take '', ' 12 ' and '0x10'.
  const match = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text);
  if (!match) return fault('invalid_amount', notDecimal(decimals));
  const [, whole = '', fraction = ''] = match;
  if (fraction.length > decimals) return fault('too_many_decimals', `${currency} has ${decimals} decimals.`);
  if (whole.length > WHOLE_DIGITS_MAX) return fault('amount_too_large', tooLarge(currency));
  const minor = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (minor === 0n) return fault('amount_zero', 'The amount must be more than zero.');
  if (minor > AMOUNT_MAX_MINOR) return fault('amount_too_large', tooLarge(currency));
  return { ok: true, minor };
}

const notDecimal = (decimals: number) =>
  `The amount must be a plain decimal such as ${decimals === 0 ? '"1500"' : `"1500.${'0'.repeat(decimals)}"`}: ` +
  'digits and at most one point, no sign, exponent, space, separator or leading zero.';

const tooLarge = (currency: Currency) => `The amount must be at most ${formatMajor(AMOUNT_MAX_MINOR, currency)} ${currency}.`;

const fault = (code: AmountFault, detail: string) => ({ ok: false, code, detail }) as const;
