/** Payout runs as an operator starts them: whenever payouts wait for one, and always two at once. */
import type { Site } from '../site.ts';

export interface Runs {
  /** Pairs that were started. */
  readonly count: number;
  /** Starts a pair once nobody is on the way to those who wait, or they have waited long enough for others. */
  lookAt(waiting: number, onTheWay: boolean): Promise<void>;
}

/** A run takes all that wait when it begins: whoever comes a moment later would be in another one. */
const WAITS_AT_MOST_MS = 5_000;

/** Whoever still waits then was missed by both, or they died. */
const NEXT_AFTER_MS = 3_000;

export function createRuns({ here, adminKey }: Site): Runs {
  const key = adminKey('operator');
  let count = 0;
  let waitedSince = 0;
  let startedAt = Number.NEGATIVE_INFINITY;
  return {
    get count() {
      return count;
    },
    async lookAt(waiting, onTheWay) {
      const now = performance.now();
      if (waiting === 0) waitedSince = now;
      if (waiting === 0 || now - startedAt < NEXT_AFTER_MS || (onTheWay && now - waitedSince < WAITS_AT_MOST_MS)) return;
      const [first] = await Promise.all([0, 1].map(() => here.call('POST', '/api/admin/payout-runs', { key, body: {} })));
      if (first?.status === 202) count += 1; // if not, the next look starts others
      startedAt = performance.now();
      waitedSince = startedAt;
    },
  };
}
