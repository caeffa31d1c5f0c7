/** Withdrawals, slices and payins that nobody would look at any more: the word to their workflow was lost, with the process that had it. */
import type { Pool } from 'pg';
import { FINAL_BATCH_STATES } from '../../src/instant/rules/batchMachine.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { tellAll } from '../tellAll.ts';

/** A step's worth, far below the time between two heartbeats. */
const MOST = 200;

/** So long after something was due, or was written down, its own workflow has acted, however busy it is. */
const OVERDUE = '1 minute';

export interface LookAfterInstantPorts {
  readonly pool: Pool;
  readonly instant: InstantClient;
  /** Of each kind a look. */
  readonly page?: number;
}

export type LookAfterInstantActivities = ReturnType<typeof createLookAfterInstantActivities>;

/** Those with a time that has long been over, with a step that is to come by itself, with an end that their workflow has not seen, or with a proof that came late. */
const WAITING = {
  batch: `
    SELECT b.id FROM instant_batches b
     WHERE b.state IN ('assigned', 'proof_submitted', 'sys_confirmed', 'disputed') AND b.id > $2
       AND CASE WHEN b.state = 'assigned' THEN b.pay_until < now() - $1::interval
                WHEN b.state = 'disputed' OR b.review_reasons <> '{}' THEN coalesce(b.validate_until, b.updated_at) < now() - $1::interval
                ELSE b.confirm_until < now() - $1::interval END
     ORDER BY b.id LIMIT $3`,
  ended: `
    SELECT b.id FROM instant_batches b
     WHERE b.state IN ('${FINAL_BATCH_STATES.join("', '")}') AND NOT b.seen_over AND b.updated_at < now() - $1::interval AND b.id > $2
     ORDER BY b.id LIMIT $3`,
  lateProof: `
    SELECT DISTINCT l.batch_id AS id FROM late_proofs l
     WHERE l.decision IS NULL AND coalesce(l.validate_until, l.created_at) < now() - $1::interval AND l.batch_id > $2
     ORDER BY 1 LIMIT $3`,
  payin: `
    SELECT p.id FROM payins p WHERE p.state = 'waiting' AND p.wait_until < now() - $1::interval AND p.id > $2 ORDER BY p.id LIMIT $3`,
  withdrawal: `
    SELECT w.id FROM instant_payouts w
     WHERE NOT w.seen_over AND w.updated_at < now() - $1::interval AND w.id > $2
       AND (w.completed_at IS NOT NULL OR w.closing IS NULL AND w.created_at + (w.policy ->> 'fillMs')::bigint * interval '1 millisecond' < now() - $1::interval
            OR NOT EXISTS (SELECT 1 FROM instant_batches b WHERE b.instant_payout_id = w.id AND b.state <> ALL ('{${FINAL_BATCH_STATES.join()}}')))
     ORDER BY w.id LIMIT $3`,
} as const;

export function createLookAfterInstantActivities({ pool, instant, page = MOST }: LookAfterInstantPorts) {
  const tell = (what: keyof typeof WAITING, look: (id: string) => Promise<void>): Promise<number> =>
    tellAll({
      what,
      async after(id) {
        const { rows } = await pool.query<{ id: string }>(WAITING[what], [OVERDUE, id, page]);
        return rows.map((row) => row.id);
      },
      tell: look,
    });

  return {
    async lookAfterInstantPayouts(): Promise<{ batches: number; payins: number; withdrawals: number }> {
      return {
        batches:
          (await tell('batch', instant.lookAtBatch)) +
          (await tell('ended', instant.lookAtBatch)) +
          (await tell('lateProof', instant.lookAtBatch)),
        payins: await tell('payin', instant.lookAtPayin),
        withdrawals: await tell('withdrawal', instant.lookAtInstantPayout),
      };
    },
  };
}
