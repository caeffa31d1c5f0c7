/** Withdrawals, slices and payins that nobody would look at any more: the word to their workflow was lost, with the process that had it. */
import { heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { InstantClient } from '../../src/instant/rules/contract.ts';

/** A step's worth, far below the time between two heartbeats; what is left is there the next time. */
const MOST = 200;

/** So long after a time was due its own workflow has acted, however busy it is. */
const OVERDUE = '1 minute';

export interface LookAfterInstantPorts {
  readonly pool: Pool;
  readonly instant: InstantClient;
}

export type LookAfterInstantActivities = ReturnType<typeof createLookAfterInstantActivities>;

/** Of each kind, those with a time that has long been over, or with a step that is to come by itself. */
const WAITING = {
  batches: `
    SELECT b.id FROM instant_batches b
     WHERE b.state = 'assigned' AND b.pay_until < now() - $1::interval
        OR b.state = 'sys_confirmed' AND b.review_reasons = '{}' AND b.confirm_until < now() - $1::interval
        OR b.validate_until < now() - $1::interval AND b.review_reasons <> '{}'
     ORDER BY b.id LIMIT $2`,
  payins: `SELECT p.id FROM payins p WHERE p.state = 'waiting' AND p.wait_until < now() - $1::interval ORDER BY p.id LIMIT $2`,
  withdrawals: `
    SELECT w.id FROM instant_payouts w
     WHERE w.completed_at IS NULL AND w.updated_at < now() - $1::interval
       AND (w.closing IS NULL AND w.created_at + (w.policy ->> 'fillMs')::bigint * interval '1 millisecond' < now() - $1::interval
            OR NOT EXISTS (SELECT 1 FROM instant_batches b WHERE b.instant_payout_id = w.id AND NOT instant_batch_final(b.state)))
     ORDER BY w.id LIMIT $2`,
} as const;

export function createLookAfterInstantActivities({ pool, instant }: LookAfterInstantPorts) {
  async function each(kind: keyof typeof WAITING, look: (id: string) => Promise<void>): Promise<number> {
    const { rows } = await pool.query<{ id: string }>(WAITING[kind], [OVERDUE, MOST]);
    for (const { id } of rows) {
      heartbeat(id);
      await look(id);
    }
    return rows.length;
  }

  return {
    async lookAfterInstantPayouts(): Promise<{ batches: number; payins: number; withdrawals: number }> {
      return {
        batches: await each('batches', instant.lookAtBatch),
        payins: await each('payins', instant.lookAtPayin),
        withdrawals: await each('withdrawals', instant.lookAtInstantPayout),
      };
    },
  };
}
