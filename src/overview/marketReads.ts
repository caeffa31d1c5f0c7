/** Figures of markets and of users' money: kept totals and small reads, never a walk over what there is. */
import type { Pool } from 'pg';
import { longRead } from '../db/longRead.ts';
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

/** Every balance of users and pools once: a second for each million. */
const LONGEST_READ_MS = 300_000;

const COUNTED = `
  SELECT o.id AS merchant_id, b.mode, b.currency, count(*) FILTER (WHERE b.owner_kind = 'user' AND b.available + b.reserved > 0) AS holders,
         coalesce(sum(b.available) FILTER (WHERE b.owner_kind = 'user'), 0)::text AS available, coalesce(sum(b.reserved) FILTER (WHERE b.owner_kind = 'user'), 0)::text AS reserved,
         coalesce(sum(b.available) FILTER (WHERE b.owner_kind = 'market'), 0)::text AS pools, coalesce(sum(b.debt) FILTER (WHERE b.owner_kind = 'user'), 0)::text AS owed,
         now() AS as_of
    FROM balances b, LATERAL (VALUES (''), (b.merchant_id)) o (id) WHERE b.owner_kind IN ('user', 'market') GROUP BY 1, 2, 3`;

const KEPT = `
  INSERT INTO circulation AS x (merchant_id, mode, currency, holders, available, reserved, pools, owed, as_of)
  SELECT r.merchant_id, r.mode, r.currency, r.holders, r.available, r.reserved, r.pools, r.owed, r.as_of
    FROM jsonb_to_recordset($1::jsonb) AS r (merchant_id text, mode text, currency text, holders bigint, available numeric, reserved numeric, pools numeric, owed numeric, as_of timestamptz)
   ORDER BY 1, 2, 3
  ON CONFLICT (merchant_id, mode, currency) DO UPDATE
     SET holders = excluded.holders, available = excluded.available, reserved = excluded.reserved, pools = excluded.pools, owed = excluded.owed, as_of = excluded.as_of
   WHERE x.as_of < excluded.as_of`;

/** Counts what users have and what lies in pools, and keeps it. Counted by a read: one that wrote meanwhile would hold up whoever follows events. */
export async function keepCirculation(pool: Pool): Promise<void> {
  const counted = await longRead(pool, LONGEST_READ_MS, async (sql) => (await sql.query({ text: COUNTED })).rows);
  await pool.query(KEPT, [JSON.stringify(counted)]);
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
