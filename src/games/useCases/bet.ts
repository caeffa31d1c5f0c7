/** A user bets on a side of an open game: the stake is taken at once, and the bank can pay what may be won. */
import type { Sql } from '../../db/pool.ts';
import { type BetAnswer, type BetRequest, placeBet } from '../../ledger/postings.ts';
import { isOwnUser } from '../../users/reads.ts';

/** Whose game it is and which sides it has, the caller has looked: it reads the stake in the game's currency. */
export async function bet(
  { pool }: { readonly pool: Sql },
  request: BetRequest,
): Promise<BetAnswer | { readonly outcome: 'unknown_user' }> {
  if (!(await isOwnUser(pool, request, request.userId))) return { outcome: 'unknown_user' };
  return await placeBet(pool, request);
}
