/** A distribution that is said to be wrong, as whoever decides on it sees it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { formatMajor } from '../../rules/money.ts';
import { DISTRIBUTION_STATES, type DistributionRecord, type ResolutionRecord } from '../rules/market.ts';

interface Disputed {
  readonly distribution: DistributionRecord;
  readonly resolution: ResolutionRecord;
}

export function presentDisputed({ distribution, resolution }: Disputed) {
  const { id, marketId, resolutionId, userId, currency, payoutMinor, state, disputeReason, processedAt } = distribution;
  const { merchantId, outcome, resolvedBy } = resolution;
  return {
    id,
    object: 'disputed_distribution' as const,
    merchantId,
    marketId,
    resolutionId,
    userId,
    outcome,
    resolvedBy,
    currency,
    totalPayout: formatMajor(BigInt(payoutMinor), currency),
    status: state,
    disputeReason,
    processedAt,
  };
}

export const disputedSchema = z
  .object({
    id: z.string(),
    object: z.literal('disputed_distribution'),
    merchantId: z.string(),
    marketId: z.string(),
    resolutionId: z.string(),
    userId: z.string(),
    outcome: z.string(),
    resolvedBy: z.string().meta({ description: 'May not decide' }),
    currency: z.string(),
    totalPayout: moneySchema,
    status: z.enum(DISTRIBUTION_STATES),
    disputeReason: z.string().nullable(),
    processedAt: timeSchema,
  })
  .meta({ id: 'DisputedDistribution' });
