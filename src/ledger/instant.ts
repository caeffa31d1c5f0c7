/**
 * How withdrawals, their slices and the payins that pay them go on: typed callers of the SQL functions in prisma/functions/instant,
 * one round trip and one transaction each. Every call may be repeated: the same key finds what it did. For the flow's use cases
 * and activities alone.
 */
import type { Sql } from '../db/pool.ts';
import type { InstantPolicy, OnUnfilled } from '../instant/rules/policy.ts';
import type { BatchRecord, InstantPayoutRecord, Payee, PayinRecord } from '../instant/rules/records.ts';
import type { Rail } from '../instant/rules/utr.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { askBooks } from './calls.ts';

export interface OpeningRequest {
  readonly instantPayoutId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly reference: string;
  readonly payee: Payee;
  /** In their order; together the amount. */
  readonly batches: readonly { readonly batchId: string; readonly amountMinor: string }[];
  readonly policy: InstantPolicy;
  readonly onUnfilled: OnUnfilled;
  readonly callbackUrl: string | null;
}

interface Whole {
  readonly instantPayout: InstantPayoutRecord;
  readonly batches: readonly BatchRecord[];
}

export type OpeningAnswer =
  | ({ readonly outcome: 'opened' | 'already' } & Whole)
  | { readonly outcome: 'paused' | 'user_frozen' | 'insufficient_balance' | 'duplicate_reference' };

export interface PayinRequest {
  readonly payinId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly reference: string;
  readonly callbackUrl: string | null;
  /** A named slice sets amount and currency. */
  readonly wanted:
    | { readonly batchId: string }
    | { readonly amountMinor: string; readonly currency: string; readonly waitMs: number };
}

export type PayinAnswer =
  | { readonly outcome: 'opened' | 'already'; readonly payin: PayinRecord }
  | { readonly outcome: 'not_found' | 'paused' | 'own_batch' | 'batch_taken' | 'user_frozen' | 'duplicate_reference' }
  | { readonly outcome: 'payer_busy'; readonly payinId: string }
  | { readonly outcome: 'cooling_down'; readonly until: string };

export interface MatchedPayin {
  readonly outcome: 'matched' | 'waiting' | 'settled';
  readonly payin: PayinRecord;
}

export type MatchedBatch =
  | { readonly outcome: 'matched'; readonly batch: BatchRecord; readonly payinId: string }
  | { readonly outcome: 'free' | 'settled'; readonly batch: BatchRecord };

export interface ProofRequest {
  readonly batchId: string;
  readonly payinId: string;
  /** As normalised, and the rail it is of (src/instant/rules/utr.ts). */
  readonly utr: string;
  readonly rail: Rail;
  /** SHA-256 of the image as it is kept, and 64 bits of what it looks like, both in hex. */
  readonly imageHash: string;
  readonly imageLook: string;
  readonly imageType: string;
  /** In how few of them two images look alike. */
  readonly lookAlikeBits: number;
  readonly actor: string;
}

export type ProofAnswer =
  | { readonly outcome: 'not_assigned' | 'utr_used' }
  | {
      readonly outcome: 'already' | 'proof_exists' | 'late' | 'in_review' | 'verified' | 'credited' | 'confirmed';
      readonly batch: BatchRecord;
      readonly payin: PayinRecord;
    };

/** Why money cannot be moved now; nothing was written, and the same may be asked later. */
export type NotNow = 'payee_frozen' | 'balance_limit';

interface OfBatch {
  readonly batch: BatchRecord;
  readonly instantPayout: InstantPayoutRecord;
}

type BatchAnswer<Outcome extends string> =
  | { readonly outcome: 'not_found' }
  | ({ readonly outcome: Outcome | 'already' | 'wrong_state' } & OfBatch);

export type ConfirmAnswer = BatchAnswer<'confirmed' | NotNow>;
export type DisputeAnswer = BatchAnswer<'disputed'>;
export type DecisionAnswer = BatchAnswer<'approved' | 'rejected' | 'bank_matched' | NotNow>;

