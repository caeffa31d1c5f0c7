/**
 * An admin says what came true. It is written down first, and the market is frozen; then its workflow is started. Should this end
 * between the two, whoever looks after markets starts it.
 */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { openResolution, type ResolveAnswer, type ResolveRequest } from '../../ledger/distributions.ts';
import type { MarketsClient } from '../client.ts';

interface Ports {
  readonly pool: Sql;
  readonly markets: MarketsClient;
}

/** That there is such a market, with such an option, the caller has looked. */
export async function resolve({ pool, markets }: Ports, request: ResolveRequest): Promise<ResolveAnswer> {
  const answer = await openResolution(pool, request);
  await failpoint('market_frozen.after', request.marketId);
  if ('resolution' in answer) await markets.resolve(answer.resolution);
  return answer;
}
