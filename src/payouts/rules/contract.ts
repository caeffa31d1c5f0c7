/**
 * What the world and the `payout` workflow say to each other: input, updates, signals, queries. Shared by the
 * workflow, the API and the tests. All of it travels as JSON through Temporal, encrypted: money as minor-unit strings.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RiskRecord } from '../../risk/rules/assess.ts';
import type { FailureClass } from './failures.ts';
import type { Dispatch, PayoutKind } from './kinds.ts';
import type { FactOf, FactType, PayoutState } from './machine.ts';

export type Mode = 'test' | 'live';

/** A destination as accepted: validated, IBAN taken apart, leading zeros kept. */
export type Destination =
  | {
      readonly type: 'bank';
      readonly bankCode: string;
      readonly accountNumber: string;
      readonly iban: string | null;
      readonly accountTitle: string | null;
    }
  | {
      readonly type: 'wallet';
      readonly walletCode: string;
      readonly accountNumber: string;
      readonly accountTitle: string | null;
    };

/** What a merchant's payout costs and when a person must look at it, as they stood when the payout was asked for. */
export interface MerchantTerms {
  readonly feeBps: number;
  readonly feeFixedMinor: string;
  /** From this amount on an approver decides; null: never. */
  readonly reviewFromMinor: string | null;
}

export type { Dispatch, PayoutKind } from './kinds.ts';

/** Whose balance pays. */
export interface PayoutOwner {
  readonly kind: PayoutKind;
  readonly id: string;
}

export interface PayoutRequest {
  readonly payoutId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: string;
  readonly reference: string;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly callbackUrl: string | null;
  readonly destination: Destination;
  readonly psp: string;
  readonly makerId: string | null;
  readonly terms: MerchantTerms;
  /** Absent: a merchant's, paid from its own balance. */
  readonly kind?: PayoutKind;
  readonly owner?: PayoutOwner;
  /** Absent: now. */
  readonly dispatch?: Dispatch;
  /** How a provider asked to be paid. */
  readonly method?: string;
  /** Absent: a merchant's. */
  readonly maxAttempts?: number;
}

/** How a workflow run comes to its payout: a new one, a failed one again, or one that is under way and lost its workflow. */
export type Opening =
  | { readonly type: 'new'; readonly request: PayoutRequest }
  | {
      readonly type: 'reinitiate';
      readonly payoutId: string;
      readonly round: number;
      readonly by: string;
      /** Absent: a merchant. */
      readonly byAdmin?: true;
      /** The request that asked: a refusal (no funds now) is final for it, not for the next one. */
      readonly requestId: string;
    }
  | { readonly type: 'resume'; readonly payoutId: string; readonly round: number };

/** Waits and limits, from the configuration of whoever starts the workflow, so that a running payout keeps its own. */
export interface PayoutTimes {
  readonly reviewWindowMs: number;
  readonly retryWaitMs: number;
  readonly retryWaitMaxMs: number;
  readonly firstLookUpMs: number;
  readonly lookUpMaxMs: number;
  readonly notFoundGraceMs: number;
  readonly outcomeDeadlineMs: number;
}

export interface PayoutInput {
  readonly opening: Opening;
  readonly times: PayoutTimes;
  readonly allowSignalDecisions: boolean;
}

