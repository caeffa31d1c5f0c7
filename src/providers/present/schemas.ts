/** What providers and their platforms read, for the OpenAPI document; providerPayout.ts and the routes make it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { EVENT_TYPES, TIMELINE_ONLY } from '../../payouts/rules/machine.ts';
import { reasonSchema } from '../../risk/schemas.ts';
import { EARNING_STATUSES } from '../rules/earning.ts';
import { PROVIDER_STATUS, type ProviderStatus } from './providerPayout.ts';

export const PROVIDER_STATUSES = [...new Set(Object.values(PROVIDER_STATUS))] as [ProviderStatus, ...ProviderStatus[]];

const bankAccountFields = { bankCode: z.string(), accountLast4: z.string(), accountName: z.string().nullable() };

export const providerPayoutSchema = z
  .object({
    id: z.string(),
    object: z.literal('provider_payout'),
    providerId: z.string(),
    status: z.enum(PROVIDER_STATUSES),
    amount: moneySchema,
    fee: moneySchema,
    currency: z.string(),
    method: z.string(),
    bankAccount: z.object(bankAccountFields).nullable(),
    review: z
      .object({ reasons: z.array(reasonSchema), approvals: z.array(z.object({ decision: z.string(), at: timeSchema })) })
      .nullable(),
    hold: z.object({ reason: z.string(), source: z.enum(['psp', 'operator', 'risk']) }).nullable(),
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    retry: z.object({ attempt: z.int(), max: z.int(), nextAt: timeSchema.nullable() }).nullable().meta({
      description: 'Which automatic retry is coming (at `nextAt`) or was the last; 0 counts for none: our funds were short',
    }),
    waitingOn: z.string().nullable(),
    timelineUrl: z.string(),
    livemode: z.boolean(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    completedAt: timeSchema.nullable(),
  })
  .meta({ id: 'ProviderPayout' });

export const providerTimelineSchema = z
  .object({
    sequence: z.int(),
    type: z.enum([...EVENT_TYPES, ...TIMELINE_ONLY]),
    at: timeSchema,
    actor: z.string(),
    from: z.enum(PROVIDER_STATUSES).nullable(),
    to: z.enum(PROVIDER_STATUSES),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'ProviderTimelineEntry' });

export const earningSchema = z
  .object({
    id: z.string(),
    object: z.literal('earning'),
    providerId: z.string(),
    externalId: z.string(),
    amount: moneySchema,
    currency: z.string(),
    status: z.enum(EARNING_STATUSES).meta({
      description: 'AVAILABLE while any of it may still be asked for, RESERVED while the rest waits in payouts, PAID_OUT after',
    }),
    available: moneySchema,
    reserved: moneySchema,
    paidOut: moneySchema,
    description: z.string().nullable(),
    payoutIds: z.array(z.string()).meta({ description: 'The payouts that hold or have paid out a part of it' }),
    createdAt: timeSchema,
  })
  .meta({ id: 'Earning' });

export const earningsSchema = z
  .object({
    object: z.literal('earnings'),
    currency: z.string(),
    availableBalance: moneySchema,
    reservedBalance: moneySchema,
    paidOutTotal: moneySchema,
    debt: moneySchema.meta({
      description: 'What is owed for payouts that were paid when their money was gone; new earnings repay it first',
    }),
    earnings: z.array(earningSchema).meta({ description: 'The newest first' }),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'Earnings' });

export const providerSchema = z
  .object({
    id: z.string(),
    object: z.literal('provider'),
    externalId: z.string(),
    name: z.string(),
    email: z.string(),
    verified: z.boolean(),
    bankAccount: z
      .object({ ...bankAccountFields, since: timeSchema })
      .nullable()
      .meta({ description: 'Where payouts go from now on' }),
    livemode: z.boolean(),
    createdAt: timeSchema,
  })
  .meta({ id: 'Provider' });

const providerKeyFields = {
  id: z.string(),
  object: z.literal('provider_key'),
  providerId: z.string(),
  prefix: z.string(),
  last4: z.string(),
  madeBy: z.string().nullable().meta({ description: 'The merchant’s key that made it, and with which it ends' }),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
};
export const providerKeySchema = z.object(providerKeyFields).meta({ id: 'ProviderKey' });
export const newProviderKeySchema = z
  .object({ ...providerKeyFields, key: z.string().meta({ description: 'Shown here only' }) })
  .meta({ id: 'NewProviderKey' });
