/** Where the money of a subject lies: what its entries have brought into each account and not taken out again. */
import type { Sql } from '../db/pool.ts';
import type { MoneyAt } from '../rules/explain.ts';

/** Users are many in a game: together. */
const MONEY = `
  SELECT a.owner_kind AS "ownerKind", CASE WHEN a.owner_kind <> 'user' THEN a.owner_id END AS "ownerId", a.purpose, a.currency, sum(m.amount)::text AS "amountMinor"
    FROM ledger_entries e
   CROSS JOIN LATERAL (VALUES (e.debit_account, -e.amount), (e.credit_account, e.amount)) m (account, amount)
    JOIN accounts a ON a.id = m.account
   WHERE e.subject_id = $1 AND e.subject_kind = $2 AND ($3::timestamptz IS NULL OR e.at <= $3)
   GROUP BY 1, 2, 3, 4 HAVING sum(m.amount) > 0 ORDER BY 1, 2, 3, 4`;

/** @param at undefined: now. */
export async function moneyOf(sql: Sql, kind: string, id: string, at?: string): Promise<MoneyAt[]> {
  const { rows } = await sql.query<MoneyAt>({ name: 'subject_money', text: MONEY, values: [id, kind, at ?? null] });
  return rows;
}
