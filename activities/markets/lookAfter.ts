/** Resolutions that have no workflow, though something is to be done for them: the word to start it was lost, the workflow was, or a pause has ended. */
import { heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { MarketsClient } from '../../src/markets/client.ts';
import { isPausable, RESOLUTION } from '../../src/markets/rules/machine.ts';
import type { ResolutionRecord } from '../../src/markets/rules/market.ts';

/** A page's worth of calls is far below the time between two heartbeats; so is each. */
const PAGE = 200;

/** The process that opened it may be about to start it. */
const QUIET_FOR = '1 minute';

const STOPPED = RESOLUTION.statesWhere(({ stopped }) => stopped);
const PAUSABLE = RESOLUTION.statesWhere(() => true).filter(isPausable);

/** In the order of the index of those that are not over. One that waits for an operator has no workflow, until somebody decides; nor one that a pause holds back. */
const OPEN = `
  SELECT resolution_record(r) AS resolution FROM resolutions r
   WHERE r.ended_at IS NULL AND r.market_id > $1 AND NOT r.state = ANY ($2) AND r.updated_at < now() - $3::interval
      AND NOT (r.state = ANY ($5) AND pause_over('markets', r.merchant_id, NULL) IS NOT NULL)
   ORDER BY r.market_id LIMIT $4`;

export interface LookAfterMarketsPorts {
  readonly pool: Pool;
  readonly markets: MarketsClient;
  /** Resolutions a page. */
  readonly page?: number;
}

export type LookAfterMarketsActivities = ReturnType<typeof createLookAfterMarketsActivities>;

export function createLookAfterMarketsActivities({ pool, markets, page = PAGE }: LookAfterMarketsPorts) {
  return {
    async lookAfterMarkets(): Promise<{ takenUp: number }> {
      let takenUp = 0;
      for (let after = ''; ; ) {
        const { rows } = await pool.query<{ resolution: ResolutionRecord }>(OPEN, [after, STOPPED, QUIET_FOR, page, PAUSABLE]);
        for (const { resolution } of rows) {
          heartbeat(resolution.id);
          if (await markets.takeUp(resolution)) takenUp += 1;
        }
        after = rows.at(-1)?.resolution.marketId ?? '';
        if (rows.length < page) return { takenUp };
      }
    },
  };
}
