/** What admins read, for the OpenAPI document; the presenters make it. */
import { z } from 'zod';
import { moneySchema, payoutSchema, timeSchema } from '../../payouts/routes/payoutSchemas.ts';
import { STATES } from '../../payouts/rules/machine.ts';
import { reasonSchema } from '../../providers/routes/providerSchemas.ts';
import { riskSchema } from '../../risk/routes/riskSchemas.ts';
import { ROLES } from '../../rules/roles.ts';
import { deliverySchema, webhookAttemptSchema } from '../../webhooks/routes/webhookSchemas.ts';
import { listSchema } from '../paging.ts';

const json = z.unknown().meta({ description: 'JSON' });

const payoutFields = {
  ...payoutSchema.shape,
  merchantId: z.string(),
  kind: z.string(),
  state: z.string().meta({ enum: Object.keys(STATES), description: 'Ours; `status` is what the merchant sees' }),
  round: z.int(),
  sequence: z.int(),
  needsOperator: z.boolean(),
  owner: z.object({ kind: z.enum(['merchant', 'provider']), id: z.string() }).meta({ description: 'Whose balance pays' }),
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

export const payoutRequestSchema = z
  .object({ ...payoutFields, answeredAt: timeSchema, workflowId: z.string(), temporalUi: z.string() })
  .meta({ id: 'PayoutRequest' });

export const queuedPayoutSchema = z
  .object({
    ...decidedFields,
    reasons: z.array(reasonSchema),
    ageSeconds: z.int(),
  })
  .meta({ id: 'QueuedPayout' });

export const messageSchema = z
  .object({
    id: z.string(),
    object: z.literal('psp_message'),
    psp: z.string(),
    eventKey: z.string(),
    reference: z.string().nullable(),
    payoutId: z.string().nullable(),
    attempt: z.int().nullable(),
    claim: z.string(),
    body: json.meta({ description: 'What the PSP sent; account numbers cut to four digits' }),
    state: z.string().meta({ enum: ['received', 'applied', 'ignored', 'orphan'] }),
    detail: z.string().nullable(),
    receivedAt: timeSchema,
    handledAt: timeSchema.nullable(),
  })
  .meta({ id: 'PspMessage' });

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
  sends: z.int(),
  startedAt: timeSchema,
  sentAt: timeSchema,
  endedAt: timeSchema.nullable(),
  failure: json,
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
  availableAfter: moneySchema,
  lockedAfter: moneySchema,
  debtAfter: moneySchema,
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
  data: json,
});

