/** A withdrawal, its slices and the deposits that pay them, as the books have them and as events carry them. */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { BatchState } from './batchMachine.ts';
import type { PayinState } from './payinMachine.ts';
import type { InstantPayoutState } from './payoutMachine.ts';
import type { CreditOn, OnUnfilled } from './policy.ts';
import type { PayeeType, Rail } from './utr.ts';

/** Where payers pay to: `label` is what anybody may see of it (`••6789`), `sealed` is encrypted for the assigned payer alone. */
export interface Payee {
  readonly type: PayeeType;
  readonly label: string;
  readonly sealed: string;
}

/** Why a person must look at a proof. */
export const REVIEW_REASONS = [
  /** The very image was shown before, with another UTR. */
  'same_image',
  /** One that looks like it was. */
  'similar_image',
  /** Same payee and amount, under a UTR that differs in one place. */
  'near_utr',
  /** The payee's bank says that another amount came under this UTR. */
  'amount_differs',
  /** Their money may not be moved now. */
  'payer_frozen',
  'payee_frozen',
  /** The payer has so much that no more may be booked. */
  'balance_limit',
  /** The payee has said nothing for too long, and no bank has matched it. */
  'not_confirmed',
] as const;
export type InstantReviewReason = (typeof REVIEW_REASONS)[number];

/** Of a withdrawal, right after the event's commit: paid + held + returned + handed = total. */
export interface Totals {
  readonly totalMinor: string;
  readonly paidMinor: string;
  /** What is neither paid, nor came back, nor went to a payout. */
  readonly remainingMinor: string;
}

/** What the SQL function instant_payout_record writes. */
export interface InstantPayoutRecord extends Totals {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly reference: string;
  readonly currency: string;
  readonly returnedMinor: string;
  readonly handedMinor: string;
  readonly payee: Omit<Payee, 'sealed'>;
  readonly state: InstantPayoutState;
  readonly closing: 'cancelled' | 'unfilled' | null;
  readonly onUnfilled: OnUnfilled;
  readonly creditOn: CreditOn;
  /** Once something was paid and it is over. */
  readonly receiptId: string | null;
  readonly restPayoutId: string | null;
  /** Of its paid slices, in their order. */
  readonly utrs: readonly string[];
  readonly sequence: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

/** Where a slice's money is: reserved; with the payer; back with the payee; taken back from the payer; with a payout of the rest. */
export type BatchMoney = 'held' | 'credited' | 'released' | 'reversed' | 'handed';

/** What the SQL function instant_batch_record writes. Seen by both sides: nothing of who the other is. */
export interface BatchRecord {
  readonly id: string;
  readonly instantPayoutId: string;
  readonly number: number;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: string;
  readonly state: BatchState;
  readonly money: BatchMoney;
  /** The assignment that counts; 0: none. */
  readonly epoch: number;
  readonly reassignments: number;
  readonly payinId: string | null;
  readonly payUntil: string | null;
  readonly confirmUntil: string | null;
  readonly utr: string | null;
  readonly receiptId: string | null;
  readonly review: { readonly reasons: readonly InstantReviewReason[]; readonly validatorId: string | null } | null;
  readonly totals: Totals;
  readonly sequence: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly creditedAt: string | null;
  readonly confirmedAt: string | null;
}

/** What the SQL function payin_record writes. */
export interface PayinRecord {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly reference: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly state: PayinState;
  readonly batchId: string | null;
  /** Of the assignment: which one of the batch's it is; null: it waits. */
  readonly epoch: number | null;
  readonly payUntil: string | null;
  readonly waitUntil: string;
  readonly utr: string | null;
  readonly receiptId: string | null;
  /** Of the withdrawal that it pays a slice of; null: it waits. */
  readonly totals: Totals | null;
  readonly sequence: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

export interface ProofRecord {
  readonly batchId: string;
  readonly epoch: number;
  readonly payinId: string;
  readonly rail: Rail;
  readonly utr: string;
  readonly imageHash: string;
  readonly imageType: string;
  readonly imageDeletedAt: string | null;
  readonly late: boolean;
  readonly reasons: readonly InstantReviewReason[];
  readonly submittedAt: string;
}
