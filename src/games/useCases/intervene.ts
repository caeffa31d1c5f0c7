/** What operators do about a game: try again for those who failed, or give all stakes back. Written down first, then told. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { voidGame as bookVoid } from '../../ledger/settlements.ts';
import type { GamesClient } from '../client.ts';

interface Ports {
  readonly pool: Sql;
  readonly games: GamesClient;
}

interface Intervention {
  readonly gameId: string;
  readonly adminId: string;
}

/** @param key of who asks: the same again begins nothing more. */
export async function retry(
  { pool, games }: Ports,
  { gameId, adminId, key }: Intervention & { readonly key: string },
): Promise<'begun' | 'already' | 'wrong_state'> {
  const { rows } = await pool.query<{ answer: { outcome: 'begun' | 'already' | 'wrong_state' } }>(
    'SELECT retry_game($1, $2, $3) AS answer',
    [gameId, `retry:${key}`, `admin:${adminId}`],
  );
  const outcome = rows[0]?.answer.outcome ?? 'wrong_state';
  if (outcome !== 'wrong_state') await games.settle(gameId);
  return outcome;
}

/** Before the settlement, in the middle of it or after: the exact inverse of what was done. Void already: nothing more. */
export async function voidGame(
  { pool, games }: Ports,
  { gameId, adminId, reason }: Intervention & { readonly reason: string },
): Promise<void> {
  await bookVoid(pool, gameId, reason, `admin:${adminId}`);
  await failpoint('void.recorded', gameId);
  await games.settle(gameId);
}

/** An operator has seen what there was to see. */
export async function acknowledge(
  { pool }: { readonly pool: Sql },
  { gameId, adminId, note, key }: Intervention & { readonly note: string; readonly key: string },
): Promise<void> {
  await pool.query('SELECT acknowledge_game($1, $2, $3, $4)', [gameId, note, `acknowledge:${key}`, `admin:${adminId}`]);
}
