/**
 * How markets are resolved and rolled back: typed callers of the SQL functions in prisma/functions/markets that decide and move
 * their money, one round trip and one transaction each. Every call may be repeated. For the markets' activities and the use
 * cases by which people decide.
 */
import type { Sql } from '../db/pool.ts';
import type { Decision, DecisionAnswer } from '../markets/rules/decision.ts';
import type { ResolutionRecord } from '../markets/rules/market.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { askBooks } from './calls.ts';

export type { Decision };

export interface ResolveRequest {
  readonly resolutionId: string;
  readonly marketId: string;
  readonly outcome: string;
  readonly evidence: string | null;
  readonly adminId: string;
  /** Of what the admin saw; null: whatever it is now. */
  readonly planHash: string | null;
}

export type ResolveAnswer =
  | { readonly outcome: 'opened' | 'already'; readonly resolution: ResolutionRecord }
  /** Another resolution is under way, or the market is resolved. */
  | { readonly outcome: 'wrong_state' }
  /** A pause holds: nothing new is begun. */
  | { readonly outcome: 'paused' }
  | { readonly outcome: 'plan_changed'; readonly planHash: string };

/** `key`: once for a resolution, whoever says it again. `via`: approvals are kept with it. */
export interface DecideRequest {
  readonly resolutionId: string;
  readonly adminId: string;
  readonly key: string;
  readonly via: 'api' | 'signal';
  readonly decision: Decision;
}

export interface DecideAnswer {
  readonly outcome: Exclude<DecisionAnswer['outcome'], 'not_allowed'>;
}

export interface DisputeRequest {
  readonly marketId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly reason: string;
}

export interface DisputeAnswer {
  /** `not_participant`: has staked nothing here. `already_disputed`: once each. `wrong_state`: no window is open, by the database's clock. */
  readonly outcome: 'disputed' | 'already' | 'not_participant' | 'already_disputed' | 'wrong_state';
}

export interface DistributionDispute {
  readonly distributionId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly reason: string;
}

export interface DistributionDisputeAnswer {
  /** `wrong_state`: it was not paid, or is being, or was, taken back. `already_disputed`: once each. */
  readonly outcome: 'disputed' | 'already' | 'already_disputed' | 'wrong_state';
}

/** By an approver who is not the resolver. `overturn`: the whole resolution is rolled back. */
export interface DistributionDecision {
  readonly distributionId: string;
  readonly adminId: string;
  readonly key: string;
  readonly via: 'api' | 'signal';
  readonly kind: 'uphold' | 'overturn';
}

/** Who gets one unit more than the floor of the exact share (src/markets/rules/shares.ts). Null: nobody. */
export interface Cut {
  readonly remainder: string;
  readonly userId: string;
}

/** `stopped`: the resolution is in another state by now; `paused`: a pause holds. In either case nothing was done. */
export interface WalkAnswer {
  readonly outcome: 'done' | 'stopped' | 'paused';
  /** How many of them could not be: written down with the reason. */
  readonly failed?: number;
  /** Who owes, and must be paid alone: new money repays first. */
  readonly apart?: readonly string[];
}

/** Freezes a market for a resolution: from its commit on no stake comes in. Key: the resolution's id. See open_resolution.sql. */
export const openResolution = (sql: Sql, request: ResolveRequest): Promise<ResolveAnswer> =>
  askBooks(sql, 'open_resolution', [JSON.stringify(request)]);

/** See decide_resolution.sql. That the admin exists and may, the caller has looked; that maker is not checker, it does. */
export const decideResolution = (sql: Sql, request: DecideRequest): Promise<DecideAnswer> =>
  askBooks(sql, 'decide_resolution', [JSON.stringify(request)]);

/** A participant's no, while the window is open: two at once, or one at its end, are decided by the row. See dispute_resolution.sql. */
export const disputeResolution = (sql: Sql, request: DisputeRequest): Promise<DisputeAnswer> =>
  askBooks(sql, 'dispute_resolution', [JSON.stringify(request)]);

