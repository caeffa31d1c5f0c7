/** Which provider payouts a person must look at, and why: facts × policy → verdict. Nothing here asks anybody or reads a clock. */
import { divFloor, formatMajor } from '../../rules/money.ts';
import type { RiskPolicy } from './policy.ts';

/**
 * What is known of a provider at one moment, read by SQL `risk_facts` in the transaction that reserves. Independent of
 * any policy, so that other limits can be tried on the same facts later.
 */
export interface RiskFacts {
  /** The moment: every window ends here. */
  readonly at: string;
  readonly amountMinor: string;
  readonly currency: string;
  readonly verified: boolean;
  readonly completedPayouts: number;
  /** When payouts failed or came back, newest first: at most FAILURES_KEPT, none older than FAILURE_HISTORY_DAYS. */
  readonly failedAt: readonly string[];
  /** When the bank account that is paid to took another's place; null: it is the first. */
  readonly bankChangedAt: string | null;
  /** This request counts too. */
  readonly requestsLast24h: number;
  readonly requestsLast30d: number;
  /** Of up to ten, the newest, in this currency. */
  readonly lastCompleted: { readonly count: number; readonly sumMinor: string };
}

export interface RiskReason {
  readonly code: RiskCode;
  readonly detail: string;
  readonly value: string | number | boolean;
  /** The value that would have passed. */
  readonly limit: string | number | boolean;
}

export interface RiskVerdict {
  readonly decision: 'APPROVE' | 'REVIEW';
  readonly reasons: readonly RiskReason[];
}

/** What a payout keeps of its assessment (`payouts.risk`). */
export interface RiskRecord {
  readonly policyVersion: number;
  readonly policyMerchantId: string;
  readonly facts: RiskFacts;
  readonly verdict: RiskVerdict;
}

export type RiskCode =
  | 'amount_over_limit'
  | 'provider_unverified'
  | 'too_few_successes'
  | 'recent_failures'
  | 'bank_details_changed'
  | 'velocity_spike';

type Finding = Omit<RiskReason, 'code'>;
interface RiskRule {
  readonly code: RiskCode;
  /** What an approver reads, or undefined where the rule lets the payout pass. */
  readonly finds: (facts: RiskFacts, policy: RiskPolicy) => Finding | undefined;
}

const DAY_MS = 86_400_000;
const DAYS_OF_MEAN = 30;

/**
 * | code | asks for a review when |
 * |---|---|
 * | `amount_over_limit` | the amount is more than the currency's limit |
 * | `provider_unverified` | the provider is not verified |
 * | `too_few_successes` | fewer payouts were completed than asked for |
 * | `recent_failures` | more payouts failed within the window than allowed |
 * | `bank_details_changed` | the bank details changed less than so many days ago |
 * | `velocity_spike` | enough requests in 24 hours, and more than so many times the daily mean of 30 days |
 * | `velocity_spike` | the amount is more than so many times the mean of the last ten completed; before the first, never |
 */
const RULES: readonly RiskRule[] = [
  { code: 'amount_over_limit', finds: amountOverLimit },
  { code: 'provider_unverified', finds: unverified },
  { code: 'too_few_successes', finds: tooFewSuccesses },
  { code: 'recent_failures', finds: recentFailures },
  { code: 'bank_details_changed', finds: bankDetailsChanged },
  { code: 'velocity_spike', finds: manyRequests },
  { code: 'velocity_spike', finds: unusualAmount },
];

/** Every rule is asked, and every reason told: one who repairs the first must not run into the second. */
export function assess(facts: RiskFacts, policy: RiskPolicy): RiskVerdict {
  const reasons = RULES.flatMap(({ code, finds }) => {
    const found = finds(facts, policy);
    return found === undefined ? [] : [{ code, ...found }];
  });
  return { decision: reasons.length === 0 ? 'APPROVE' : 'REVIEW', reasons };
}

function amountOverLimit({ amountMinor, currency }: RiskFacts, { amountLimitMinor }: RiskPolicy): Finding | undefined {
  const limitMinor = amountLimitMinor[currency];
  if (limitMinor === undefined || BigInt(amountMinor) <= BigInt(limitMinor)) return undefined;
  const [value, limit] = [major(BigInt(amountMinor), currency), major(BigInt(limitMinor), currency)];
  return { detail: `${value} ${currency} is more than the limit of ${limit} ${currency}`, value, limit };
}

function unverified({ verified }: RiskFacts): Finding | undefined {
  return verified ? undefined : { detail: 'the provider is not verified', value: false, limit: true };
}

function tooFewSuccesses({ completedPayouts: value }: RiskFacts, { minSuccesses: limit }: RiskPolicy): Finding | undefined {
  if (value >= limit) return undefined;
  return { detail: `${value} payouts were completed, fewer than ${limit}`, value, limit };
}

function recentFailures(
  { at, failedAt }: RiskFacts,
  { failureWindowDays, maxRecentFailures: limit }: RiskPolicy,
): Finding | undefined {
  const value = failedAt.filter((time) => isWithin(time, at, failureWindowDays)).length;
  if (value <= limit) return undefined;
  return { detail: `${value} payouts failed in the last ${failureWindowDays} days, more than ${limit}`, value, limit };
}

function bankDetailsChanged({ at, bankChangedAt }: RiskFacts, { bankChangeDays: limit }: RiskPolicy): Finding | undefined {
  if (bankChangedAt === null || !isWithin(bankChangedAt, at, limit)) return undefined;
  const value = Math.floor((Date.parse(at) - Date.parse(bankChangedAt)) / DAY_MS);
  return { detail: `the bank details changed on ${bankChangedAt}, less than ${limit} days before`, value, limit };
}

function manyRequests(facts: RiskFacts, { velocityMinRequests, velocityTimes }: RiskPolicy): Finding | undefined {
  const { requestsLast24h: value, requestsLast30d } = facts;
  if (value < velocityMinRequests || value * DAYS_OF_MEAN <= velocityTimes * requestsLast30d) return undefined;
  // A whole number is more than the mean's multiple exactly when it is more than that rounded down.
  const limit = Math.max(velocityMinRequests - 1, Math.floor((velocityTimes * requestsLast30d) / DAYS_OF_MEAN));
  const mean = `${velocityTimes} times the daily mean of ${DAYS_OF_MEAN} days`;
  return { detail: `${value} requests in 24 hours, more than ${mean} (${requestsLast30d} requests)`, value, limit };
}

function unusualAmount(
  { amountMinor, currency, lastCompleted }: RiskFacts,
  { amountTimesMean }: RiskPolicy,
): Finding | undefined {
  const count = BigInt(lastCompleted.count);
  const allowed = BigInt(amountTimesMean) * BigInt(lastCompleted.sumMinor);
  if (count === 0n || BigInt(amountMinor) * count <= allowed) return undefined;
  const [value, limit] = [major(BigInt(amountMinor), currency), major(divFloor(allowed, count), currency)];
  const mean = `${amountTimesMean} times the mean of the last ${count} completed`;
  return { detail: `${value} ${currency} is more than ${mean} (${limit} ${currency})`, value, limit };
}

/** Less than so many days before: what happened exactly then is over. */
const isWithin = (time: string, at: string, days: number): boolean => Date.parse(at) - Date.parse(time) < days * DAY_MS;

const major = (minor: bigint, currency: string): string => formatMajor(minor, currency);
