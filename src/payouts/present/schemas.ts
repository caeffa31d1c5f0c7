/** A payout as it goes out, for the OpenAPI document; payout.ts makes it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { EVENT_TYPES, PUBLIC_STATUS, type PublicStatus, TIMELINE_ONLY } from '../rules/machine.ts';

export const PUBLIC_STATUSES = [...new Set(Object.values(PUBLIC_STATUS))] as [PublicStatus, ...PublicStatus[]];

const accountShown = { accountLast4: z.string(), accountTitle: z.string().nullable() };

export const payoutSchema = z
  .object({
    id: z.string(),
    object: z.literal('payout'),
    status: z.enum(PUBLIC_STATUSES),
    amount: moneySchema,
    fee: moneySchema,
    currency: z.string(),
    reference: z.string(),
    destination: z.union([
      z.object({ type: z.literal('bank'), bankCode: z.string(), ...accountShown }),
      z.object({ type: z.literal('wallet'), walletCode: z.string(), ...accountShown }),
    ]),
    description: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    attempts: z.int().min(0),
    psp: z.object({ name: z.string(), reference: z.string().nullable() }),
    review: z
      .object({
        reasons: z.array(z.object({ code: z.string(), detail: z.string() })),
        approvals: z.array(z.object({ adminId: z.string(), decision: z.string(), at: timeSchema })),
      })
      .nullable(),
    hold: z.object({ reason: z.string(), source: z.enum(['psp', 'operator', 'risk']) }).nullable(),
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    waitingOn: z.string().nullable(),
    livemode: z.boolean(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    completedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Payout' });

export const timelineEntrySchema = z
  .object({
    sequence: z.int(),
    type: z.enum([...EVENT_TYPES, ...TIMELINE_ONLY]),
    at: timeSchema,
    actor: z.string(),
    from: z.enum(PUBLIC_STATUSES).nullable(),
    to: z.enum(PUBLIC_STATUSES),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'TimelineEntry' });
