/**
 * How games are paid out and undone: typed callers of the SQL functions in prisma/functions/games that move their money, one
 * round trip and one transaction each. Every call may be repeated: who is settled, or void, stays as he is. For the games'
 * activities, and for the operator who makes a game void.
 */
import type { Sql } from '../db/pool.ts';
import { askBooks } from './calls.ts';

/** settle_users while a game is being settled, void_users while its stakes are given back. */
export type SettleStep = 'settle_users' | 'void_users';

export interface Stepped {
  /** `stopped`: the game is in another state by now; `paused`: a pause holds. In either case nothing was done. */
  readonly outcome: 'done' | 'stopped' | 'paused';
  /** Who owes, and must be settled alone. */
  readonly apart?: readonly string[];
}

/** These players, all of them in one transaction. See prisma/functions/games/settle_users.sql and void_users.sql. */
export const settlePlayers = (sql: Sql, step: SettleStep, gameId: string, userIds: readonly string[]): Promise<Stepped> =>
  askBooks(sql, step, [gameId, userIds]);

/** From now on the game pays nobody, and what the bank held for it is free. Void already: nothing. See prisma/functions/games/end_game.sql. */
export async function voidGame(sql: Sql, gameId: string, reason: string, actor: string): Promise<void> {
  await askBooks(sql, 'void_game', [gameId, reason, actor]);
}
