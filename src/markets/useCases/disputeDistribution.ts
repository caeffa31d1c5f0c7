/**
 * What a user was paid is said to be wrong, and a person who is not the resolver decides: it stays, or the whole resolution is
 * rolled back, since what one user gets follows from what all do. Written down first, then its workflow is told.
 */
import type { Sql } from '../../db/pool.ts';
import {
  disputeDistribution as bookDispute,
  type DecideAnswer,
  type DistributionDecision,
  type DistributionDispute,
  type DistributionDisputeAnswer,
  decideDistribution,
} from '../../ledger/distributions.ts';
import type { MarketsClient } from '../client.ts';
import { readResolution } from '../resolutionReads.ts';
import { parseDistributionId } from '../rules/ids.ts';

/** Whose distribution it is, the caller has looked. Said before in the same words: the same again. */
export const disputeDistribution = async (
  { pool }: { readonly pool: Sql },
  request: DistributionDispute,
): Promise<DistributionDisputeAnswer> => await bookDispute(pool, request);

/** That there is such a distribution, and that the admin may, the caller has looked. */
export async function judgeDistribution(
  { pool, markets }: { readonly pool: Sql; readonly markets: MarketsClient },
  request: DistributionDecision,
): Promise<DecideAnswer> {
  const answer = await decideDistribution(pool, request);
  if (answer.outcome !== 'done' && answer.outcome !== 'already') return answer;
  const resolution = await readResolution(pool, parseDistributionId(request.distributionId)?.resolutionId ?? '');
  if (resolution && request.kind === 'overturn') await markets.resolve(resolution);
  return answer;
}
