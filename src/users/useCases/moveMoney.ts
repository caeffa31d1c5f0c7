/** Money between a merchant and a user of its own, once under the name that the merchant gives it. */
import type { Sql } from '../../db/pool.ts';
import { moveUserMoney, type UserMoneyAnswer, type UserMoneyRequest } from '../../ledger/postings.ts';
import { isOwnUser } from '../reads.ts';
import type { UserTransaction } from '../rules/transactions.ts';

export type MoneyMoved =
  /** Now, or before under this name: the same transaction, whatever has happened since. */
  | { readonly outcome: 'moved' | 'already'; readonly transaction: UserTransaction }
  /** Other money has this name: its amount, currency, user or direction differs. */
  | { readonly outcome: 'mismatch' }
  /** Nothing is booked; a repeat may find more money or room, or the user free. */
  | { readonly outcome: 'user_frozen' | 'insufficient_balance' | 'balance_limit' }
  /** Nobody's, or not this merchant's in this mode. */
  | { readonly outcome: 'unknown_user' };

export async function moveMoney({ pool }: { readonly pool: Sql }, request: UserMoneyRequest): Promise<MoneyMoved> {
  if (!(await isOwnUser(pool, request, request.userId))) return { outcome: 'unknown_user' };
  const { outcome } = await moveUserMoney(pool, request);
  return isDone(outcome) ? { outcome, transaction: await readTransaction(pool, request) } : { outcome };
}

const isDone = (outcome: UserMoneyAnswer['outcome']): outcome is 'moved' | 'already' =>
  outcome === 'moved' || outcome === 'already';

async function readTransaction(pool: Sql, request: UserMoneyRequest): Promise<UserTransaction> {
  const { merchantId, mode, externalId, type } = request;
  const side = type === 'USER_CREDIT' ? 'credit' : 'debit';
  const { rows } = await pool.query<{ transaction: UserTransaction }>(
    `SELECT user_transaction(e, e.${side}_balance) AS transaction FROM ledger_entries e WHERE e.op_key = $1 AND e.leg = 0`,
    [`user_money:${merchantId}:${mode}:${externalId}`],
  );
  const [found] = rows;
  if (!found) throw new Error(`the money ${externalId} of ${merchantId} is moved but cannot be found`);
  return found.transaction;
}