export interface BatchDecision {
  readonly batchId: string;
  readonly decision: 'approve' | 'reject';
  /** Of a rejection: whoever says it knows that the payee's bank has the very payment. */
  readonly isAgainstBank: boolean;
  readonly note: string | null;
  readonly actor: string;
}

export type ReassignAnswer =
  | { readonly outcome: 'not_found' | 'stale' }
  | ({ readonly outcome: 'reassigned' | 'unfilled' } & OfBatch);

/** Too early: the deadline that stands in the books. */
interface Early {
  readonly outcome: 'early';
  readonly until: string;
}

export type LapsedAssignment = Early | Exclude<ReassignAnswer, { outcome: 'not_found' }>;
export type LapsedConfirmation =
  | Early
  | { readonly outcome: 'stale' }
  | ({ readonly outcome: 'confirmed' | 'in_review' | NotNow } & OfBatch);
export type LapsedPayin = Early | { readonly outcome: 'settled' | 'expired'; readonly payin: PayinRecord };

export interface BankCreditRequest {
  readonly bankCreditId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly utr: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly creditedAt: string;
}

export type BankCreditAnswer =
  | { readonly outcome: 'duplicate'; readonly bankCreditId: string; readonly batchId: string | null }
  | { readonly outcome: 'waiting'; readonly bankCreditId: string }
  | ({ readonly outcome: 'matched' | 'differs'; readonly bankCreditId: string } & OfBatch);

export interface LateDecision {
  readonly payinId: string;
  readonly decision: 'credit' | 'refund' | 'reject';
  readonly isAgainstBank: boolean;
  readonly note: string | null;
  readonly actor: string;
}

export type LateAnswer =
  | { readonly outcome: 'not_found' }
  | {
      readonly outcome: 'decided' | 'already' | 'wrong_state' | 'bank_matched' | NotNow;
      readonly batch: BatchRecord;
      readonly payin: PayinRecord;
    };

export interface BankCreditDecision {
  readonly bankCreditId: string;
  readonly note: string;
  readonly actor: string;
}

export interface BankCreditDecided {
  readonly outcome: 'not_found' | 'already' | 'wrong_state' | 'decided';
}

export interface ClosingRequest {
  readonly instantPayoutId: string;
  readonly reason: 'cancelled' | 'unfilled';
  readonly actor: string;
}

export type ClosingAnswer =
  | { readonly outcome: 'not_found' }
  | ({ readonly outcome: 'closed' | 'already' | 'over' | 'handing_over' } & Whole);

export type RestAnswer =
  | { readonly outcome: 'over'; readonly instantPayout: InstantPayoutRecord }
  | { readonly outcome: 'waiting' | 'user_frozen' }
  | {
      readonly outcome: 'hand_over';
      readonly instantPayout: InstantPayoutRecord;
      readonly payoutId: string;
      readonly amountMinor: string;
    };

export type GivenBack =
  | { readonly outcome: 'wrong_state' }
  | { readonly outcome: 'over' | 'given_back'; readonly instantPayout: InstantPayoutRecord };

export type ValidatorAnswer =
  | { readonly outcome: 'assigned'; readonly validatorId: string; readonly until: string }
  | { readonly outcome: 'none' | 'not_needed' };

/** A withdrawal, whole and in slices. @throws if the user is not this merchant's in this mode: whoever calls has looked. */
export const openInstantPayout = (sql: Sql, request: OpeningRequest): Promise<OpeningAnswer> =>
  call(sql, 'open_instant_payout', JSON.stringify(request));

/** A deposit: with a named slice, or one that is free, or one that comes. @throws if the user is not this merchant's in this mode. */
export const openPayin = (sql: Sql, { wanted, ...request }: PayinRequest): Promise<PayinAnswer> =>
  call(sql, 'open_payin', JSON.stringify({ waitMs: 0, ...request, ...wanted }));