/** A payout's row as JSON: bigints as strings, the account number cut to its last four digits. Made by SQL `payout_record`. */
export interface PayoutRecord {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly kind: PayoutKind;
  readonly owner: PayoutOwner;
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
  readonly reference: string;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly destination:
    | { readonly type: 'bank'; readonly bankCode: string; readonly accountLast4: string; readonly accountTitle: string | null }
    | {
        readonly type: 'wallet';
        readonly walletCode: string;
        readonly accountLast4: string;
        readonly accountTitle: string | null;
      };
  readonly psp: string;
  readonly pspReference: string | null;
  readonly state: PayoutState;
  readonly round: number;
  readonly attempt: number;
  /** How many attempts do not count in this round: earlier rounds', and those for which our funds at the PSP were short. */
  readonly attemptsBefore: number;
  /** The newest attempt may still be sent again under its own key; the next send needs no new number. */
  readonly attemptOpen: boolean;
  /** The attempts by which money may still go out (books.ts). */
  readonly unproven: readonly number[];
  /** How often it was sent back after it was paid. */
  readonly returns: number;
  readonly sequence: number;
  readonly review: {
    readonly reasons: readonly ReviewReason[];
    readonly approvals: readonly { adminId: string; decision: string; at: string }[];
  } | null;
  readonly hold: { readonly reason: string; readonly source: 'psp' | 'operator' | 'risk' } | null;
  readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
  readonly needsOperator: boolean;
  /** The pause for which it was not sent, until it is. */
  readonly pausedBy: string | null;
  /** How many attempts a round may have. */
  readonly maxAttempts: number;
  readonly dispatch: Dispatch;
  /** The run that sent it on its way; null while it waits for one, or needs none. */
  readonly runId: string | null;
  readonly method: string | null;
  readonly risk: RiskRecord | null;
  /** Until when an approver may decide: set once, however often it is held meanwhile. */
  readonly reviewUntil: string | null;
  /** When the next attempt begins, while the payout waits for it. */
  readonly nextAttemptAt: string | null;
  /** When an operator is asked about the newest attempt: set when its outcome was first unknown. */
  readonly outcomeUntil: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

export interface ReviewReason {
  readonly code: string;
  readonly detail: string;
  /** What was found and what would have passed, where a rule of the risk policy asks. */
  readonly value?: string | number | boolean;
  readonly limit?: string | number | boolean;
}

/** The answer to a POST: refusals are answers, not errors (a repeat must get them again). */
export type Accepted =
  /** `sequence`: of the event that shows the payout as it was taken in. */
  { readonly outcome: 'accepted'; readonly sequence: number } | { readonly outcome: 'refused'; readonly code: RefusalCode };
export type RefusalCode = 'insufficient_balance' | 'duplicate_reference' | 'not_reinitiable' | 'user_frozen' | 'not_bookable';

/** The type of the error by which the ledger says that a call can never succeed, however often it is tried. */
export const LEDGER_REFUSED = 'LedgerRefused';

/**
 * What a payout's workflow leaves behind: for operators how it ended, for the API its first answer again. A server that
 * dies may lose an update that it had not written down yet, and the payout may end before the client asks again.
 */
export interface PayoutResult {
  readonly endedAs: PayoutState | 'REFUSED';
  readonly accepted: Accepted;
}

/** What a person may ask of a payout. */
export type Command =
  | { readonly type: 'approved'; readonly adminId: string; readonly note: string | null }
  | { readonly type: 'rejected'; readonly adminId: string; readonly reason: string }
  | { readonly type: 'held'; readonly adminId: string; readonly reason: string }
  | { readonly type: 'hold_lifted'; readonly adminId: string }
  | {
      readonly type: 'resolved_paid' | 'resolved_not_paid';
      readonly adminId: string;
      readonly evidence: string;
      /** The attempts that the evidence speaks of: must be named where several are unproven. */
      readonly attempts?: readonly number[];
    }
  | { readonly type: 'acknowledged'; readonly adminId: string; readonly note: string }
  | { readonly type: 'hurried' | 'look_up_asked' | 'given_up'; readonly adminId: string; readonly note: string | null }
  | { readonly type: 'routed'; readonly adminId: string; readonly psp: string; readonly note: string | null }
  | { readonly type: 'cancelled'; readonly by: string };

/** A command as it is sent: good for one update, of somebody who has seen the payout as this run knows it. */
export interface CommandOrder {
  /** The update's own id: a copy under another one is nobody's word. */
  readonly updateId: string;
  /** The number of the newest event that whoever decides had seen. */
  readonly sequence: number;
  readonly command: Command;
}

export type CommandAnswer =
  /** `sequence`: of the event that shows the payout as it was then. */
  | { readonly outcome: 'done'; readonly sequence: number }
  | { readonly outcome: 'wrong_state' | 'already_decided' | 'self_approval' | 'not_allowed' | 'attempt_alive' }
  /** The evidence must name every one of these. */
  | { readonly outcome: 'unproven_attempts'; readonly attempts: readonly number[] };

/** The signal an operator sends from the Temporal UI or CLI, as plain JSON. */
export interface Decision {
  readonly admin: string;
  readonly decision: 'approve' | 'reject';
  readonly note?: string;
}

/** What a message says of an attempt, in our words; null where it says something else. */
export type Claim = (typeof CLAIMS)[number] | null;
const CLAIMS = ['paid', 'failed', 'returned', 'queued', 'held', 'processing'] as const;

/** Whether it says that money went out, or may. */
export const saysAlive = (claim: Claim): boolean => claim !== null && claim !== 'failed' && claim !== 'returned';

export const claimOf = (word: string): Claim => CLAIMS.find((each) => each === word) ?? null;

/** "The PSP has told us something of this attempt." The claim is never acted on, only compared with what a look-up says. */
export interface PspNotice {
  readonly messageId: string;
  readonly attempt: number;
  readonly claim: Claim;
}

/** "It is your turn": a run has come to this payout. */
export interface DispatchOrder {
  readonly runId: string;
}

/** "No pause holds you back any more, as far as I know": a hint to ask the books again. */
export type LetGoOrder = Readonly<Record<string, never>>;

/** It needs nothing to be said; but what is not encrypted for this workflow is refused, and nothing at all is not. */
export type AcceptOrder = Readonly<Record<string, never>>;

export const acceptUpdate = defineUpdate<Accepted, [AcceptOrder]>('accept');
export const commandUpdate = defineUpdate<CommandAnswer, [CommandOrder]>('command');
export const decideSignal = defineSignal<[Decision]>('decide');
export const pspNoticeSignal = defineSignal<[PspNotice]>('pspNotice');
export const dispatchSignal = defineSignal<[DispatchOrder]>('dispatch');
export const letGoSignal = defineSignal<[LetGoOrder]>('letGo');
export const stateQuery = defineQuery<PayoutView>('state');

export interface PayoutView {
  readonly payoutId: string;
  readonly state: PayoutState | null;
  readonly round: number;
  readonly attempt: number;
  readonly sequence: number;
}

/** The input of `payoutFollowUp`, which takes facts that come after the payout's own workflow has ended. */
export interface FollowUpInput {
  readonly payoutId: string;
  readonly times: PayoutTimes;
}

/** PSP failure as it stands in facts and in `payouts.failure`. */
export interface FactFailure {
  readonly class: FailureClass;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The attempt that a fact is about; of a person's, the newest when they decided. */
interface About {
  readonly attempt?: number;
}

interface ByAdmin extends About {
  /** Absent: nobody's word but that of a restore (src/restore/repair.ts). */
  readonly adminId?: string;
  readonly via?: 'api' | 'signal';
  /** For operators' eyes only. */
  readonly note?: string | null;
}

interface Resolved extends ByAdmin {
  readonly evidence: string;
  /** Those that the evidence is about. */
  readonly attempts?: readonly number[];
}

/** What is said with each fact that is no PSP's. */
interface SaidWith {
  readonly approved: ByAdmin;
  readonly rejected: ByAdmin & { readonly reason?: string };
  readonly held: ByAdmin & { readonly reason: string };
  readonly hold_lifted: ByAdmin;
  readonly acknowledged: ByAdmin;
  readonly hurried: ByAdmin;
  readonly look_up_asked: ByAdmin;
  readonly given_up: ByAdmin;
  readonly routed: ByAdmin & { readonly psp: string };
  readonly resolved_paid: Resolved;
  readonly resolved_not_paid: Resolved;
  /** `by`: the merchant or provider who asked. */
  readonly cancelled: About & { readonly by?: string; readonly reason?: string };
  /** The request that asked; a refusal is final for it. Absent: a restore's. */
  readonly reinitiated: About & { readonly requestId?: string };
  readonly review_expired: About;
  readonly outcome_overdue: About;
  readonly attempt_started: About & { readonly attempt: number };
  readonly dispatched: About & { readonly runId: string };
  readonly parked: About & { readonly reason: string };
  /** `by`: the pause, and why, in the words of whoever began it: no merchant reads them. */
  readonly paused: About & { readonly by: string; readonly pauseReason: string };
}

/** What is said with any fact that a PSP is the source of. */
export interface SaidByPsp {
  readonly attempt: number;
  readonly source?: 'reply' | 'look_up' | 'callback' | 'operator';
  /** The newest event's number when it was asked; of a reply, of the event with which its request began. */
  readonly askedAt?: number;
  /** When an operator is asked, should the outcome be unknown from now on. By the workflow's clock. */
  readonly outcomeUntil?: string;
  readonly pspRef?: string;
  /** Of `paid`: what the PSP took for it. */
  readonly pspFeeMinor?: string;
  /** Of `paid`: concluded from `returned`. */
  readonly implied?: true;
  readonly reason?: string;
  readonly failure?: FactFailure;
  /** Of `failed`: nothing goes on by itself, and an operator should know. */
  readonly needsOperator?: boolean;
  /** Of `attempt_failed`: when the workflow will begin the next one. */
  readonly nextAttemptAt?: string;
  /** The PSP's message that made us look, and what it claimed. */
  readonly messageId?: string;
  readonly claim?: Claim;
}

type PspFactType = FactOf<'psp'>;
type OtherFactType = Exclude<FactType, PspFactType>;

/** A fact for the ledger's one door: every one of the machine's, with what is said with it. */
export type Fact =
  | ({ readonly type: PspFactType } & SaidByPsp)
  | { readonly [Type in OtherFactType]: { readonly type: Type } & SaidWith[Type] }[OtherFactType];

/** What the ledger's door says of a fact (prisma/functions/payouts/apply_fact.sql explains each). */
export type FactOutcome =
  | 'applied'
  | 'already'
  | 'unchanged'
  | 'ignored'
  | 'stale'
  | 'wrong_state'
  | 'self_approval'
  | 'already_decided'
  | 'unproven_attempts'
  | 'insufficient_balance'
  /** Another round of a payout of a frozen user's. */
  | 'user_frozen'
  /** Nothing new may be sent, whoever asks, while a pause holds. */
  | 'paused'
  /** By something that was sent, money may still go out. */
  | 'attempt_alive'
  /** Of a person's: the books were not even asked, because this person may not (activities/payouts/authority.ts). */
  | 'not_allowed';

export interface FactAnswer {
  readonly outcome: FactOutcome;
  readonly payout: PayoutRecord;
}
