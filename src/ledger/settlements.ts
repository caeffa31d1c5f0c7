/**
 * How games are paid out and undone: typed callers of the SQL functions in prisma/functions/games that move their money, one
 * round trip and one transaction each. Every call may be repeated: who is settled, or void, stays as he is. For the games'
 * activities, and for the operator who makes a game void.
 */
import type { Sql } from '../db/pool.ts';

/** settle_users while a game is being settled, void_users while its stakes are given back. */
export type SettleStep = 'settle_users' | 'void_users';

export interface Stepped {
  /** `stopped`: the game is in another state by now; `paused`: a pause holds. In either case nothing was done. */
  readonly outcome: 'done' | 'stopped' | 'paused';
  /** Who owes, and must be settled alone. */
  readonly apart?: readonly string[];
}

/** These players, all of them in one transaction. See prisma/functions/games/settle_users.sql and void_users.sql. */
export async function settlePlayers(sql: Sql, step: SettleStep, gameId: string, userIds: readonly string[]): Promise<Stepped> {
  const text = `SELECT ${step}($1, $2) AS answer`;
  const { rows } = await sql.query<{ answer: Stepped }>({ name: step, text, values: [gameId, userIds] });
  const row = rows[0];
  if (!row) throw new Error(`no answer from ${step}`);
  return row.answer;
}

/** From now on the game pays nobody, and what the bank held for it is free. Void already: nothing. See prisma/functions/games/end_game.sql. */
export async function voidGame(sql: Sql, gameId: string, reason: string, actor: string): Promise<void> {
  await sql.query('SELECT void_game($1, $2, $3)', [gameId, reason, actor]);
}
