/** A user stakes on an option of an open market: the stake moves into its pool at once. */
import type { Sql } from '../../db/pool.ts';
import { type CommitmentAnswer, type CommitmentRequest, commitStake } from '../../ledger/postings.ts';
import { isOwnUser } from '../../users/reads.ts';

/** Whose market it is and which options it has, the caller has looked: it reads the stake in the market's currency. */
export async function commit(
  { pool }: { readonly pool: Sql },
  request: CommitmentRequest,
): Promise<CommitmentAnswer | { readonly outcome: 'unknown_user' }> {
  if (!(await isOwnUser(pool, request, request.userId))) return { outcome: 'unknown_user' };
  return await commitStake(pool, request);
}
