/** What anybody may ask of a merchant's users. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { isId } from '../rules/ids.ts';
import { USERS_BALANCE, type UserTransaction } from './rules/transactions.ts';

export interface Tenant {
  readonly merchantId: string;
  readonly mode: Mode;
}

/** Is this a user of this merchant in this mode? */
export async function isOwnUser(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<boolean> {
  if (!isId('usr', id)) return false;
  const { rowCount } = await pool.query({
    name: 'own_user',
    text: 'SELECT FROM users WHERE id = $1 AND merchant_id = $2 AND mode = $3',
    values: [id, merchantId, mode],
  });
  return rowCount === 1;
}

const LAST_ENTRY = 2n ** 63n - 1n;

/** A page from the top of each pile, of a balance and a type, in the order that only the piles' own index has. */
const LIST = `
  SELECT user_transaction(p.entry, p.balance) AS transaction
    FROM (
      SELECT n.* FROM unnest($1::bigint[]) b (id) CROSS JOIN unnest($2::text[]) s (type)
       CROSS JOIN LATERAL (
         SELECT e AS entry, e.id, b.id AS balance FROM ledger_entries e
          WHERE ${USERS_BALANCE} = b.id AND e.type >= s.type AND (e.type, e.id) < (s.type, coalesce($3::bigint, ${LAST_ENTRY}))
          ORDER BY e.type DESC, e.id DESC LIMIT $4) n
       ORDER BY n.id DESC LIMIT $4) p
   ORDER BY p.id DESC`;

export interface TransactionFilter {
  readonly entryTypes: readonly string[];
  readonly currency: string | undefined;
  /** Older than the entry with this number. */
  readonly before: bigint | undefined;
  readonly take: number;
}

/** A user's transactions, newest first. Whose user it is, the caller has looked. */
export async function listTransactions(
  pool: Sql,
  { mode, userId }: { readonly mode: Mode; readonly userId: string },
  { entryTypes, currency, before, take }: TransactionFilter,
): Promise<UserTransaction[]> {
  const balances = await pool.query<{ id: string }>(
    `SELECT id FROM balances WHERE mode = $1 AND owner_kind = 'user' AND owner_id = $2 AND ($3::text IS NULL OR currency = $3)`,
    [mode, userId, currency ?? null],
  );
  const { rows } = await pool.query<{ transaction: UserTransaction }>(LIST, [
    balances.rows.map(({ id }) => id),
    entryTypes,
    before ?? null,
    take,
  ]);
  return rows.map(({ transaction }) => transaction);
}
