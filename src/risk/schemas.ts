/** What admins read of risk, for the OpenAPI document; the presenters make it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../http/schemas.ts';

/** Why somebody must look at it. */
export const reasonSchema = z.object({
  code: z.string(),
  detail: z.string(),
  value: z.unknown().optional().meta({ description: 'What it was' }),
  limit: z.unknown().optional().meta({ description: 'What the policy allows without a review' }),
});

const decision = z.enum(['APPROVE', 'REVIEW']);
const verdict = z.object({ decision, reasons: z.array(reasonSchema) });

/** As a payout keeps it. */
export const riskSchema = z
  .object({
    policyVersion: z.int(),
    policyMerchantId: z.string().meta({ description: 'Whose policy it was; empty: the installation’s' }),
    facts: z.record(z.string(), z.unknown()).meta({ description: 'What was known when the money was reserved' }),
    verdict,
  })
  .meta({ id: 'Risk' });

const policySchema = z.object({
  amountLimit: z.record(z.string(), moneySchema),
  minSuccesses: z.int(),
  maxRecentFailures: z.int(),
  failureWindowDays: z.int(),
  bankChangeDays: z.int(),
  velocityMinRequests: z.int(),
  velocityTimes: z.int(),
  amountTimesMean: z.int(),
});

export const riskPolicySchema = z
  .object({
    object: z.literal('risk_policy'),
    merchantId: z.string().nullable().meta({ description: 'Whose it is; null: the installation’s' }),
    version: z.int(),
    policy: policySchema,
    createdBy: z.string().nullable().meta({ description: 'null: it came with the program' }),
    createdAt: timeSchema.nullable(),
  })
  .meta({ id: 'RiskPolicy' });

const counts = z.object({ APPROVE: z.int(), REVIEW: z.int() });

export const dryRunSchema = z
  .object({
    object: z.literal('risk_dry_run'),
    policy: policySchema,
    considered: z.int(),
    was: counts,
    wouldBe: counts,
    payouts: z
      .array(z.object({ payoutId: z.string(), was: decision, wouldBe: decision, differs: z.boolean() }))
      .meta({ description: 'The newest first' }),
    differences: z
      .array(
        z.object({
          payoutId: z.string(),
          amount: moneySchema,
          currency: z.string(),
          createdAt: timeSchema,
          policyVersion: z.int(),
          was: verdict,
          wouldBe: verdict,
        }),
      )
      .meta({ description: 'Another decision, or the same for other reasons' }),
  })
  .meta({ id: 'RiskDryRun' });
