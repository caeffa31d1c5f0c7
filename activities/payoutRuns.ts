/** The steps of a payout run. Each may be done again: a payout that has its run is not handed over twice. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { PayoutRecord } from '../src/domain/payout/contract.ts';
import type { RunTrigger } from '../src/domain/payoutRun.ts';
import { TemporalUnavailable } from '../src/temporal/client.ts';
import type { PayoutsClient } from '../src/temporal/payouts.ts';

/** Payouts a step: half a second of signals. At BATCH_WORKER_RATE_LIMIT=1 a run hands over a hundred a second, more than a PSP takes. */
const PAGE = 100;

/**
 * Approved when the run began and not yet in one. Whoever has left the queue since, held or cancelled, is not here, or
 * refuses the run's fact.
 */
const WAITING = `
  SELECT payout_record(p) AS payout FROM payouts p, payout_runs r
   WHERE r.id = $1 AND p.state = 'QUEUED' AND p.dispatch = 'run' AND p.run_id IS NULL AND p.updated_at <= r.started_at AND p.id > $2
   ORDER BY p.id LIMIT $3`;

export interface PayoutRunPorts {
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'dispatch'>;
  /** Payouts a step. */
  readonly page?: number;
}

export interface DispatchedPage {
  readonly handedOver: number;
  /** The last payout of the page; null if there are no more. */
  readonly last: string | null;
}

export type PayoutRunActivities = ReturnType<typeof createPayoutRunActivities>;

export function createPayoutRunActivities({ pool, payouts, page = PAGE }: PayoutRunPorts) {
  return {
    async openRun({ runId, trigger }: { runId: string; trigger: RunTrigger }): Promise<void> {
      await pool.query('INSERT INTO payout_runs (id, trigger) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING', [runId, trigger]);
    },

    async dispatchPage({ runId, after }: { runId: string; after: string }): Promise<DispatchedPage> {
      const { rows } = await pool.query<{ payout: PayoutRecord }>(WAITING, [runId, after, page]);
      let handedOver = 0;
      for (const { payout } of rows) {
        heartbeat(payout.id);
        if (await handOver(payout, runId)) handedOver += 1;
      }
      return { handedOver, last: rows.length < page ? null : (rows.at(-1)?.payout.id ?? null) };
    },

    async closeRun({ runId }: { runId: string }): Promise<void> {
      await pool.query('UPDATE payout_runs SET finished_at = now() WHERE id = $1 AND finished_at IS NULL', [runId]);
    },
  };

  /** One payout that cannot be handed over must not keep the others: it stays approved, and the next run asks again. */
  async function handOver(payout: PayoutRecord, runId: string): Promise<boolean> {
    try {
      await payouts.dispatch(payout, runId);
      return true;
    } catch (error) {
      if (error instanceof TemporalUnavailable) throw error;
      log.error('a payout could not be handed over to its workflow', { payoutId: payout.id, runId, error: String(error) });
      return false;
    }
  }
}
