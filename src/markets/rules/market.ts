/** Markets, commitments, resolutions and distributions, as the books have them and events carry them. */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { BalanceRecord, UserRecord } from '../../users/rules/user.ts';
import type { MarketState, ResolutionState } from './machine.ts';

export const MARKET_TYPES = ['binary', 'multi'] as const;
export type MarketType = (typeof MARKET_TYPES)[number];

/** What the fees are taken of: what was staked on what did not win, or everything. */
export const FEE_BASES = ['losing_pool', 'gross'] as const;
export type FeeBase = (typeof FEE_BASES)[number];

/** The outcome by which everybody gets the stakes back. No option may be called so. */
export const VOID = 'void';

/** The options of a binary market, which are its positions, too. */
export const POSITIONS = ['yes', 'no'] as const;
export type Position = (typeof POSITIONS)[number];

/** What the SQL function market_record writes. */
export interface MarketRecord {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly type: MarketType;
  readonly title: string;
  readonly currency: string;
  readonly state: MarketState;
  readonly creatorUserId: string | null;
  readonly houseFeeBps: number;
  readonly creatorFeeBps: number;
  readonly feeBase: FeeBase;
  readonly closesAt: string | null;
  readonly disputeWindowMs: string;
  readonly commitments: number;
  readonly participants: number;
  readonly stakedMinor: string;
  readonly missingMinor: string;
  readonly run: number;
  readonly options: readonly OptionRecord[];
  readonly sequence: number;
  readonly createdAt: string;
}

/** In the order they were given in. */
export interface OptionRecord {
  readonly id: string;
  readonly title: string;
  readonly stakedMinor: string;
  readonly commitments: number;
  readonly participants: number;
}

/** What the SQL function commitment_record writes. `state` and `payoutMinor` follow from the market's resolution. */
export interface CommitmentRecord {
  readonly id: string;
  readonly marketId: string;
  readonly userId: string;
  readonly optionId: string;
  readonly position: Position | null;
  readonly amountMinor: string;
  readonly currency: string;
  readonly state: 'placed' | 'won' | 'lost' | 'refunded';
  /** Null: it has not been paid, and may never be. */
  readonly payoutMinor: string | null;
  readonly balanceAfterMinor: string;
  readonly balanceVersion: number;
  readonly at: string;
}

/** What a resolution pays, fixed when it is planned: pool = net + house's fee + creator's fee. */
export interface PlanRecord {
  /** By the shares of those who were right, or every stake back: void, or nobody was right. */
  readonly kind: 'shares' | 'refund';
  readonly poolMinor: string;
  readonly feeTotalMinor: string;
  readonly creatorFeeMinor: string;
  readonly houseFeeMinor: string;
  readonly netMinor: string;
  readonly winStakeMinor: string;
  readonly users: number;
  readonly winners: number;
  /** What the floors left over: so many users get one unit more. */
  readonly leftOverMinor: string;
}

/** What the SQL function resolution_record writes. */
export interface ResolutionRecord {
  readonly id: string;
  readonly marketId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly run: number;
  readonly state: ResolutionState;
  readonly outcome: string;
  readonly evidence: string | null;
  readonly resolvedBy: string;
  readonly round: number;
  readonly planHash: string;
  readonly windowUntil: string | null;
  readonly plan: PlanRecord | null;
  readonly paidUsers: number;
  readonly paidMinor: string;
  readonly undoneUsers: number;
  /** What they had been paid. */
  readonly undoneMinor: string;
  /** Of the market, as it is now. */
  readonly missingMinor: string;
  readonly reason: string | null;
  readonly rolledBackBy: string | null;
  readonly needsOperator: boolean;
  readonly sequence: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
}

export const DISTRIBUTION_STATES = ['completed', 'disputed', 'failed', 'rolled_back'] as const;
export type DistributionState = (typeof DISTRIBUTION_STATES)[number];

/** Why a user could not be paid, or what was paid not be taken back. */
export const DISTRIBUTION_FAILURES = ['user_frozen', 'balance_limit', 'internal_error'] as const;
export type DistributionFailure = (typeof DISTRIBUTION_FAILURES)[number];

/** What the SQL function distribution_record writes: the row, without the commitments that it is made of. */
export interface DistributionRecord {
  readonly id: string;
  readonly marketId: string;
  readonly resolutionId: string;
  readonly userId: string;
  readonly currency: string;
  readonly payoutMinor: string;
  readonly stakeWonMinor: string;
  readonly stakeLostMinor: string;
  readonly remainder: string;
  readonly roundedUp: boolean;
  readonly state: DistributionState;
  readonly failure: DistributionFailure | null;
  readonly disputeReason: string | null;
  readonly processedAt: string;
  readonly rolledBackAt: string | null;
}

/** What a user's own event shows of it, with the balance of that very commit. */
export interface DistributionEventRecord extends UserRecord {
  readonly distribution: DistributionRecord;
  readonly balance: BalanceRecord;
}
