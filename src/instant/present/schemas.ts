/** What is read of withdrawals, their slices and payins, for the OpenAPI document; instantPayout.ts makes it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { BATCH_STATES } from '../rules/batchMachine.ts';
import { INSTANT_PAYOUT_STATES } from '../rules/payoutMachine.ts';
import { ON_UNFILLED } from '../rules/policy.ts';
import { REVIEW_REASONS } from '../rules/records.ts';

const names = (states: Readonly<Record<string, unknown>>) => Object.keys(states) as [string, ...string[]];

const totals = {
  totalAmount: moneySchema,
  instantPaid: moneySchema.meta({ description: 'In slices that were paid' }),
  remaining: moneySchema.meta({ description: 'Neither paid, nor back at the payee, nor with a payout' }),
};

const instantPayoutFields = {
  id: z.string(),
  object: z.literal('instant_payout'),
  status: z.enum(names(INSTANT_PAYOUT_STATES)),
  ...totals,
  walletStatus: z.enum(['lock', 'unlock']).meta({ description: '`unlock`: it is over, however it ended' }),
  userId: z.string().meta({ description: 'The payee' }),
  reference: z.string(),
  currency: z.string(),
  payee: z.object({ type: z.enum(['upi', 'bank']), label: z.string() }),
  onUnfilled: z.enum(ON_UNFILLED),
  restPayoutId: z.string().nullable().meta({ description: 'The payout that takes what nobody paid' }),
  receiptId: z.string().nullable(),
  utrs: z.array(z.string()),
  livemode: z.boolean(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  completedAt: timeSchema.nullable(),
};

/** `data.object` of `instant-payout-status-update`, and one of a list. */
export const instantPayoutSchema = z.object(instantPayoutFields).meta({ id: 'InstantPayout' });

export const batchSchema = z
  .object({
    id: z.string(),
    object: z.literal('instant_payout_batch'),
    instantPayoutId: z.string(),
    number: z.int(),
    amount: moneySchema,
    currency: z.string(),
    status: z.enum(names(BATCH_STATES)),
    ...totals,
    payinId: z.string().nullable(),
    payUntil: timeSchema.nullable(),
    utr: z.string().nullable(),
    receiptId: z.string().nullable(),
    reassignments: z.int(),
    review: z.object({ reasons: z.array(z.enum(REVIEW_REASONS)) }).nullable(),
    livemode: z.boolean(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    creditedAt: timeSchema.nullable(),
    confirmedAt: timeSchema.nullable(),
  })
  .meta({ id: 'InstantPayoutBatch' });

export const wholeInstantPayoutSchema = z
  .object({ ...instantPayoutFields, batches: z.array(batchSchema) })
  .meta({ id: 'WholeInstantPayout' });

const payinFields = {
  id: z.string(),
  object: z.literal('payin'),
  status: z
    .enum(['waiting', 'assigned', 'proof_submitted', 'success', 'failed', 'expired', 'late_proof', 'reversed'])
    .meta({ description: '`reversed`: it was credited, and turned out not to be paid' }),
  userId: z.string().meta({ description: 'The payer' }),
  reference: z.string(),
  amount: moneySchema,
  currency: z.string(),
  batchId: z.string().nullable(),
  payUntil: timeSchema.nullable(),
  waitUntil: timeSchema,
  utr: z.string().nullable(),
  receiptId: z.string().nullable(),
  instantPayout: z.object(totals).nullable(),
  livemode: z.boolean(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  completedAt: timeSchema.nullable(),
};

/** `data.object` of `payin-status-update`, and one of a list. */
export const payinSchema = z.object(payinFields).meta({ id: 'Payin' });

export const payToSchema = z
  .union([
    z.object({ type: z.literal('upi'), upiId: z.string(), amount: moneySchema, currency: z.string() }),
    z.object({
      type: z.literal('bank'),
      bankCode: z.string(),
      accountNumber: z.string(),
      accountTitle: z.string(),
      amount: moneySchema,
      currency: z.string(),
    }),
  ])
  .meta({ id: 'PayTo', description: 'Whom to pay, for the one payer whose turn it is, while it is' });

export const wholePayinSchema = z.object({ ...payinFields, payTo: payToSchema.nullable() }).meta({ id: 'WholePayin' });

export const claimSchema = z
  .object({ payinId: z.string(), batchId: z.string(), payTo: payToSchema.nullable(), payUntil: timeSchema.nullable() })
  .meta({ id: 'Claim' });

export const confirmationSchema = z
  .object({
    redirect: z.boolean().meta({ description: 'All of the withdrawal is paid and confirmed: show the success page' }),
    withdrawalDetails: z
      .object({
        id: z.string(),
        totalAmount: moneySchema,
        instantPaid: moneySchema,
        receiptId: z.string().nullable(),
        completedAt: timeSchema.nullable(),
        utrs: z.array(z.string()),
        batches: z.array(
          z.object({
            id: z.string(),
            amount: moneySchema,
            utr: z.string().nullable(),
            status: z.enum(names(BATCH_STATES)),
            confirmedAt: timeSchema.nullable(),
          }),
        ),
      })
      .nullable(),
    batch: batchSchema,
  })
  .meta({ id: 'BatchConfirmation' });
