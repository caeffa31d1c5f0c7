/** What a provider has earned, and what became of it: read in one statement, so that the sums agree with the books. */
import type { Sql } from '../db/pool.ts';
import type { EarningRow } from './rules/earning.ts';

export interface EarningsPage {
  readonly available: string;
  readonly reserved: string;
  readonly paidOut: string;
  readonly debt: string;
  readonly earnings: readonly EarningRow[];
}

const ROW = `
  jsonb_build_object('id', e.id, 'providerId', e.provider_id, 'externalId', e.external_id, 'currency', e.currency,
    'amount', e.amount::text, 'available', e.available::text, 'description', e.description, 'createdAt', e.created_at,
    'reserved', (SELECT coalesce(sum(u.amount), 0)::text FROM earning_uses u WHERE u.earning_id = e.id AND u.state = 'reserved'),
    'paidOut', (SELECT coalesce(sum(u.amount), 0)::text FROM earning_uses u WHERE u.earning_id = e.id AND u.state = 'paid_out'),
    'payoutIds', (SELECT coalesce(jsonb_agg(DISTINCT u.payout_id), '[]') FROM earning_uses u
                   WHERE u.earning_id = e.id AND u.state <> 'released'))`;

const PAGE = `
  SELECT coalesce((SELECT b.available FROM b), 0)::text AS available, coalesce((SELECT b.reserved FROM b), 0)::text AS reserved,
         coalesce((SELECT b.debt FROM b), 0)::text AS debt,
         (SELECT coalesce(sum(u.amount), 0)::text
            FROM earnings e CROSS JOIN LATERAL (SELECT sum(o.amount) AS amount FROM earning_uses o WHERE o.earning_id = e.id AND o.state = 'paid_out') u
           WHERE e.provider_id = $1 AND e.currency = $2) AS "paidOut",
         (SELECT coalesce(jsonb_agg(${ROW} ORDER BY e.id DESC), '[]') FROM
           (SELECT * FROM earnings WHERE provider_id = $1 AND currency = $2 AND ($3::text IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4) e) AS earnings`;

const BALANCE = `
  WITH b AS (SELECT available, reserved, debt FROM balances
              WHERE mode = (SELECT mode FROM providers WHERE id = $1) AND owner_kind = 'provider' AND owner_id = $1 AND currency = $2)`;

export interface EarningsAsked {
  readonly providerId: string;
  readonly currency: string;
  readonly after: string | undefined;
  readonly take: number;
}

/** Newest first. */
export async function readEarnings(pool: Sql, { providerId, currency, after, take }: EarningsAsked): Promise<EarningsPage> {
  const { rows } = await pool.query<EarningsPage>(BALANCE + PAGE, [providerId, currency, after ?? null, take]);
  return rows[0] ?? { available: '0', reserved: '0', paidOut: '0', debt: '0', earnings: [] };
}

/** The earning that a merchant posted under this name of its own. */
export async function findEarning(
  pool: Sql,
  { merchantId, mode }: { readonly merchantId: string; readonly mode: string },
  externalId: string,
): Promise<EarningRow | undefined> {
  const { rows } = await pool.query<{ earning: EarningRow }>(
    `SELECT ${ROW} AS earning FROM earnings e WHERE e.merchant_id = $1 AND e.mode = $2 AND e.external_id = $3`,
    [merchantId, mode, externalId],
  );
  return rows[0]?.earning;
}
