/** A merchant opens a game: from now on its users may bet on it. */
import type { Sql } from '../../db/pool.ts';
import { isPaused } from '../../pauses/reads.ts';
import type { Tenant } from '../../users/reads.ts';
import { ownGame } from '../reads.ts';
import type { WholeGame } from '../rules/game.ts';
import { GAME_TYPES, type GameTypeName } from '../rules/types.ts';

export interface OpeningRequest extends Tenant {
  readonly gameId: string;
  readonly type: GameTypeName;
  readonly currency: string;
}

/** Once for its id. Undefined: a pause holds, and nothing new is begun. That is no matter of money: whoever bets in it asks the books. */
export async function openGame({ pool }: { readonly pool: Sql }, request: OpeningRequest): Promise<WholeGame | undefined> {
  if (await isPaused(pool, 'games', request.merchantId)) return undefined;
  const { sides, overdueAfterMs } = GAME_TYPES[request.type];
  await pool.query('SELECT open_game($1)', [JSON.stringify({ ...request, sides, overdueAfterMs })]);
  const game = await ownGame(pool, request, request.gameId);
  if (!game) throw new Error(`the game ${request.gameId} was opened but is not there`);
  return game;
}
