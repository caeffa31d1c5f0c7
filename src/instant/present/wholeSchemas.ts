/** One withdrawal as operators see it, for the OpenAPI document; whole.ts makes it. */
import { z } from 'zod';
import { jsonSchema, moneySchema, timeSchema } from '../../http/schemas.ts';
import { CREDIT_ON } from '../rules/policy.ts';
import { REVIEW_REASONS } from '../rules/records.ts';
import { batchSchema, instantPayoutSchema, payinSchema } from './schemas.ts';

const merchantId = z.string();
const time = timeSchema.nullable();

const decided = (...decisions: [string, ...string[]]) => ({
  decision: z.enum(decisions).nullable().meta({ description: 'Null: nobody has decided' }),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  decidedAt: time,
});

const workflowFields = { workflowId: z.string(), temporalUi: z.string() };

const turnSchema = z
  .object({
    number: z.int(),
    assignedAt: timeSchema,
    payin: payinSchema.extend({ merchantId }).meta({ id: 'AdminPayin' }),
    proof: z
      .object({
        rail: z.string(),
        utr: z.string(),
        imageDeletedAt: time.meta({ description: 'Null: it is kept; see the route of the slice’s proof' }),
        late: z.boolean().meta({ description: 'It came after its deadline' }),
        reasons: z.array(z.enum(REVIEW_REASONS)).meta({ description: 'What spoke against it when it came' }),
        submittedBy: z.string(),
        submittedAt: timeSchema,
      })
      .nullable(),
    lateCase: z
      .object({
        createdAt: timeSchema,
        was: z
          .enum(['failed', 'reversed'])
          .nullable()
          .meta({ description: 'How it was decided before the payee’s bank told of it; null: the proof came late, and no more' }),
        ...decided('credit', 'refund', 'reject'),
      })
      .nullable()
      .meta({ description: 'Its proof came when the slice was another’s, or closed; or the payee’s bank has what was rejected' }),
  })
  .meta({ id: 'InstantPayoutTurn' });

const adminBatchSchema = batchSchema
  .extend({
    money: z.enum(['held', 'credited', 'released', 'reversed', 'handed']).meta({
      description: 'Still reserved; with the payer; back with the payee; taken back from the payer; with a payout of the rest',
    }),
    confirmUntil: time.meta({ description: 'So long the payee is waited for' }),
    validatorId: z
      .string()
      .nullable()
      .meta({ description: 'Who is to look at its proof now; of earlier times nobody keeps that' }),
    validateUntil: time,
    turns: z.array(turnSchema).meta({ description: 'Whoever had it, the first first' }),
    bankCredits: z.array(
      z.object({
        id: z.string(),
        utr: z.string(),
        status: z.enum(['matched', 'differs']),
        amount: moneySchema,
        currency: z.string(),
        creditedAt: timeSchema.meta({ description: 'By the bank' }),
        matchedAt: timeSchema,
      }),
    ),
    dispute: z
      .object({ reason: z.string(), openedBy: z.string(), openedAt: timeSchema, ...decided('approve', 'reject', 'confirmed') })
      .nullable(),
    ...workflowFields,
  })
  .meta({ id: 'AdminInstantPayoutBatch' });

const stepSchema = z.object({
  subject: z.object({ kind: z.enum(['instant_payout', 'instant_batch', 'payin']), id: z.string() }),
  sequence: z.int(),
  eventId: z.string(),
  type: z.string(),
  at: timeSchema,
  actor: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  data: jsonSchema,
});

export const adminInstantPayoutSchema = instantPayoutSchema.extend({ merchantId }).meta({ id: 'AdminInstantPayout' });

export const adminWholeSchema = adminInstantPayoutSchema
  .extend({
    closing: z.enum(['cancelled', 'unfilled']).nullable().meta({ description: 'No slice is given to anybody any more' }),
    creditOn: z.enum(CREDIT_ON).nullable(),
    ...workflowFields,
    batches: z.array(adminBatchSchema),
    timeline: z.array(stepSchema).meta({ description: 'Of the withdrawal, its slices and the payins that had them' }),
  })
  .meta({ id: 'AdminWholeInstantPayout' });
