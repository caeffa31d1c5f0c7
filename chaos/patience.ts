/** Waiting on a machine that may be slow: it ends when nothing moves any more, not when a time is over. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Far above every wait in which nothing need happen: a worker's death is noticed after 10 s, a relay's after 20 s, a run's after 30 s. */
export const STANDS_STILL_MS = 180_000;

/** Something that goes round in circles moves, too. */
const AT_MOST_MS = 3_600_000;

export interface Patience {
  /** Anything that differs once something has moved. */
  readonly moves: () => unknown;
  readonly stillMs?: number;
  readonly everyMs?: number;
}

/** False: it stands still, and does not hold. */
export async function untilOrStill(
  holds: () => Promise<boolean> | boolean,
  { moves, stillMs = STANDS_STILL_MS, everyMs = 50 }: Patience,
): Promise<boolean> {
  const start = performance.now();
  let before: unknown;
  let movedAt = start;
  for (;;) {
    const holdsNow = await Promise.resolve()
      .then(holds)
      .catch(() => false);
    if (holdsNow) return true;
    const after = JSON.stringify(moves());
    const now = performance.now();
    if (after !== before) [before, movedAt] = [after, now];
    if (now - movedAt > stillMs || now - start > AT_MOST_MS) return false;
    await sleep(everyMs);
  }
}

/** Whoever is asked may be killed meanwhile: then they are asked again. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + STANDS_STILL_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
