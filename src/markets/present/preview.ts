/** What operators read before a market is resolved, and after: a preview and a verification, in the words of the API. */
import { z } from 'zod';
import { moneySchema } from '../../http/schemas.ts';
import { formatMajor } from '../../rules/money.ts';
import type { ResolutionState } from '../rules/machine.ts';
import type { PlanRecord } from '../rules/market.ts';
import { FAULTS, type Verification } from '../rules/verification.ts';
import type { WholeMarket } from './market.ts';
import { presentMarket } from './market.ts';
import { presentPlan, RESOLUTION_STATUS, RESOLUTION_STATUSES } from './resolution.ts';
import { marketSchema, planSchema } from './schemas.ts';

interface PreviewRecord {
  readonly plan: Omit<PlanRecord, 'leftOverMinor'>;
  readonly planHash: string;
  readonly leftOverMinor: string | null;
  readonly largest: readonly {
    readonly userId: string;
    readonly stakeMinor: string;
    readonly payoutMinor: string;
    readonly roundedUp: boolean | null;
  }[];
}

export function presentPreview(market: WholeMarket, outcome: string, { plan, planHash, leftOverMinor, largest }: PreviewRecord) {
  const { id, currency } = market;
  const { totals, options } = presentMarket(market);
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  const shown = presentPlan({ ...plan, leftOverMinor: leftOverMinor ?? '0' }, currency);
  return {
    object: 'market_preview' as const,
    marketId: id,
    outcome,
    currency,
    totals,
    options,
    ...shown,
    rounding: { ...shown.rounding, leftOver: leftOverMinor === null ? null : major(leftOverMinor) },
    largestPayouts: largest.map(({ userId, stakeMinor, payoutMinor, roundedUp }) => ({
      userId,
      staked: major(stakeMinor),
      payout: major(payoutMinor),
      roundedUp,
    })),
    planHash,
  };
}

const { totals, options } = marketSchema.shape;

export const previewSchema = z
  .object({
    object: z.literal('market_preview'),
    marketId: z.string(),
    outcome: z.string(),
    currency: z.string(),
    totals,
    options,
    ...planSchema.shape,
    rounding: z.object({
      method: z.literal('largest_remainder'),
      leftOver: moneySchema.nullable().meta({ description: 'So many users get one unit more; null: of too many to say at once' }),
    }),
    largestPayouts: z.array(
      z.object({
        userId: z.string(),
        staked: moneySchema,
        payout: moneySchema,
        roundedUp: z.boolean().nullable().meta({ description: 'Null: it may be one unit more' }),
      }),
    ),
    planHash: z.string().meta({ description: 'Give it to `resolve`: what is paid is what was seen here, or nothing' }),
  })
  .meta({ id: 'MarketPreview' });

interface VerifiedRecord {
  readonly marketId: string;
  readonly currency: string;
  readonly stakedMinor: string;
  readonly commitments: number;
  readonly missingMinor: string;
  readonly poolMinor: string;
  readonly expectedMinor: string | null;
  readonly resolution: { readonly id: string; readonly run: number; readonly state: ResolutionState } | null;
  readonly verification: Verification | null;
}

export function presentVerification(verified: VerifiedRecord) {
  const { marketId, currency, resolution, verification, poolMinor, expectedMinor } = verified;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  const agree = expectedMinor === null ? null : expectedMinor === poolMinor;
  return {
    object: 'market_verification' as const,
    marketId,
    resolutionId: resolution?.id ?? null,
    run: resolution?.run ?? null,
    status: resolution === null ? null : RESOLUTION_STATUS[resolution.state],
    currency,
    ok: verification === null ? null : verification.ok && agree !== false,
    recomputed: verification && {
      users: verification.users,
      winners: verification.winners,
      commitments: verification.commitments,
      staked: major(verification.stakedMinor),
      paid: major(verification.paidMinor),
      fees: major(verification.feesMinor),
      roundedUp: verification.roundedUp,
    },
    faults: (verification?.faults ?? []).map(({ fault, detail, count, userIds }) => ({ code: fault, detail, count, userIds })),
    kept: { staked: major(verified.stakedMinor), commitments: verified.commitments },
    balances: {
      pool: major(poolMinor),
      expected: expectedMinor === null ? null : major(expectedMinor),
      missing: major(verified.missingMinor),
      agree,
    },
  };
}

export const verificationSchema = z
  .object({
    object: z.literal('market_verification'),
    marketId: z.string(),
    resolutionId: z.string().nullable(),
    run: z.int().nullable(),
    status: z.enum(RESOLUTION_STATUSES).nullable(),
    currency: z.string(),
    ok: z.boolean().nullable().meta({ description: 'Null: the newest resolution has not paid everybody (yet)' }),
    recomputed: z
      .object({
        users: z.int(),
        winners: z.int(),
        commitments: z.int(),
        staked: moneySchema,
        paid: moneySchema,
        fees: moneySchema,
        roundedUp: z.int().meta({ description: 'How many users got one unit more' }),
      })
      .nullable()
      .meta({ description: 'From the commitments alone, when everybody was paid' }),
    faults: z.array(
      z.object({
        code: z.enum(Object.keys(FAULTS) as [string, ...string[]]),
        detail: z.string(),
        count: z.int(),
        userIds: z.array(z.string()).meta({ description: 'The first ten' }),
      }),
    ),
    kept: z.object({ staked: moneySchema, commitments: z.int() }),
    balances: z.object({
      pool: moneySchema,
      expected: moneySchema.nullable().meta({ description: 'Null: money is on its way back' }),
      missing: moneySchema,
      agree: z.boolean().nullable(),
    }),
  })
  .meta({ id: 'MarketVerification' });
