/**
 * Money in Flutterwave's JSON: numbers in major units. No float is computed with: ours is written as its decimal text,
 * theirs is read back as the digits of the number.
 */
import { decimalsOf, formatMajor, parseMajor } from '../../rules/money.ts';

/** What JSON carries: a number, or (seen now and then) the same as a string. */
export type WireAmount = number | string;

/**
 * A double carries 15 decimal digits exactly, and no amount of ours has more; what stands behind them is the rounding of
 * whoever computed with floats (a fee of 3.3000000000000003 was seen).
 */
const EXACT_DIGITS = 15;

/** The object with its amount as a JSON number: spliced in, because JSON.stringify would need a float for it. */
export function withAmount(fields: Readonly<Record<string, unknown>>, amountMinor: bigint, currency: string): string {
  return `${JSON.stringify(fields).slice(0, -1)},"amount":${formatMajor(amountMinor, currency)}}`;
}

/** Minor units; undefined for what is no amount of this currency. */
export function minorOf(value: WireAmount, currency: string): bigint | undefined {
  return parseMajor(decimalText(value), currency);
}

/**
 * A fee in whole minor units, rounded up: Flutterwave's 26.875 NGN is no number of kobo, and our books should not say we
 * have more at the PSP than we have. Undefined for what is no amount; zero is one.
 */
export function feeMinorOf(value: WireAmount, currency: string): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(decimalText(value)) ?? [];
  if (whole === undefined) return undefined;
  const decimals = decimalsOf(currency);
  const kept = BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0'));
  return /[1-9]/.test(fraction.slice(decimals)) ? kept + 1n : kept;
}

/** `1500.50` and `1500.5` are one number. */
export function decimalText(value: WireAmount): string {
  const text = typeof value === 'string' ? value : value.toPrecision(EXACT_DIGITS);
  return text.includes('.') && !/e/i.test(text) ? text.replace(/\.?0+$/, '') : text;
}
