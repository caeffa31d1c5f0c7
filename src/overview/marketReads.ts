/** Figures of markets and of users' money: kept totals and small reads, never a walk over what there is. */
import type { Sql } from '../db/pool.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { DAYS, type Scope } from './reads.ts';

/** What came of markets, on a day or ever (market_figures). */
export interface MarketFigures {
  readonly span: 'day' | 'ever';
  /** In UTC. */
  readonly day: string;
  /** By the clock of the books. */
  readonly isToday: boolean;
  readonly mode: Mode;
  readonly currency: string;
  readonly commitments: number;
  readonly stakedMinor: string;
  readonly participants: number;
  readonly users: number;
  readonly activeUsers: number;
  readonly resolutions: number;
  readonly rollbacks: number;
  readonly paidMinor: string;
  readonly houseFeesMinor: string;
  readonly creatorFeesMinor: string;
}

const FIGURES = `
  SELECT span, to_char(day, 'YYYY-MM-DD') AS day, day = (now() AT TIME ZONE 'UTC')::date AS "isToday", mode, currency, commitments::float8, staked::text AS "stakedMinor", participants::float8, users::float8,
         active_users::float8 AS "activeUsers", resolutions::float8, rollbacks::float8, paid::text AS "paidMinor",
         house_fees::text AS "houseFeesMinor", creator_fees::text AS "creatorFeesMinor"
    FROM market_figures($1, $2, (now() AT TIME ZONE 'UTC')::date - $3::int)`;

export async function marketFigures(sql: Sql, { merchantId = '', mode }: Scope): Promise<MarketFigures[]> {
  const values = [merchantId, mode ?? null, DAYS - 1];
  return (await sql.query<MarketFigures>({ name: 'market_figures', text: FIGURES, values })).rows;
}

export interface Circulation {
  readonly mode: Mode;
  readonly currency: string;
  readonly holders: number;
  readonly availableMinor: string;
  readonly reservedMinor: string;
  readonly poolsMinor: string;
  readonly owedMinor: string;
  readonly asOf: Date;
}

const CIRCULATION = `
  SELECT x.mode, x.currency, x.holders::float8, x.available::text AS "availableMinor", x.reserved::text AS "reservedMinor", x.pools::text AS "poolsMinor",
         x.owed::text AS "owedMinor", x.as_of AS "asOf"
    FROM circulation x WHERE x.merchant_id = $1 AND x.mode = ANY ($2) ORDER BY x.mode, x.currency`;

/** As it was at the last check of the books; none: there was none yet, or nobody has had anything. */
export async function circulationOf(sql: Sql, { merchantId = '', mode }: Scope): Promise<Circulation[]> {
  const values = [merchantId, mode === undefined ? ['test', 'live'] : [mode]];
  return (await sql.query<Circulation>({ name: 'circulation', text: CIRCULATION, values })).rows;
}

/** More than anybody looks through; the count then says at least so many. */
const NEEDING_MOST = 1_000;

/** How many resolutions wait for a person: a handful, found by their own index. */
export async function resolutionsNeedingOperator(sql: Sql, { merchantId, mode }: Scope): Promise<number> {
  const { rows } = await sql.query<{ count: number }>({
    name: 'resolutions_needing_operator',
    text: `
      SELECT count(*)::int AS count
        FROM (SELECT r.merchant_id, r.mode FROM resolutions r WHERE r.needs_operator ORDER BY r.id LIMIT ${NEEDING_MOST}) r
       WHERE ($1::text IS NULL OR r.merchant_id = $1) AND ($2::text IS NULL OR r.mode = $2)`,
    values: [merchantId ?? null, mode ?? null],
  });
  return rows[0]?.count ?? 0;
}
