/** What is read of markets, for the OpenAPI document; the presenters beside this make it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { DISTRIBUTION_STATES, FEE_BASES, MARKET_TYPES, POSITIONS } from '../rules/market.ts';
import { MARKET_STATUSES } from './market.ts';
import { RESOLUTION_STATUSES } from './resolution.ts';

const option = z.object({
  id: z.string(),
  title: z.string(),
  staked: moneySchema,
  commitments: z.int(),
  participants: z.int(),
});

const marketFields = {
  id: z.string(),
  object: z.literal('market'),
  title: z.string(),
  type: z.enum(MARKET_TYPES),
  status: z.enum(MARKET_STATUSES).meta({ description: '`closed`: it takes no stakes any more, and has not been resolved' }),
  currency: z.string(),
  options: z.array(option),
  totals: z.object({ staked: moneySchema, commitments: z.int(), participants: z.int() }),
  creatorUserId: z.string().nullable(),
  houseFeeBps: z.int(),
  creatorFeeBps: z.int(),
  feeBase: z.enum(FEE_BASES),
  closesAt: timeSchema.nullable(),
  disputeWindowSeconds: z.int(),
  livemode: z.boolean(),
  createdAt: timeSchema,
};

/** `data.object` of the events of a market. */
export const toldMarketSchema = z.object(marketFields).meta({ id: 'ToldMarket' });

export const marketSchema = z
  .object({
    ...marketFields,
    resolutionId: z.string().nullable().meta({ description: 'The newest' }),
    outcome: z.string().nullable().meta({ description: 'What that one says' }),
  })
  .meta({ id: 'Market' });

export const commitmentSchema = z
  .object({
    id: z.string(),
    object: z.literal('commitment'),
    marketId: z.string(),
    userId: z.string(),
    optionId: z.string(),
    position: z.enum(POSITIONS).nullable().meta({ description: 'Null where an option was named' }),
    amount: moneySchema,
    currency: z.string(),
    status: z.enum(['placed', 'won', 'lost', 'refunded']),
    payoutAmount: moneySchema.nullable().meta({ description: 'Its part of what the user was paid' }),
    createdAt: timeSchema,
    newBalance: moneySchema.meta({ description: 'What the user had available right after the stake was taken' }),
    balanceVersion: z.int().meta({ description: 'Drop what has a lower one than the last you saw of this user and currency' }),
  })
  .meta({ id: 'Commitment' });

export const planSchema = z
  .object({
    kind: z.enum(['shares', 'refund']).meta({ description: '`refund`: every stake back, without fees' }),
    pool: moneySchema,
    fees: z.object({ total: moneySchema, house: moneySchema, creator: moneySchema }),
    net: moneySchema.meta({ description: 'pool − fees: what the winners share' }),
    winningStake: moneySchema,
    users: z.int(),
    winners: z.int(),
    losers: z.int(),
    rounding: z.object({
      method: z.literal('largest_remainder'),
      leftOver: moneySchema.meta({ description: 'What the floors of the shares leave: so many users get one unit more' }),
    }),
  })
  .meta({ id: 'MarketPlan' });

export const resolutionSchema = z
  .object({
    id: z.string(),
    object: z.literal('resolution'),
    marketId: z.string(),
    run: z.int().meta({ description: 'Counts the resolutions of the market' }),
    status: z.enum(RESOLUTION_STATUSES),
    outcome: z.string(),
    evidence: z.string().nullable(),
    currency: z.string(),
    progress: z.object({
      paidUsers: z.int(),
      users: z.int().nullable().meta({ description: 'Null: not planned yet' }),
      amount: moneySchema,
      rolledBackUsers: z.int(),
    }),
    missing: moneySchema.optional().meta({ description: 'With `waiting_for_funds`: what your available balance must bring' }),
    plan: planSchema.nullable(),
    planHash: z.string(),
    disputableUntil: timeSchema.nullable(),
    reason: z.string().nullable(),
    needsOperator: z.boolean(),
    livemode: z.boolean(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    endedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Resolution' });

const sums = {
  id: z.string(),
  object: z.literal('distribution'),
  marketId: z.string(),
  resolutionId: z.string(),
  userId: z.string(),
  currency: z.string(),
  totalPayout: moneySchema,
  totalProfit: moneySchema.meta({ description: 'totalPayout − what was staked on what won: may be less than zero' }),
  totalLost: moneySchema,
  processedAt: timeSchema,
  status: z.enum(DISTRIBUTION_STATES),
};

const auditTrail = z.object({
  winnerFoundBy: z.enum(['position', 'optionId', 'hybrid']),
  outcome: z.string(),
  optionId: z.string(),
  exactShare: z.string().nullable().meta({ description: 'In minor units: the stake of all that was staked on what won' }),
  rounding: z.object({ method: z.literal('largest_remainder'), remainder: z.string(), roundedUp: z.boolean() }),
  fees: z
    .object({
      base: z.enum(FEE_BASES),
      houseFeeBps: z.int(),
      creatorFeeBps: z.int(),
      total: moneySchema,
      house: moneySchema,
      creator: moneySchema,
    })
    .nullable(),
  resolvedBy: z.string(),
});

const stake = {
  commitmentId: z.string(),
  optionId: z.string(),
  position: z.enum(POSITIONS).nullable(),
  tokensCommitted: moneySchema,
};

export const distributionSchema = z
  .object({
    ...sums,
    winningCommitments: z.array(
      z.object({ ...stake, payoutAmount: moneySchema, profit: moneySchema, winShare: z.number(), auditTrail }),
    ),
    losingCommitments: z.array(z.object({ ...stake, lostAmount: moneySchema, auditTrail })),
    transactionIds: z.array(z.string()),
    legacyTransactionIds: z.array(z.string()),
    metadata: z.object({
      run: z.int(),
      outcome: z.string(),
      kind: z.enum(['shares', 'refund']).nullable(),
      marketType: z.enum(MARKET_TYPES),
      failure: z.string().nullable(),
      disputeReason: z.string().nullable(),
      rolledBackAt: timeSchema.nullable(),
      hasMoreCommitments: z.boolean().meta({ description: 'Only the newest hundred are shown: see /markets/{id}/commitments' }),
    }),
  })
  .meta({ id: 'PayoutDistribution' });

/** `data.object` of the events `distribution.…`. */
export const toldDistributionSchema = z
  .object({
    ...sums,
    newBalance: moneySchema.meta({ description: 'What was available at the very commit' }),
    balanceVersion: z.int(),
  })
  .meta({ id: 'ToldDistribution' });
