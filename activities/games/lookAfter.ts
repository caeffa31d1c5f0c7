/** Games that nobody would look at any more: shown to operators, or settled after all. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { GamesClient } from '../../src/games/client.ts';

/** A step's worth, far below the time between two heartbeats; what is left is there the next time. */
const MOST = 200;

/** One that cannot be told is that game's own trouble (somebody else has its name); so many in a row are Temporal's. */
const FAILURES_MAX = 3;

/**
 * A game that has been decided, or voided, for this long and is not over: the word to its settlement may have been lost, with the
 * process that had it, or it was paused. One that is only large looks into the books once more at its end.
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

  /** Everybody who can be told; who cannot is on operators' list after a quarter of an hour (end_game.sql). */
  async function tellAll(): Promise<number> {
    let [told, inARow] = [0, 0];
    for (let ids = await gamesAfter(''); ids.length > 0; ids = await gamesAfter(ids.at(-1) ?? '')) {
      for (const id of ids) {
        heartbeat(id);
        try {
          await games.settle(id);
          [told, inARow] = [told + 1, 0];
        } catch (error) {
          inARow += 1;
          if (inARow >= FAILURES_MAX) throw error;
          log.error('a game that waits for its settlement could not be told', { gameId: id, error: String(error) });
        }
      }
    }
    return told;
  }

  return {
    async lookAfterGames(): Promise<{ overdue: number; takenUp: number }> {
      const flagged = await pool.query<{ overdue: number }>('SELECT flag_overdue_games($1) AS overdue', [MOST]);
      return { overdue: flagged.rows[0]?.overdue ?? 0, takenUp: await tellAll() };
    },
  };
}
