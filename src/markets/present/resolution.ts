/** A resolution, in the words of the API. */
import { formatMajor } from '../../rules/money.ts';
import type { ResolutionState } from '../rules/machine.ts';
import type { PlanRecord, ResolutionRecord } from '../rules/market.ts';

export const RESOLUTION_STATUSES = [
  'in_review', 'rejected', 'dispute_window', 'disputed', 'waiting_for_funds', 'paying', 'completed', 'rolling_back',
  'rolled_back', 'failed',
] as const; // biome-ignore format: a list
export type ResolutionStatus = (typeof RESOLUTION_STATUSES)[number];

export const RESOLUTION_STATUS: Readonly<Record<ResolutionState, ResolutionStatus>> = {
  IN_REVIEW: 'in_review',
  REJECTED: 'rejected',
  DISPUTE_WINDOW: 'dispute_window',
  DISPUTED: 'disputed',
  PLANNING: 'paying',
  PLANNING_STOPPED: 'failed',
  WAITING_FOR_FUNDS: 'waiting_for_funds',
  PAYING: 'paying',
  PAYING_STOPPED: 'failed',
  COMPLETED: 'completed',
  ROLLING_BACK: 'rolling_back',
  ROLLING_BACK_STOPPED: 'failed',
  ROLLED_BACK: 'rolled_back',
};

/** `missing`: only while it is what the resolution waits for. */
export function presentResolution(resolution: ResolutionRecord) {
  const { id, marketId, run, state, outcome, currency, plan, reason, windowUntil, needsOperator } = resolution;
  const { evidence, planHash, createdAt, updatedAt, endedAt } = resolution;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    id,
    object: 'resolution' as const,
    marketId,
    run,
    status: RESOLUTION_STATUS[state],
    outcome,
    evidence,
    currency,
    progress: {
      paidUsers: resolution.paidUsers,
      users: plan?.users ?? null,
      amount: major(resolution.paidMinor),
      rolledBackUsers: resolution.undoneUsers,
    },
    ...(state === 'WAITING_FOR_FUNDS' ? { missing: major(resolution.missingMinor) } : {}),
    plan: plan && presentPlan(plan, currency),
    planHash,
    disputableUntil: windowUntil,
    reason,
    needsOperator,
    livemode: resolution.mode === 'live',
    createdAt,
    updatedAt,
    endedAt,
  };
}

/** What a resolution pays, or would. */
export function presentPlan(plan: PlanRecord, currency: string) {
  const { kind, users, winners, leftOverMinor } = plan;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    kind,
    pool: major(plan.poolMinor),
    fees: { total: major(plan.feeTotalMinor), house: major(plan.houseFeeMinor), creator: major(plan.creatorFeeMinor) },
    net: major(plan.netMinor),
    winningStake: major(plan.winStakeMinor),
    users,
    winners,
    losers: kind === 'refund' ? 0 : users - winners, // nobody loses where everybody gets the stakes back
    rounding: { method: 'largest_remainder' as const, leftOver: major(leftOverMinor) },
  };
}
