/** What anybody may ask of games. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import type { BetRecord, Failed, WholeGame } from './rules/game.ts';

const WHOLE = `
  game_record(g) || jsonb_build_object('sides', (
    SELECT jsonb_agg(jsonb_build_object('side', s.side, 'multiplierBps', s.multiplier_bps, 'stakesMinor', s.stakes::text) ORDER BY s.side)
      FROM game_sides s WHERE s.game_id = g.id)) AS game`;

/** Whosever it is. */
export async function readGame(pool: Sql, id: string): Promise<WholeGame | undefined> {
  if (!isId('gam', id)) return undefined;
  const text = `SELECT ${WHOLE} FROM games g WHERE g.id = $1`;
  const { rows } = await pool.query<{ game: WholeGame }>({ name: 'read_game', text, values: [id] });
  return rows[0]?.game;
}

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownGame(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<WholeGame | undefined> {
  if (!isId('gam', id)) return undefined;
  const text = `SELECT ${WHOLE} FROM games g WHERE g.id = $1 AND g.merchant_id = $2 AND g.mode = $3`;
  const { rows } = await pool.query<{ game: WholeGame }>({ name: 'own_game', text, values: [id, merchantId, mode] });
  return rows[0]?.game;
}

/** Shown with a game: an operator who has more of them has another problem than the single one. */
export const FAILED_MOST = 1_000;

/** Of how many players something could not be done, and the first of them. */
export async function failedOf(pool: Sql, gameId: string): Promise<{ failed: readonly Failed[]; failedCount: number }> {
  const failed = await pool.query<Failed>({
    name: 'failed_players',
    text: `SELECT user_id AS "userId", failure AS reason FROM game_players WHERE game_id = $1 AND failure IS NOT NULL ORDER BY user_id LIMIT ${FAILED_MOST}`,
    values: [gameId],
  });
  if (failed.rows.length < FAILED_MOST) return { failed: failed.rows, failedCount: failed.rows.length };
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM game_players WHERE game_id = $1 AND failure IS NOT NULL',
    [gameId],
  );
  return { failed: failed.rows, failedCount: rows[0]?.count ?? 0 };
}

export interface PageOf {
  /** Older than this one. */
  readonly before: string | undefined;
  readonly take: number;
}

/** A merchant's games, newest first. */
export async function listGames(pool: Sql, { merchantId, mode }: Tenant, { before, take }: PageOf): Promise<WholeGame[]> {
  const { rows } = await pool.query<{ game: WholeGame }>(
    `SELECT ${WHOLE} FROM games g WHERE g.merchant_id = $1 AND g.mode = $2 AND ($3::text IS NULL OR g.id < $3) ORDER BY g.id DESC LIMIT $4`,
    [merchantId, mode, before ?? null, take],
  );
  return rows.map(({ game }) => game);
}

/** Everybody's games, newest first; with `needsOperator` those alone that a person is to look at, or those that nobody needs to. */
export async function listAllGames(
  pool: Sql,
  { needsOperator, before, take }: PageOf & { readonly needsOperator: boolean | undefined },
): Promise<WholeGame[]> {
  const only = needsOperator === undefined ? '' : `AND ${needsOperator ? '' : 'NOT '}g.needs_operator`;
  const { rows } = await pool.query<{ game: WholeGame }>(
    `SELECT ${WHOLE} FROM games g WHERE ($1::text IS NULL OR g.id < $1) ${only} ORDER BY g.id DESC LIMIT $2`,
    [before ?? null, take],
  );
  return rows.map(({ game }) => game);
}

/** The bets in a game, of one user or of all, newest first. */
export async function listBets(
  pool: Sql,
  gameId: string,
  { userId, before, take }: PageOf & { readonly userId: string | undefined },
): Promise<BetRecord[]> {
  const ofUser = userId === undefined ? '' : 'AND t.user_id = $4';
  const order = userId === undefined ? 't.id DESC' : 't.user_id DESC, t.id DESC'; // as only the index has it
  const { rows } = await pool.query<{ bet: BetRecord }>(
    `SELECT bet_record(t, g) AS bet FROM games g JOIN LATERAL (
       SELECT * FROM bets t WHERE t.game_id = $1 AND ($2::text IS NULL OR t.id < $2) ${ofUser} ORDER BY ${order} LIMIT $3) t ON true
      WHERE g.id = $1 ORDER BY t.id DESC`,
    [gameId, before ?? null, take, ...(userId === undefined ? [] : [userId])],
  );
  return rows.map(({ bet }) => bet);
}
