/** Housekeeping: what only grows is cut back, and the books are checked. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { checkInvariants, type InvariantResult } from '../src/ledger/invariants.ts';

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;

/** Rows a statement: some milliseconds of locks each, so that no request waits. */
const BATCH = 1_000;

/** Batches a run, a million keys: one merchant at the rate limit of 200 requests/s makes 720,000 an hour. */
const BATCHES_MAX = 1_000;

/** A worker that was killed leaves its row; after a day nobody asks for it. */
const BEAT_KEPT = '1 day';

/** While the books are checked: well within the heartbeat timeout of 30 s. */
const BEAT_MS = 5_000;

export interface MaintenancePorts {
  readonly pool: Pool;
  /** Told the results of each check of the books, for this worker's metrics. */
  readonly onBooksChecked?: (results: readonly InvariantResult[]) => void;
}

/** Of one check: how many rules were asked, and those that do not hold. */
export interface BooksReport {
  readonly checked: number;
  readonly broken: readonly { readonly name: string; readonly violations: number }[];
}

export function createMaintenanceActivities({ pool, onBooksChecked = () => undefined }: MaintenancePorts) {
  return {
    /** Expired idempotency records, in small batches. A repeat of a run that was cut off goes on where it was. */
    async removeExpiredKeys(): Promise<{ removed: number }> {
      let removed = 0;
      for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
        heartbeat(removed);
        // A key that a caller is taking over at this moment is left alone: its lease, or its lock, says so.
        const { rowCount } = await pool.query(
          `DELETE FROM idempotency_keys k USING (
             SELECT merchant_id, mode, key FROM idempotency_keys
              WHERE expires_at < now() AND lease_until < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
           ) x WHERE k.merchant_id = x.merchant_id AND k.mode = x.mode AND k.key = x.key`,
          [BATCH],
        );
        removed += rowCount ?? 0;
        if ((rowCount ?? 0) < BATCH) break;
      }
      await pool.query('DELETE FROM worker_beats WHERE seen_at < now() - $1::interval', [BEAT_KEPT]);
      return { removed };
    },

    /** Asks every invariant, on one snapshot. A broken one is a result, told loudly; only a database that is away is an error. */
    async checkBooks(): Promise<BooksReport> {
      const beating = setInterval(heartbeat, BEAT_MS);
      try {
        const results = await checkInvariants(pool);
        onBooksChecked(results);
        const broken = results.filter(({ violations }) => violations > 0);
        for (const { name, violations, sample } of broken) log.error('the books are wrong', { name, violations, sample });
        return { checked: results.length, broken: broken.map(({ name, violations }) => ({ name, violations })) };
      } finally {
        clearInterval(beating);
      }
    },
  };
}
