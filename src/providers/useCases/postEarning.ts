/** Money that a merchant gives to a provider of its own, once under the name that the merchant gives it. */
import type { Sql } from '../../db/pool.ts';
import { type EarningRequest, postEarning as post } from '../../ledger/postings.ts';
import { findEarning } from '../earningReads.ts';
import type { EarningRow } from '../rules/earning.ts';

export type EarningPosted =
  /** Now, or before under this name: the earning as it stands. */
  | { readonly outcome: 'posted' | 'already'; readonly earning: EarningRow }
  /** Another earning has this name: its amount, currency or provider differs. */
  | { readonly outcome: 'mismatch' }
  /** Nothing is booked; a repeat may find more money, or more room. */
  | { readonly outcome: 'insufficient_balance' | 'balance_limit' }
  /** Nobody's, or not this merchant's in this mode. */
  | { readonly outcome: 'unknown_provider' };

export async function postEarning({ pool }: { readonly pool: Sql }, request: EarningRequest): Promise<EarningPosted> {
  const { merchantId, mode, providerId, externalId } = request;
  const own = await pool.query('SELECT FROM providers WHERE id = $1 AND merchant_id = $2 AND mode = $3', [
    providerId,
    merchantId,
    mode,
  ]);
  if (own.rowCount === 0) return { outcome: 'unknown_provider' };
  const answer = await post(pool, request);
  if (answer.outcome !== 'posted' && answer.outcome !== 'already') return { outcome: answer.outcome };
  const earning = await findEarning(pool, { merchantId, mode }, externalId);
  if (!earning) throw new Error(`the earning ${externalId} of ${merchantId} is posted but cannot be found`);
  return { outcome: answer.outcome, earning };
}
