/** How a resolution stands, as its workflow is told. */
import type { Sql } from '../../src/db/pool.ts';
import type { ResolutionStanding } from '../../src/markets/rules/contract.ts';

const STANDING = `
  SELECT r.id, r.state, r.outcome, r.sequence, r.needs_operator AS "needsOperator", r.reason, r.users,
         r.paid_users AS "paidUsers", r.undone_users AS "undoneUsers",
         greatest(0, ceil(extract(epoch FROM r.window_until - clock_timestamp()) * 1000))::float8 AS "windowLeftMs",
         pause_over('markets', r.merchant_id, NULL) IS NOT NULL AS "isPaused"
    FROM resolutions r WHERE r.id = $1`;

/** @throws if there is none: whoever began its workflow had read it. */
export async function readStanding(sql: Sql, resolutionId: string): Promise<ResolutionStanding> {
  const { rows } = await sql.query<ResolutionStanding>({ name: 'resolution_standing', text: STANDING, values: [resolutionId] });
  const row = rows[0];
  if (!row) throw new Error(`no resolution ${resolutionId}`);
  return row;
}
