/** What all users have and what lies in pools, kept for dashboards (src/overview). */
import type { Pool } from 'pg';
import { longRead } from '../db/longRead.ts';

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
