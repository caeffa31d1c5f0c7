/**
 * Money that is taken in within one transaction under a natural key: typed callers of the SQL functions that post it.
 * Each call may be repeated: the same key finds its first result. Imported by the use cases of that money alone.
 */
import type { Sql } from '../db/pool.ts';
import type { Mode } from '../payouts/rules/contract.ts';

export interface FundRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: string;
  readonly externalId: string;
}

export interface FundAnswer {
  readonly outcome: 'funded' | 'already' | 'mismatch' | 'balance_limit';
}

export interface EarningRequest {
  readonly earningId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly providerId: string;
  readonly externalId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly description: string | null;
}

/** `earningId`: of the first that was posted under this external id. */
export type EarningAnswer =
  | { readonly outcome: 'posted' | 'already'; readonly earningId: string }
  | { readonly outcome: 'mismatch' | 'insufficient_balance' | 'balance_limit' };

export interface UserMoneyRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  /** To the user, or from the user. */
  readonly type: 'USER_CREDIT' | 'USER_DEBIT';
  readonly externalId: string;
  readonly currency: string;
  readonly amountMinor: string;
}

export interface UserMoneyAnswer {
  readonly outcome: 'moved' | 'already' | 'mismatch' | 'user_frozen' | 'insufficient_balance' | 'balance_limit';
}

/** Money that arrived for a merchant. Key: `externalId`. See prisma/functions/ledger/fund_balance.sql for the answers. */
export const fundBalance = (sql: Sql, request: FundRequest): Promise<FundAnswer> => post(sql, 'fund_balance', request);

/**
 * Money that a merchant gives to a provider of its own. Key: `externalId`. See prisma/functions/providers/post_earning.sql
 * for the answers.
 * @throws if the provider is not this merchant's in this mode: whoever calls has looked.
 */
export const postEarning = (sql: Sql, request: EarningRequest): Promise<EarningAnswer> => post(sql, 'post_earning', request);

/**
 * Money between a merchant and a user of its own. Key: `externalId`. See prisma/functions/users/move_user_money.sql for the
 * answers.
 * @throws if the user is not this merchant's in this mode: whoever calls has looked.
 */
export const moveUserMoney = (sql: Sql, request: UserMoneyRequest): Promise<UserMoneyAnswer> =>
  post(sql, 'move_user_money', request);

async function post<Answer>(sql: Sql, name: string, request: object): Promise<Answer> {
  // Named: parsed and planned once a connection, not with every call.
  const { rows } = await sql.query<{ answer: Answer }>({
    name,
    text: `SELECT ${name}($1) AS answer`,
    values: [JSON.stringify(request)],
  });
  const row = rows[0];
  if (!row) throw new Error(`no answer from ${name}`);
  return row.answer;
}
