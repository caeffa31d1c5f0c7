/** When a webhook is tried again (api.md §3). */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * The wait before each try: quick ones for a restart, an hourly range for a bad deploy, days for a weekend. Over three
 * days in all: who was away on Saturday has their events on Monday.
 */
// biome-ignore format: a table
const TRY_WAITS_MS: readonly number[] = [
  0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
];

export const TRIES_MAX = TRY_WAITS_MS.length;

/** Only these two say "not now" and mean when: too many requests, and away for a while. Elsewhere the schedule knows better. */
const NOT_NOW: ReadonlySet<number | null> = new Set([429, 503]);

/** A receiver may put us off this long; what asks for more counts as this, so that a slip does not hold events for days. */
const RETRY_AFTER_MAX_MS = HOUR;

/** What a receiver said to a try. */
export interface TryAnswer {
  /** Null: it said nothing. */
  readonly statusCode: number | null;
  /** Its Retry-After, from then on. */
  readonly retryAfterMs: number | null;
}

/**
 * How long to wait after so many tries until the next, in ms; undefined: there is none any more, the delivery has failed.
 * A Retry-After can put the next try off and never brings it forward: a receiver that asks for a second each time must
 * not use up three days of tries in ten seconds.
 * @param answer of the last try, where it is known
 */
export function waitAfter(triesSpent: number, answer?: TryAnswer): number | undefined {
  const scheduled = TRY_WAITS_MS[triesSpent];
  if (scheduled === undefined || !answer || !NOT_NOW.has(answer.statusCode)) return scheduled;
  return Math.max(scheduled, Math.min(answer.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
}
