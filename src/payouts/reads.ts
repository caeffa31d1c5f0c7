/** Finding a merchant's own payouts; its providers' are found under their names. The tenant is part of every WHERE, never a check afterwards. */
import type { Pool } from 'pg';
import type { Sql } from '../db/pool.ts';
import type { Mode, PayoutRecord, RefusalCode } from './rules/contract.ts';
import type { PayoutState } from './rules/machine.ts';
import { REFUSALS } from './rules/refusals.ts';

interface Tenant {
  readonly merchantId: string;
  readonly mode: Mode;
}

/** A merchant's payout as it is now; also one that was answered with 202 and that no worker has taken up yet. */
export async function findPayout(pool: Pool, { merchantId, mode }: Tenant, id: string): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ payout: PayoutRecord }>({
    name: 'find_payout',
    text: `SELECT payout_record(p) AS payout FROM payouts p
            WHERE p.id = $1 AND p.owner_kind = 'merchant' AND p.owner_id = $2 AND p.mode = $3`,
    values: [id, merchantId, mode],
  });
  return rows[0]?.payout ?? (await findPending(pool, { id: merchantId, mode }, id));
}

/**
 * The payout as the event of this number shows it: what a workflow has answered, and no more than that. Undefined where the
 * books do not have it (yet): they are behind what was answered once they were restored from a backup.
 */
export async function readAsOf(pool: Pool, payoutId: string, sequence: number): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ payout: PayoutRecord }>({
    name: 'read_payout_as_of',
    text: `SELECT object - 'beside' AS payout FROM events WHERE subject_id = $1 AND sequence = $2`,
    values: [payoutId, sequence],
  });
  return rows[0]?.payout;
}

/**
 * One that was answered with 202: as the answer showed it, until a worker takes it up. Its owner is a merchant or a provider.
 * @param at an earlier time; undefined: now.
 */
export async function findPending(
  pool: Pool,
  owner: { id: string; mode: Mode },
  id: string,
  at?: string,
): Promise<PayoutRecord | undefined> {
  const found = await findRequested(pool, id, at);
  return found?.owner.id === owner.id && found.mode === owner.mode ? found : undefined;
}

/** The same, whoever its owner is: for us only. */
export async function findRequested(pool: Sql, id: string, asOf?: string): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ pending: PayoutRecord; code: RefusalCode | null; at: Date | null }>(
    `SELECT q.record AS pending, r.code, r.at
       FROM payout_requests q LEFT JOIN payout_refusals r ON r.payout_id = q.payout_id AND r.at <= coalesce($2, r.at)
      WHERE q.payout_id = $1 AND q.at <= coalesce($2, q.at)`,
    [id, asOf ?? null],
  );
  const [row] = rows;
  if (!row?.code || !row.at) return row?.pending;
  const at = row.at.toISOString();
  const failure = { code: row.code, message: REFUSALS[row.code], retryable: false };
  return { ...row.pending, state: 'REJECTED', failure, updatedAt: at, completedAt: at };
}

/** Of these, the ones that were refused before they were in the books: the one end that is no event. */
export async function refusedAmong(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'refused_among',
    text: 'SELECT payout_id AS id FROM payout_refusals WHERE payout_id = ANY ($1)',
    values: [ids],
  });
  return rows.map(({ id }) => id);
}

export interface PayoutTotal {
  readonly state: PayoutState;
  readonly currency: string;
  readonly count: number;
  readonly amountMinor: string;
}

/** How many of a merchant's own payouts are in each state, and how much they are. Reads all of them. */
export async function payoutTotals(pool: Pool, { merchantId, mode }: Tenant): Promise<PayoutTotal[]> {
  const { rows } = await pool.query<PayoutTotal>(
    `SELECT state, currency, count(*)::int AS count, sum(amount)::text AS "amountMinor"
       FROM payouts WHERE owner_kind = 'merchant' AND owner_id = $1 AND mode = $2 GROUP BY state, currency ORDER BY currency, state`,
    [merchantId, mode],
  );
  return rows;
}
