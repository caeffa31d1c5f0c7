/**
 * Receipt ids: `RCP-20261130-7K3M9Q2X`. The day in UTC, seven characters of Crockford's alphabet (no I, L, O, U), which no two
 * receipts share, and one that checks them, so that one mistyped is none. The database numbers them (next_receipt_id.sql) and
 * does the same arithmetic; a test compares the two.
 */

export const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SEVEN = 7;
const BASE = 32n;
/** How many receipts there can be. */
const COUNT = BASE ** 7n;
/** Prime to 32: neighbours by number look nothing alike, and each number still has its own seven characters. */
const SCATTER = 22_801_763_489n;

/** The check of seven characters: weights are odd, so that any one character that is another gives another check. */
export function checkOf(seven: string): string {
  let sum = 0;
  for (let at = 0; at < SEVEN; at += 1) sum += (2 * at + 1) * CROCKFORD.indexOf(seven.charAt(at));
  return CROCKFORD.charAt(sum % 32);
}

/** The receipt of this number, made on this day (`YYYYMMDD`). */
export function receiptIdOf(number: bigint, day: string): string {
  let rest = (number * SCATTER) % COUNT;
  let seven = '';
  for (let at = 0; at < SEVEN; at += 1) {
    seven = CROCKFORD.charAt(Number(rest % BASE)) + seven;
    rest /= BASE;
  }
  return `RCP-${day}-${seven}${checkOf(seven)}`;
}

/** Is it one that could have been given out? People type it: what only looks like it is not. */
export function isReceiptId(text: unknown): text is string {
  const match = typeof text === 'string' ? /^RCP-[0-9]{8}-([0-9A-HJKMNP-TV-Z]{7})([0-9A-HJKMNP-TV-Z])$/.exec(text) : null;
  return match !== null && checkOf(match[1] ?? '') === match[2];
}
