/** Games that nobody would look at any more: shown to operators, or settled after all. */
import { heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { GamesClient } from '../../src/games/client.ts';

/** A step's worth, far below the time between two heartbeats; what is left is there the next time. */
const MOST = 200;

/**
 * A game that has been decided, or voided, for this long and is not over: the word to its settlement may have been lost, with the
 * process that had it. One that is only large looks into the books once more at its end.
 */
const QUIET_FOR = '1 minute';

export interface LookAfterPorts {
  readonly pool: Pool;
  readonly games: GamesClient;
}

export type LookAfterActivities = ReturnType<typeof createLookAfterActivities>;

export function createLookAfterActivities({ pool, games }: LookAfterPorts) {
  return {
    async lookAfterGames(): Promise<{ overdue: number; takenUp: number }> {
      const flagged = await pool.query<{ overdue: number }>('SELECT flag_overdue_games($1) AS overdue', [MOST]);
      const { rows } = await pool.query<{ id: string }>(
        `SELECT g.id FROM games g WHERE g.state IN ('SETTLING', 'VOIDING') AND g.updated_at < now() - $1::interval ORDER BY g.id LIMIT $2`,
        [QUIET_FOR, MOST],
      );
      for (const { id } of rows) {
        heartbeat(id);
        await games.settle(id);
      }
      return { overdue: flagged.rows[0]?.overdue ?? 0, takenUp: rows.length };
    },
  };
}
