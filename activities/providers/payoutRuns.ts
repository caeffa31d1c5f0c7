/** The steps of a payout run. Each may be done again: a payout that has its run is not handed over twice. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { failpoint } from '../../src/failpoints.ts';
import type { PayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import type { RunProgress, RunTrigger } from '../../src/providers/rules/payoutRun.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';

/** Payouts a step: half a second of signals. At BATCH_WORKER_RATE_LIMIT=1 a run hands over a hundred a second, more than a PSP takes. */
const PAGE = 100;

/** Of one platform in the first lap: a small one goes in it whole. */
const FEW = 10;

/**
 * Approved when the run began and not yet in one. Whoever has left the queue since, held or cancelled, is not here, or
 * refuses the run's fact. In the first lap a page may find some of a platform's later payouts too, because its earlier
 * ones have left; the second lap finds all.
 */
const WAITING = `
  SELECT payout_record(p) AS payout FROM payouts p
   WHERE p.id IN (SELECT x.id
                    FROM (SELECT q.id, row_number() OVER (PARTITION BY q.merchant_id ORDER BY q.id) AS nth
                            FROM payouts q, payout_runs r
                           WHERE r.id = $1 AND q.state = 'QUEUED' AND q.dispatch = 'run' AND q.run_id IS NULL
                             AND q.updated_at <= r.started_at) x
                   WHERE x.id > $2 AND ($3::int IS NULL OR x.nth <= $3) ORDER BY x.id LIMIT $4)
   ORDER BY p.id`;

export interface PayoutRunPorts {
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'dispatch'>;
  /** Payouts a step. */
  readonly page?: number;
}

export interface DispatchedPage {
  /** The last payout of the page; null if there are no more. */
  readonly last: string | null;
}

export type PayoutRunActivities = ReturnType<typeof createPayoutRunActivities>;

export function createPayoutRunActivities({ pool, payouts, page = PAGE }: PayoutRunPorts) {
  return {
    async openRun({ runId, trigger }: { runId: string; trigger: RunTrigger }): Promise<void> {
      await pool.query('INSERT INTO payout_runs (id, trigger) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING', [runId, trigger]);
    },

    async dispatchPage({ runId, lap, after }: { runId: string } & RunProgress): Promise<DispatchedPage> {
      const most = lap === 'first' ? FEW : null;
      const { rows } = await pool.query<{ payout: PayoutRecord }>(WAITING, [runId, after, most, page]);
      await Promise.all(rows.map(({ payout }) => failpoint('run_page.after', payout.id))); // all of the page are there at once
      for (const { payout } of rows) {
        heartbeat(payout.id);
        await handOver(payout, runId);
      }
      return { last: rows.length < page ? null : (rows.at(-1)?.payout.id ?? null) };
    },

    async closeRun({ runId }: { runId: string }): Promise<void> {
      await pool.query('UPDATE payout_runs SET finished_at = now() WHERE id = $1 AND finished_at IS NULL', [runId]);
    },
  };

  /** One payout that cannot be handed over must not keep the others: it stays approved, and the next run asks again. */
  async function handOver(payout: PayoutRecord, runId: string): Promise<void> {
    try {
      await payouts.dispatch(payout, runId);
    } catch (error) {
      if (error instanceof TemporalUnavailable) throw error;
      log.error('a payout could not be handed over to its workflow', { payoutId: payout.id, runId, error: String(error) });
    }
  }
}
