/**
 * What a browser holds in place of a key while somebody is signed in to the console: a random token in a cookie that no script
 * reads, and beside it a second value that a script must send with whatever it asks. The second is made from the first, so that
 * a page can be given it again after a reload; the first cannot be found from it, nor either from the hash that we keep.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits: nobody guesses one, and a plain SHA-256 is enough to keep it by. */
const TOKEN_BYTES = 32;

/** Known by it wherever it may turn up (masked.ts). */
export const SESSION_TOKEN_PREFIX = 'cst_';

export const SESSION_TOKEN = new RegExp(`^${SESSION_TOKEN_PREFIX}[A-Za-z0-9_-]{43}$`);

export const newSessionToken = (): string => SESSION_TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');

/** In hex: what the database holds. */
export const hashSessionToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** What shows that a request was made by a page that could read our answers. */
export const csrfTokenOf = (token: string): string => createHmac('sha256', token).update('oncepay csrf').digest('base64url');

export function isCsrfTokenOf(token: string, given: unknown): boolean {
  const expected = Buffer.from(csrfTokenOf(token));
  const shown = Buffer.from(typeof given === 'string' ? given : '');
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}
