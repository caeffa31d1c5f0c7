/** Payouts that have waited for a pause: told, at a pace, once none holds them back any more. */
import { heartbeat, log, sleep } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { PayoutsClient } from '../src/payouts/client.ts';
import type { PayoutRecord } from '../src/payouts/rules/contract.ts';
import { TemporalUnavailable } from '../src/temporal/client.ts';

/**
 * So many a second. A pause may leave ten thousand: all at once they would keep new payouts waiting, and be too much for a PSP
 * that is only just back. So it is over in three minutes.
 */
const A_SECOND = 50;

export interface PausePorts {
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'letGo'>;
  readonly aSecond?: number;
}

export type PauseActivities = ReturnType<typeof createPauseActivities>;

export function createPauseActivities({ pool, payouts, aSecond = A_SECOND }: PausePorts) {
  /** One that fails for a reason of its own holds up nobody behind it; it is told again in ten minutes. */
  async function letGo(payout: PayoutRecord): Promise<void> {
    try {
      await payouts.letGo(payout);
    } catch (error) {
      if (error instanceof TemporalUnavailable) throw error;
      log.error('a payout could not be told that its pause is over', { payoutId: payout.id, error: String(error) });
    }
  }

  return {
    async letGoPaused(): Promise<{ told: number }> {
      for (let told = 0; ; ) {
        const { rows } = await pool.query<{ payout: PayoutRecord }>('SELECT let_go_paused($1) AS payout', [aSecond]);
        for (const { payout } of rows) {
          heartbeat(payout.id);
          await letGo(payout);
        }
        told += rows.length;
        if (rows.length < aSecond) return { told };
        await sleep(1_000);
      }
    },
  };
}