/** @throws if there is no such payin. */
export const matchPayin = (sql: Sql, payinId: string): Promise<MatchedPayin> => call(sql, 'match_payin', payinId);
/** @throws if there is no such batch, as those below that take an id. */
export const matchBatch = (sql: Sql, batchId: string): Promise<MatchedBatch> => call(sql, 'match_batch', batchId);

export const submitProof = (sql: Sql, request: ProofRequest): Promise<ProofAnswer> =>
  call(sql, 'submit_proof', JSON.stringify(request));

/** The payee has the money. */
export const confirmBatch = (sql: Sql, request: { readonly batchId: string; readonly actor: string }): Promise<ConfirmAnswer> =>
  call(sql, 'confirm_batch', JSON.stringify(request));

/** The payee has not. */
export const disputeBatch = (
  sql: Sql,
  request: { readonly batchId: string; readonly reason: string; readonly actor: string },
): Promise<DisputeAnswer> => call(sql, 'dispute_batch', JSON.stringify(request));

/** An operator's last word on a slice, disputed or not. */
export const decideBatch = (sql: Sql, request: BatchDecision): Promise<DecisionAnswer> =>
  call(sql, 'decide_batch', JSON.stringify(request));

export const reassignBatch = (
  sql: Sql,
  request: { readonly batchId: string; readonly epoch: number; readonly actor: string },
): Promise<ReassignAnswer> => call(sql, 'reassign_batch', JSON.stringify(request));

export const lapseAssignment = (sql: Sql, batchId: string, epoch: number): Promise<LapsedAssignment> =>
  call(sql, 'lapse_assignment', batchId, epoch);
export const lapseConfirmation = (sql: Sql, batchId: string): Promise<LapsedConfirmation> =>
  call(sql, 'lapse_confirmation', batchId);
/** Its workflow has seen that nothing is to come of it any more. */
export const seeBatchOver = (sql: Sql, batchId: string): Promise<void> => call(sql, 'see_batch_over', batchId);
export const seeInstantPayoutOver = (sql: Sql, id: string): Promise<void> => call(sql, 'see_instant_payout_over', id);
export const lapsePayin = (sql: Sql, payinId: string): Promise<LapsedPayin> => call(sql, 'lapse_payin', payinId);

/** What the payee's bank says, by the payee's merchant. */
export const recordBankCredit = (sql: Sql, request: BankCreditRequest): Promise<BankCreditAnswer> =>
  call(sql, 'record_bank_credit', JSON.stringify(request));

/** An operator has looked at what a bank told and fits nothing. */
export const decideBankCredit = (sql: Sql, request: BankCreditDecision): Promise<BankCreditDecided> =>
  call(sql, 'decide_bank_credit', JSON.stringify(request));

export const decideLateProof = (sql: Sql, request: LateDecision): Promise<LateAnswer> =>
  call(sql, 'decide_late_proof', JSON.stringify(request));

export const closeInstantPayout = (sql: Sql, request: ClosingRequest): Promise<ClosingAnswer> =>
  call(sql, 'close_instant_payout', JSON.stringify(request));

/** @param newPayoutId taken for the payout of the rest if none has been allotted yet. */
export const restOfInstantPayout = (sql: Sql, instantPayoutId: string, newPayoutId: string): Promise<RestAnswer> =>
  call(sql, 'rest_of_instant_payout', instantPayoutId, newPayoutId);

/** The payout of the rest was refused for ever. */
export const giveBackRest = (sql: Sql, instantPayoutId: string): Promise<GivenBack> =>
  call(sql, 'give_back_rest', instantPayoutId);

/** Who of the operators looks at a slice that needs a person, and until when. */
export const assignValidator = (sql: Sql, batchId: string): Promise<ValidatorAnswer> => call(sql, 'assign_validator', batchId);

const call = <Answer>(sql: Sql, name: string, ...values: readonly (string | number)[]): Promise<Answer> =>
  askBooks(sql, name, values);
