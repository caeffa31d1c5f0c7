/** Risk policies: major units outside, minor units in the database; and which policy holds for whom. */
import { z } from 'zod';
import type { Prisma } from '../../generated/prisma/client.ts';
import { inMajor, limitsInput, withoutNulls } from '../../http/amountsByCurrency.ts';
import { BUILT_IN_POLICY, POLICY_BOUNDS, type RiskPolicy } from '../rules/policy.ts';

const limit = ({ min, max }: { readonly min: number; readonly max: number }) => z.int().min(min).max(max).optional();

/** What is left out stays as it is. */
export const policyInput = z
  .strictObject({
    amountLimit: limitsInput.optional().meta({
      description: 'Per currency, major units: more than this is looked at. null: no limit; a currency left out keeps its own',
      examples: [{ NGN: '50000.00' }],
    }),
    minSuccesses: limit(POLICY_BOUNDS.minSuccesses).meta({ description: 'Fewer completed payouts are looked at' }),
    maxRecentFailures: limit(POLICY_BOUNDS.maxRecentFailures).meta({ description: 'More failed payouts are looked at' }),
    failureWindowDays: limit(POLICY_BOUNDS.failureWindowDays).meta({ description: 'How far back failures count' }),
    bankChangeDays: limit(POLICY_BOUNDS.bankChangeDays).meta({ description: 'A bank account younger than this is looked at' }),
    velocityMinRequests: limit(POLICY_BOUNDS.velocityMinRequests).meta({
      description: 'From so many requests in 24 hours on, velocityTimes counts',
    }),
    velocityTimes: limit(POLICY_BOUNDS.velocityTimes).meta({
      description: 'More requests in 24 hours than so many times the daily mean of 30 days are looked at',
    }),
    amountTimesMean: limit(POLICY_BOUNDS.amountTimesMean).meta({
      description: 'More than so many times the mean of the last ten completed payouts is looked at',
    }),
  })
  .meta({ id: 'RiskPolicyChange' });

export type PolicyInput = z.output<typeof policyInput>;

export function changedPolicy(policy: RiskPolicy, { amountLimit, ...numbers }: PolicyInput): RiskPolicy {
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  return { ...policy, ...given, amountLimitMinor: withoutNulls({ ...policy.amountLimitMinor, ...amountLimit }) };
}

export function presentPolicy({ amountLimitMinor, ...numbers }: RiskPolicy) {
  return { amountLimit: inMajor(amountLimitMinor), ...numbers };
}

/** As stored, with its place and its maker. */
export interface StoredPolicy {
  /** '' is the installation's. */
  readonly merchantId: string;
  readonly version: number;
  readonly rules: RiskPolicy;
  /** null: it came with the program. */
  readonly made: { readonly by: string; readonly at: Date } | null;
}

/** The newest of the merchant's own, else of the installation's, else the one that is built in. `merchantId` '' is the installation. */
export async function policyFor(db: Prisma.TransactionClient, merchantId: string): Promise<StoredPolicy> {
  const row = await db.riskPolicy.findFirst({
    where: { merchantId: { in: ['', merchantId] } },
    orderBy: [{ merchantId: 'desc' }, { version: 'desc' }], // a merchant's id sorts behind ''
  });
  if (!row) return { ...BUILT_IN_POLICY, made: null };
  const { version, policy, createdBy, createdAt } = row;
  return { merchantId: row.merchantId, version, rules: policy as unknown as RiskPolicy, made: { by: createdBy, at: createdAt } };
}