export const payoutDetailSchema = z
  .object({
    ...decidedFields,
    makerId: z.string().nullable().meta({ description: 'The admin who issued the key that made it' }),
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

const merchantFields = {
  id: z.string(),
  object: z.literal('merchant'),
  name: z.string(),
  active: z.boolean(),
  fee: z.object({ bps: z.int(), fixed: z.record(z.string(), moneySchema) }),
  reviewLimits: z
    .record(z.string(), moneySchema.nullable())
    .meta({ description: 'From this amount on an approver must decide; null or absent: never' }),
  createdAt: timeSchema,
};
export const merchantSchema = z.object(merchantFields).meta({ id: 'Merchant' });
export const debtSchema = z
  .object({
    object: z.literal('debt'),
    merchantId: z.string(),
    mode: z.string(),
    owner: z.object({ kind: z.string(), id: z.string() }),
    currency: z.string(),
    debt: moneySchema.meta({ description: 'Repaid out of all new money of the owner, before anything else' }),
  })
  .meta({ id: 'Debt' });
export const merchantDetailSchema = z
  .object({ ...merchantFields, debts: z.array(debtSchema).meta({ description: 'Its own and its providers’' }) })
  .meta({ id: 'MerchantDetail' });
export const newMerchantSchema = z
  .object({
    ...merchantFields,
    webhookSecret: z.string().meta({ description: 'Shown here only; signs what goes to callbackUrls' }),
  })
  .meta({ id: 'NewMerchant' });

const keyFields = {
  id: z.string(),
  object: z.literal('api_key'),
  merchantId: z.string().nullable(),
  mode: z.string().nullable(),
  scopes: z.array(z.string()),
  prefix: z.string(),
  last4: z.string(),
  createdBy: z.string().nullable().meta({ description: 'May not approve what the key makes' }),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
};
export const keySchema = z.object(keyFields).meta({ id: 'ApiKey' });
export const newKeySchema = z
  .object({ ...keyFields, key: z.string().meta({ description: 'Shown here only' }) })
  .meta({ id: 'NewApiKey' });

const adminFields = {
  id: z.string(),
  object: z.literal('admin'),
  name: z.string(),
  role: z.string().meta({ enum: [...ROLES] }),
  email: z.string().nullable().meta({ description: 'Where notifications go; null: none by e-mail' }),
  active: z.boolean(),
  createdAt: timeSchema,
};
export const adminSchema = z.object(adminFields).meta({ id: 'Admin' });
export const newAdminSchema = z
  .object({ ...adminFields, key: z.string().meta({ description: 'Shown here only' }) })
  .meta({ id: 'NewAdmin' });

export const notificationSchema = z
  .object({
    id: z.string(),
    object: z.literal('notification'),
    kind: z.string().meta({ examples: ['payout_completed', 'review_needed'] }),
    eventId: z.string(),
    payoutId: z.string(),
    merchantId: z.string(),
    livemode: z.boolean(),
    audience: z.string().meta({ enum: ['provider', 'admin'] }),
    recipientId: z.string(),
    channel: z.string().meta({ enum: ['email', 'push'] }),
    address: z.string().meta({ description: 'An e-mail address, or the id of a push subscription' }),
    state: z.string().meta({ enum: ['pending', 'sent', 'failed'] }),
    attempts: z.int(),
    lastError: z.string().nullable(),
    createdAt: timeSchema,
    sentAt: timeSchema.nullable(),
  })
  .meta({ id: 'Notification' });

export const fundingSchema = z
  .object({
    id: z.string(),
    object: z.literal('funding'),
    merchantId: z.string(),
    mode: z.string(),
    externalId: z.string(),
    amount: moneySchema,
    currency: z.string(),
    availableAfter: moneySchema,
    lockedAfter: moneySchema,
    createdAt: timeSchema,
  })
  .meta({ id: 'Funding' });

export const auditSchema = z
  .object({
    id: z.string(),
    object: z.literal('audit_entry'),
    adminId: z.string(),
    action: z.string(),
    target: z.string(),
    requestId: z.string(),
    data: json,
    at: timeSchema,
  })
  .meta({ id: 'AuditEntry' });

export const invariantSchema = z
  .object({ name: z.string(), description: z.string(), violations: z.int() })
  .meta({ id: 'Invariant' });

export const payoutRunSchema = z
  .object({
    id: z.string(),
    object: z.literal('payout_run'),
    trigger: z.string().meta({ enum: ['schedule', 'admin'] }),
    startedAt: timeSchema,
    finishedAt: timeSchema.nullable().meta({ description: 'When the last of its payouts was handed over' }),
    dispatched: z.int().meta({ description: 'Payouts that it sent on their way; completed and failed are as they are now' }),
    completed: z.int(),
    failed: z.int(),
    amount: z.record(z.string(), moneySchema).meta({ description: 'By currency' }),
  })
  .meta({ id: 'PayoutRun' });

const scheduleFields = {
  paused: z.boolean(),
  nextRunAt: timeSchema.nullable().meta({ description: 'null while paused' }),
};
export const runsScheduleSchema = z
  .object({ object: z.literal('payout_run_schedule'), ...scheduleFields })
  .meta({ id: 'PayoutRunSchedule' });

export const payoutRunsSchema = listSchema(payoutRunSchema).extend(scheduleFields);
