/** A payout as admins read it, for the OpenAPI document; payoutDetail.ts makes it. */
import { z } from 'zod';
import { jsonSchema, moneySchema, timeSchema } from '../../../http/schemas.ts';
import { messageSchema } from '../../../psp/schemas.ts';
import { reasonSchema, riskSchema } from '../../../risk/schemas.ts';
import { deliverySchema, webhookAttemptSchema } from '../../../webhooks/schemas.ts';
import { payoutSchema } from '../../present/schemas.ts';
import { PAYOUT_KIND_NAMES } from '../../rules/kinds.ts';
import { STATES } from '../../rules/machine.ts';

const payoutFields = {
  ...payoutSchema.shape,
  merchantId: z.string(),
  kind: z.string(),
  state: z.string().meta({ enum: Object.keys(STATES), description: 'Ours; `status` is what the merchant sees' }),
  round: z.int(),
  sequence: z.int(),
  needsOperator: z.boolean(),
  owner: z.object({ kind: z.enum(PAYOUT_KIND_NAMES), id: z.string() }).meta({ description: 'Whose balance pays' }),
  dispatch: z.string().meta({ enum: ['now', 'run'], description: 'When it is sent, once nobody needs to look at it' }),
  runId: z.string().nullable(),
  risk: riskSchema.nullable().meta({ description: 'Of a provider’s payout: what was known, and what the policy said' }),
};
export const adminPayoutSchema = z.object(payoutFields).meta({ id: 'AdminPayout' });

const changedSince = timeSchema.nullable().meta({
  description:
    'Since when the provider has had another bank account than this one, which the payout goes to; null: it is the same',
});
const [bank, wallet] = payoutSchema.shape.destination.options;
/** For whoever decides. */
const decidedFields = {
  ...payoutFields,
  destination: z.union([bank.extend({ changedSince }), wallet.extend({ changedSince })]),
};

const makerId = z.string().nullable().meta({ description: 'The admin who issued the key that made it, and may not approve it' });

export const payoutRequestSchema = z
  .object({ ...payoutFields, answeredAt: timeSchema, workflowId: z.string(), temporalUi: z.string() })
  .meta({ id: 'PayoutRequest' });

export const queuedPayoutSchema = z
  .object({
    ...decidedFields,
    makerId,
    reasons: z.array(reasonSchema),
    ageSeconds: z.int(),
  })
  .meta({ id: 'QueuedPayout' });

const attemptSchema = z.object({
  attempt: z.int(),
  psp: z.string(),
  pspKey: z.string().meta({ description: 'Our reference at the PSP' }),
  pspReference: z.string().nullable(),
  state: z.string().meta({ enum: ['open', 'succeeded', 'failed', 'returned', 'doubted'] }),
  proof: z
    .string()
    .nullable()
    .meta({
      enum: ['refused', 'failed_transfer', 'operator', null],
      description: 'Why it is certain that it will never be paid',
    }),
  pspFee: moneySchema.nullable().meta({ description: 'What the PSP said that it took for paying; null: it did not say' }),
  sends: z.int(),
  startedAt: timeSchema,
  sentAt: timeSchema,
  endedAt: timeSchema.nullable(),
  failure: jsonSchema,
});

const entrySchema = z.object({
  id: z.string(),
  object: z.literal('ledger_entry'),
  key: z.string(),
  type: z.string(),
  amount: moneySchema,
  currency: z.string(),
  debit: z
    .string()
    .nullable()
    .meta({ examples: ['merchant:mer_…:reserved'] }),
  credit: z
    .string()
    .nullable()
    .meta({ examples: ['platform:sandbox:clearing'] }),
  availableAfter: moneySchema.nullable().meta({ description: 'Of the owner; null: the entry is between accounts of ours' }),
  lockedAfter: moneySchema.nullable(),
  debtAfter: moneySchema.nullable(),
  createdAt: timeSchema,
});

const approvalSchema = z.object({
  round: z.int(),
  adminId: z.string(),
  decision: z.string(),
  note: z.string().nullable(),
  via: z.string().meta({ enum: ['api', 'signal'] }),
  at: timeSchema,
});

const stepSchema = z.object({
  sequence: z.int(),
  eventId: z.string(),
  type: z.string(),
  at: timeSchema,
  actor: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  data: jsonSchema,
});

export const payoutDetailSchema = z
  .object({
    ...decidedFields,
    makerId,
    callbackUrl: z.string().nullable(),
    debt: moneySchema.meta({ description: 'What its owner still owes for it: it was paid when its money was gone' }),
    returns: z.int().meta({ description: 'How often it was sent back after it was paid' }),
    attempts: z.array(attemptSchema).meta({ description: 'In full; in the merchant’s payout this is their number' }),
    ledgerEntries: z.array(entrySchema),
    approvals: z.array(approvalSchema),
    pspMessages: z.array(messageSchema),
    timeline: z.array(stepSchema),
    webhookDeliveries: z.array(deliverySchema.extend({ attempts: z.array(webhookAttemptSchema) })),
    workflowId: z.string(),
    followUpWorkflowId: z.string(),
    temporalUi: z.string(),
  })
  .meta({ id: 'PayoutDetail' });

export type PayoutDetail = z.infer<typeof payoutDetailSchema>;
