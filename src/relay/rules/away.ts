/** How long Temporal is left alone after it did not answer. */

const FIRST_MS = 1_000;

/** Longer, what waits would feel it when Temporal is back; one call a minute costs nobody anything. */
const MOST_MS = 60_000;

/** @param failures in a row, from 1: a second, then twice as long each time, up to a minute. */
export const awayWaitMs = (failures: number): number => Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1));
