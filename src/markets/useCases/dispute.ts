/** A participant says that an outcome is wrong, before it is paid: written down first, then its workflow is told. */
import type { Sql } from '../../db/pool.ts';
import { type DisputeAnswer, type DisputeRequest, disputeResolution } from '../../ledger/distributions.ts';
import type { MarketsClient } from '../client.ts';
import { newestResolution } from '../resolutionReads.ts';
import type { ResolutionRecord } from '../rules/market.ts';

interface Ports {
  readonly pool: Sql;
  readonly markets: MarketsClient;
}

export type Disputed =
  | { readonly outcome: 'disputed'; readonly resolution: ResolutionRecord }
  | { readonly outcome: Exclude<DisputeAnswer['outcome'], 'disputed' | 'already'> };

/** Whose market it is, the caller has looked. Said before in the same words: the same again. */
export async function dispute({ pool, markets }: Ports, request: DisputeRequest): Promise<Disputed> {
  const { outcome } = await disputeResolution(pool, request);
  if (outcome !== 'disputed' && outcome !== 'already') return { outcome };
  const resolution = await newestResolution(pool, request.marketId);
  if (!resolution) throw new Error(`a resolution of ${request.marketId} was disputed but is not there`);
  await markets.resolve(resolution);
  return { outcome: 'disputed', resolution };
}
