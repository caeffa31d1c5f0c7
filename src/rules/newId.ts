/** Making ids. Apart from ids.ts because it needs a clock and randomness, which workflow code must never bundle. */
import { randomBytes } from 'node:crypto';

/** The last id's time and counter: the next must be greater, also within a millisecond or when the clock steps back. */
let last = 0n;

/**
 * `<prefix>_` and the 32 hex digits of a UUIDv7 (RFC 9562): milliseconds, a 12-bit counter, 62 random bits. The ids of
 * one process sort in the order they were made.
 */
export function newId(prefix: string): string {
  const random = BigInt(`0x${randomBytes(8).toString('hex')}`);
  // The counter starts in the lower half of its range, so that it has room to count up; running over goes to the next millisecond.
  const fresh = (BigInt(Date.now()) << 12n) | (BigInt(`0x${randomBytes(2).toString('hex')}`) & 0x7ffn);
  last = fresh > last ? fresh : last + 1n;
  const uuid = ((last >> 12n) << 80n) | (0x7n << 76n) | ((last & 0xfffn) << 64n) | (0b10n << 62n) | (random & ((1n << 62n) - 1n));
  return `${prefix}_${uuid.toString(16).padStart(32, '0')}`;
}
