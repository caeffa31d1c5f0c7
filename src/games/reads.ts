/** What anybody may ask of games. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { storyOf } from '../events/story.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import { failedIn } from './rules/explain.ts';
import type { BetRecord, Failed, GameRecord, SideRecord, WholeGame } from './rules/game.ts';
import { GAME } from './rules/machine.ts';

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

/** A game as it is shown alone. */
export interface ShownGame {
  readonly game: WholeGame;
  readonly failed: readonly Failed[];
  readonly failedCount: number;
}

/** Its bets since then are not counted: as many are looked through as the game has. */
const SIDES_AS_OF = `
  SELECT s.side, s.multiplier_bps AS "multiplierBps", (s.stakes - coalesce((
           SELECT sum(b.amount) FROM bets b WHERE b.game_id = s.game_id AND b.side = s.side AND b.placed_at > $2), 0))::text AS "stakesMinor"
    FROM game_sides s WHERE s.game_id = $1 ORDER BY s.side`;

/**
 * A game as it was at an earlier time. Undefined: there is none, it is not this merchant's, or it was not there yet.
 * @param tenant undefined: whosever it is.
 */
export async function gameAsOf(pool: Sql, tenant: Tenant | undefined, id: string, at: string): Promise<ShownGame | undefined> {
  if (!isId('gam', id)) return undefined;
  const owner = tenant && { kind: 'merchant' as const, id: tenant.merchantId, mode: tenant.mode };
  const story = await storyOf<GameRecord>(pool, { kind: 'game', id }, owner, at);
  if (!story) return undefined;
  const { rows: sides } = await pool.query<SideRecord>({ name: 'game_sides_as_of', text: SIDES_AS_OF, values: [id, at] });
  const game = { ...story.record, sides };
  if (story.isNewest) return { game, ...(await failedOf(pool, id)) };
  // Whoever could not be settled is written down with the end in part; while it was under way, nobody kept who was first.
  const end = story.steps.findLast(({ from, to }) => from !== to);
  return { game, ...(end && GAME.states[game.state].stuck ? failedIn(end) : { failed: [], failedCount: 0 }) };
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
