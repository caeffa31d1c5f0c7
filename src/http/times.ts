/** Times from outside: one place that reads them, so that what passes here passes PostgreSQL and JavaScript too. */
import { z } from 'zod';
import { invalidRequest } from './problem.ts';

/**
 * From 1970 to the end of the year 9999, judged in UTC: `9999-12-31T23:59:59-14:00` is in the year 10000, which
 * JavaScript writes with a sign and six digits and PostgreSQL does not read.
 */
const EARLIEST_MS = 0;
const LATEST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isInRange(text: string): boolean {
  const ms = Date.parse(text);
  return ms >= EARLIEST_MS && ms <= LATEST_MS;
}

/** A time, in the one spelling that PostgreSQL is sure to take: a fraction can be long, and offsets have many forms. */
export const time = z.iso
  .datetime({ offset: true, error: 'Must be a time such as 2026-11-21T09:30:00.000Z.' })
  .refine(isInRange, 'Must be a time from 1970 to 9999, in UTC.')
  .transform((text) => new Date(text).toISOString());

/** A time to filter by. */
export const timeQuery = time.optional();

export const atField = timeQuery.meta({ description: 'As it was at this time; in the future: as it is now' });

/** For routes that can look back. */
export const atQuery = z.strictObject({ at: atField });

/** The time to look back to; undefined: as it is now. */
export const earlier = (at: string | undefined): string | undefined =>
  at !== undefined && Date.parse(at) <= Date.now() ? at : undefined;

/**
 * When a key ends, where it does. A rule of the moment, and so no part of the schema: the repeat of a request that was
 * answered is answered again, however late.
 * @throws Problem 400 `not_in_future`.
 */
export function readExpiry(text: string | null | undefined, pointer = '/expiresAt'): Date | null {
  if (text === undefined || text === null) return null;
  const expiresAt = new Date(text);
  if (expiresAt > new Date()) return expiresAt;
  throw invalidRequest([{ pointer, code: 'not_in_future', detail: 'Must be in the future.' }]);
}
