/**
 * A UTR: what the banks call one payment, and what a payer proves it by. It is only characters that anybody can type: that it
 * has the right form says nothing of money.
 */

/** Where the payee is paid, and by which rails that can be; each has its own form of UTR. */
export const RAILS = {
  upi: { payee: 'upi', form: /^[0-9]{12}$/ }, // the RRN
  imps: { payee: 'bank', form: /^[0-9]{12}$/ },
  neft: { payee: 'bank', form: /^[A-Z0-9]{16}$/ },
  rtgs: { payee: 'bank', form: /^[A-Z0-9]{22}$/ },
} as const satisfies Record<string, { payee: PayeeType; form: RegExp }>;

export type Rail = keyof typeof RAILS;
export const RAIL_NAMES = Object.keys(RAILS) as Rail[];
export type PayeeType = 'upi' | 'bank';

/** Longer is none, however it is printed: in groups, with dashes or dots. */
const TEXT_MAX = 64;

/** One way to write each: banks and people print it in groups, in small letters, or in full-width digits. */
export const normalizeUtr = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\s\-._/]/g, '')
    .toUpperCase();

export interface Utr {
  readonly utr: string;
  readonly rail: Rail;
}

/** Undefined: no UTR of a payment to such a payee. Nor is one that is all the same character: somebody held a key down. */
export function readUtr(payee: PayeeType, text: string): Utr | undefined {
  if (text.length > TEXT_MAX) return undefined;
  const utr = normalizeUtr(text);
  if (/^(.)\1*$/.test(utr)) return undefined;
  const rail = RAIL_NAMES.find((name) => RAILS[name].payee === payee && RAILS[name].form.test(utr));
  return rail && { utr, rail };
}

/** Two banks may tell one payment by references that differ in a single place: neither proves another payment. */
export function areNear(one: string, other: string): boolean {
  if (one.length !== other.length || one === other) return false;
  let differences = 0;
  for (let at = 0; at < one.length && differences < 2; at += 1) if (one[at] !== other[at]) differences += 1;
  return differences === 1;
}
