/** Games that nobody would look at any more: shown to operators, or settled after all. */
import type { Pool } from 'pg';
import type { GamesClient } from '../../src/games/client.ts';
import { tellAll } from '../tellAll.ts';

/** A step's worth, far below the time between two heartbeats; what is left is there the next time. */
const MOST = 200;

/**
 * A game that has been decided, or voided, for this long and is not over: the word to its settlement may have been lost, with the
 * process that had it, or it was paused. One that is only large looks into the books once more at its end. Who cannot be told is on
 * operators' list after a quarter of an hour (end_game.sql).
 */
const QUIET_FOR = '1 minute';

export interface LookAfterPorts {
  readonly pool: Pool;
  readonly games: GamesClient;
  /** Games a look. */
  readonly page?: number;
}

export type LookAfterActivities = ReturnType<typeof createLookAfterActivities>;

export function createLookAfterActivities({ pool, games, page = MOST }: LookAfterPorts) {
  async function gamesAfter(id: string): Promise<string[]> {
    const { rows } = await pool.query<{ id: string }>(
      `SELECT g.id FROM games g WHERE g.state IN ('SETTLING', 'VOIDING') AND g.updated_at < now() - $1::interval AND g.id > $2
          AND pause_over('games', g.merchant_id, NULL) IS NULL
        ORDER BY g.id LIMIT $3`,
      [QUIET_FOR, id, page],
    );
    return rows.map((row) => row.id);
  }

  return {
    async lookAfterGames(): Promise<{ overdue: number; takenUp: number }> {
      const flagged = await pool.query<{ overdue: number }>('SELECT flag_overdue_games($1) AS overdue', [MOST]);
      const takenUp = await tellAll({ what: 'game', after: gamesAfter, tell: games.settle });
      return { overdue: flagged.rows[0]?.overdue ?? 0, takenUp };
    },
  };
}
