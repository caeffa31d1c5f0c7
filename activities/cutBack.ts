/** Housekeeping: what only grows is cut back, in steps that nobody feels. */
import { heartbeat, sleep } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { ImageStore } from '../src/instant/images/store.ts';
import { FINAL_BATCH_STATES } from '../src/instant/rules/batchMachine.ts';
import { THINNED, type Thinned, thinStep } from '../src/relay/thin.ts';

export type CutBackActivities = ReturnType<typeof createCutBackActivities>;

export interface CutBackPorts {
  readonly pool: Pool;
  /** For so long what was brought to its receiver, or given up, can be read. */
  readonly deliveriesKeptMs: number;
  readonly images: Pick<ImageStore, 'remove'>;
}

/** Rows removed. */
export interface CutBack {
  readonly keys: number;
  readonly requests: number;
  readonly deliveries: number;
  readonly notifications: number;
  readonly images: number;
}

/** Rows a statement: some milliseconds of locks each, so that no request waits. */
const BATCH = 1_000;

/** Batches a run, a million keys: one merchant at the rate limit of 200 requests/s makes 720,000 an hour. */
const BATCHES_MAX = 1_000;

/** A worker that was killed leaves its row; after a day nobody asks for it. */
const BEAT_KEPT = '1 day';

/** Hours are looked at for a day; a week more for whoever asks what happened. Their days are kept. */
const HOURS_KEPT = '8 days';

/** Of each table that is thinned: well below the hour after which the next run starts, which goes on from there. */
const THINNING_MS = 15 * 60_000;

// A key that a caller is taking over at this moment is left alone: its lease, or its lock, says so.
const EXPIRED_KEYS = `
  DELETE FROM idempotency_keys k USING (
    SELECT owner_kind, owner_id, mode, key FROM idempotency_keys
     WHERE expires_at < now() AND lease_until < now() ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
  ) x WHERE (k.owner_kind, k.owner_id, k.mode, k.key) = (x.owner_kind, x.owner_id, x.mode, x.key)`;

// A payout that is in the books is shown from there.
const TAKEN_UP_REQUESTS = `
  DELETE FROM payout_requests WHERE payout_id IN (
    SELECT q.payout_id FROM payout_requests q JOIN payouts p ON p.id = q.payout_id LIMIT ${BATCH})`;

// Of slices that are over, as old as was agreed; an image that was shown for another slice, too, stays until that one is.
const EXPIRED_IMAGES = `
  SELECT p.image_hash AS hash
    FROM (SELECT * FROM instant_proofs x WHERE x.image_deleted_at IS NULL ORDER BY x.submitted_at LIMIT ${BATCH}) p
    JOIN instant_batches b ON b.id = p.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
   GROUP BY p.image_hash
  HAVING bool_and(b.state = ANY ('{${FINAL_BATCH_STATES.join()}}') AND p.submitted_at < now() - (w.policy ->> 'imageDays')::int * interval '1 day')`;

export function createCutBackActivities({ pool, deliveriesKeptMs, images }: CutBackPorts) {
  /** The file first: should this end between the two, the next run finds the row again. */
  async function removeImages(): Promise<number> {
    const { rows } = await pool.query<{ hash: string }>(EXPIRED_IMAGES);
    for (const { hash } of rows) {
      heartbeat();
      await images.remove(hash);
      await pool.query('SELECT forget_image($1)', [hash]);
    }
    return rows.length;
  }

  async function inBatches(sql: string): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
      heartbeat();
      const { rowCount } = await pool.query(sql);
      removed += rowCount ?? 0;
      if ((rowCount ?? 0) < BATCH) break;
    }
    return removed;
  }

  /** From the oldest on; after each step it waits as long as the step took, so that others have the disk half of the time. */
  async function thin(what: Thinned): Promise<number> {
    const beganMs = performance.now();
    let removed = 0;
    for (let after = ''; performance.now() - beganMs < THINNING_MS; ) {
      heartbeat();
      const stepMs = performance.now();
      const step = await thinStep(pool, what, after, deliveriesKeptMs);
      removed += step.removed;
      if (step.isLast) break;
      after = step.after;
      await sleep(performance.now() - stepMs);
    }
    return removed;
  }

  return {
    /**
     * Expired idempotency records, requests that are in the books, beats of workers that are gone, hours of old figures; deliveries
     * and notifications that are over and have been kept for long enough; screenshots likewise. A repeat of a run that was cut off
     * goes on where it was.
     */
    async cutBack(): Promise<CutBack> {
      const keys = await inBatches(EXPIRED_KEYS);
      const requests = await inBatches(TAKEN_UP_REQUESTS);
      await pool.query('DELETE FROM worker_beats WHERE seen_at < now() - $1::interval', [BEAT_KEPT]);
      await pool.query('SELECT drop_old_hours($1::interval)', [HOURS_KEPT]);
      const removed = { webhook_deliveries: 0, notifications: 0 };
      for (const what of THINNED) removed[what] = await thin(what);
      const { webhook_deliveries: deliveries, notifications } = removed;
      return { keys, requests, deliveries, notifications, images: await removeImages() };
    },
  };
}
