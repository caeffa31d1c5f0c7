/**
 * How many deliveries of one receiver are in flight at once. Begins small and grows while it answers: one that hangs holds few
 * of our connections, and one that was away is not run over when it is back.
 */

/** As api.md promises order by subject only: so many subjects side by side. */
export const WINDOW_MAX = 8;
export const WINDOW_FIRST = 1;

/** @param statusCode what it said; null: nothing. */
export function windowAfter(window: number, ok: boolean, statusCode: number | null): number {
  if (ok) return Math.min(WINDOW_MAX, window + 1);
  return statusCode === null ? 1 : Math.max(1, Math.floor(window / 2));
}
