/** What is worked out from kept totals: rates, medians, and how a PSP does. Pure. */

/** Steps of a tenth, from a millisecond on. The same as SQL `took_step`. */
const STEP = 1.1;

/** The middle of a step, in ms: within a twentieth of what it was. */
export const tookMsOf = (step: number): number => Math.round(STEP ** (step + 0.5));

export interface Took {
  readonly took: number;
  readonly count: number;
}

/** Within which time this part of them was done; null: there are none. */
export function percentileMs(all: readonly Took[], part: number): number | null {
  const total = all.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { took, count } of [...all].sort((a, b) => a.took - b.took)) {
    seen += count;
    if (seen >= total * part) return tookMsOf(took);
  }
  return null;
}

/** Of those that came to an end at the PSP; null: none did. What a person refused or called off is neither. */
export const successRate = (succeeded: number, failed: number): number | null =>
  succeeded + failed === 0 ? null : succeeded / (succeeded + failed);

/** What became of requests to a PSP. `asked` counts them; the others their outcomes. */
export const PSP_WORDS = ['asked', 'refused', 'unknown', 'paid', 'failed'] as const;
export type PspWord = (typeof PSP_WORDS)[number];
export type PspCounts = Readonly<Record<PspWord, number>>;

export const PSP_HEALTHS = ['idle', 'ok', 'troubled', 'failing'] as const;
export type PspHealth = (typeof PSP_HEALTHS)[number];

/** A few requests lost among a hundred are every PSP's; one in ten is worth a look, one in two is an outage. */
const TROUBLED_FROM = 0.1;
const FAILING_FROM = 0.5;

/** By those requests that came to nothing or of which nobody knows: a failed payment is an answer, and no fault of the PSP's. */
export function healthOf({ asked, refused, unknown }: PspCounts): PspHealth {
  if (asked === 0) return refused + unknown === 0 ? 'idle' : 'failing';
  const lost = (refused + unknown) / asked;
  if (lost >= FAILING_FROM) return 'failing';
  return lost >= TROUBLED_FROM ? 'troubled' : 'ok';
}