/** A merchant's no, for a user, to what the user was paid. See dispute_distribution.sql. */
export const disputeDistribution = (sql: Sql, request: DistributionDispute): Promise<DistributionDisputeAnswer> =>
  askBooks(sql, 'dispute_distribution', [JSON.stringify(request)]);

/** What a person says of it: as of decideResolution. See dispute_distribution.sql. */
export const decideDistribution = (sql: Sql, request: DistributionDecision): Promise<DecideAnswer> =>
  askBooks(sql, 'decide_distribution', [JSON.stringify(request)]);

/** The next users, by id, of whom something is to be done in the resolution's state: to be paid, or undone. See pay_users.sql. */
export const usersLeft = (sql: Sql, resolutionId: string, after: string, most: number): Promise<readonly string[]> =>
  askBooks(sql, 'users_left', [resolutionId, after, most]);

/** The window is over, by the database's clock. `early`: it is not. See end_window.sql. */
export const endWindow = (sql: Sql, resolutionId: string): Promise<{ outcome: 'done' | 'early' | 'stopped' }> =>
  askBooks(sql, 'end_window', [resolutionId]);

/** What the pool lacks is covered out of the merchant's available money, as far as there is. See cover_market.sql. */
export const coverMarket = (
  sql: Sql,
  resolutionId: string,
): Promise<{ outcome: 'whole' | 'short' | 'stopped' | 'paused'; missingMinor: string }> =>
  askBooks(sql, 'cover_market', [resolutionId]);

/** Reads only, as long as it takes: the market is frozen. See plan_resolution.sql. */
export const findCut = (sql: Sql, resolutionId: string): Promise<{ cut: Cut | null; leftOverMinor: string }> =>
  askBooks(sql, 'find_cut', [resolutionId]);

/** Fixes what is paid, once. See plan_resolution.sql. */
export const planResolution = (
  sql: Sql,
  resolutionId: string,
  found: { readonly cut: Cut | null; readonly leftOverMinor: string },
): Promise<{ outcome: 'planned' | 'already' | 'stopped' }> =>
  askBooks(sql, 'plan_resolution', [resolutionId, JSON.stringify(found)]);

/** pay_users while a resolution is being paid, unpay_users while it is rolled back: these users, all of them in one transaction. */
export const walkUsers = (
  sql: Sql,
  step: 'pay_users' | 'unpay_users',
  resolutionId: string,
  userIds: readonly string[],
): Promise<WalkAnswer> => askBooks(sql, step, [resolutionId, userIds]);

/** One who could be neither paid nor undone for a reason that no function knows: operators are told, and the others go on. */
export const failUser = (sql: Sql, resolutionId: string, userId: string, reason: string): Promise<unknown> =>
  askBooks(sql, 'fail_distribution', [resolutionId, userId, reason]);

/** Fees are booked, the market is resolved. `more`: users are left; `stopped`: somebody failed, and an operator must look. See end_paying.sql. */
export const endPaying = (
  sql: Sql,
  resolutionId: string,
  verification: object,
): Promise<{ outcome: 'completed' | 'stopped' | 'paused' | 'more' | 'elsewhere' }> =>
  askBooks(sql, 'end_paying', [resolutionId, JSON.stringify(verification)]);

/** Fees are taken back, the market can be resolved again. See end_rollback.sql. */
export const endRollback = (
  sql: Sql,
  resolutionId: string,
): Promise<{ outcome: 'rolled_back' | 'stopped' | 'paused' | 'more' | 'elsewhere' }> =>
  askBooks(sql, 'end_rollback', [resolutionId]);

/** It cannot go on by itself: an operator is told why. `elsewhere`: nobody is being paid or undone. See end_paying.sql. */
export const stopResolution = (sql: Sql, resolutionId: string, reason: string): Promise<{ outcome: 'stopped' | 'elsewhere' }> =>
  askBooks(sql, 'stop_resolution', [resolutionId, reason]);
