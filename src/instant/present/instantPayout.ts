/** Withdrawals, their slices and payins as merchants, payees and payers see them: in answers, events and webhooks alike. */
import { formatMajor } from '../../rules/money.ts';
import type { BatchState } from '../rules/batchMachine.ts';
import type { PayinState } from '../rules/payinMachine.ts';
import type { InstantPayoutState } from '../rules/payoutMachine.ts';
import type { BatchRecord, InstantPayoutRecord, InstantReviewReason, PayinRecord, Totals } from '../rules/records.ts';

interface PublicTotals {
  readonly totalAmount: string;
  readonly instantPaid: string;
  readonly remaining: string;
}

const presentTotals = ({ totalMinor, paidMinor, remainingMinor }: Totals, currency: string): PublicTotals => ({
  totalAmount: formatMajor(BigInt(totalMinor), currency),
  instantPaid: formatMajor(BigInt(paidMinor), currency),
  remaining: formatMajor(BigInt(remainingMinor), currency),
});

export interface PublicInstantPayout extends PublicTotals {
  readonly id: string;
  readonly object: 'instant_payout';
  readonly status: InstantPayoutState;
  readonly walletStatus: 'lock' | 'unlock';
  readonly userId: string;
  readonly reference: string;
  readonly currency: string;
  readonly payee: { readonly type: 'upi' | 'bank'; readonly label: string };
  readonly onUnfilled: 'psp' | 'refund';
  readonly restPayoutId: string | null;
  readonly receiptId: string | null;
  readonly utrs: readonly string[];
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

/** Every field by name: what is added to the record for our own use does not leave the house by itself. */
export const presentInstantPayout = (record: InstantPayoutRecord): PublicInstantPayout => ({
  id: record.id,
  object: 'instant_payout',
  status: record.state,
  ...presentTotals(record, record.currency),
  walletStatus: record.completedAt === null ? 'lock' : 'unlock',
  userId: record.userId,
  reference: record.reference,
  currency: record.currency,
  payee: { type: record.payee.type, label: record.payee.label },
  onUnfilled: record.onUnfilled,
  restPayoutId: record.restPayoutId,
  receiptId: record.receiptId,
  utrs: record.utrs,
  livemode: record.mode === 'live',
  createdAt: record.createdAt,
  updatedAt: record.updatedAt,
  completedAt: record.completedAt,
});

export interface PublicBatch extends PublicTotals {
  readonly id: string;
  readonly object: 'instant_payout_batch';
  readonly instantPayoutId: string;
  readonly number: number;
  readonly amount: string;
  readonly currency: string;
  readonly status: BatchState;
  readonly payinId: string | null;
  readonly payUntil: string | null;
  readonly utr: string | null;
  readonly receiptId: string | null;
  readonly reassignments: number;
  readonly review: { readonly reasons: readonly InstantReviewReason[] } | null;
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly creditedAt: string | null;
  readonly confirmedAt: string | null;
}

export const presentBatch = (record: BatchRecord): PublicBatch => ({
  id: record.id,
  object: 'instant_payout_batch',
  instantPayoutId: record.instantPayoutId,
  number: record.number,
  amount: formatMajor(BigInt(record.amountMinor), record.currency),
  currency: record.currency,
  status: record.state,
  ...presentTotals(record.totals, record.currency),
  payinId: record.payinId,
  payUntil: record.payUntil,
  utr: record.utr,
  receiptId: record.receiptId,
  reassignments: record.reassignments,
  review: record.review && { reasons: record.review.reasons },
  livemode: record.mode === 'live',
  createdAt: record.createdAt,
  updatedAt: record.updatedAt,
  creditedAt: record.creditedAt,
  confirmedAt: record.confirmedAt,
});

/** For the merchant of this payin alone: whoever else has the slice, and what that one has shown, is not its affair. */
export const presentBatchTo = (payinId: string, record: BatchRecord): PublicBatch =>
  presentBatch(
    record.payinId === payinId
      ? record
      : {
          ...record,
          payinId: null,
          payUntil: null,
          utr: null,
          receiptId: null,
          review: null,
          creditedAt: null,
          confirmedAt: null,
        },
  );

/** What a payin's callback says, once for each. */
const PAYIN_STATUS: Readonly<Record<PayinState, string>> = {
  waiting: 'waiting',
  assigned: 'assigned',
  proof_submitted: 'proof_submitted',
  completed: 'success',
  failed: 'failed',
  expired: 'expired',
  late_proof: 'late_proof',
  reversed: 'reversed',
};

export interface PublicPayin {
  readonly id: string;
  readonly object: 'payin';
  readonly status: string;
  readonly userId: string;
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly batchId: string | null;
  readonly payUntil: string | null;
  readonly waitUntil: string;
  readonly utr: string | null;
  readonly receiptId: string | null;
  readonly instantPayout: PublicTotals | null;
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

export const presentPayin = (record: PayinRecord): PublicPayin => ({
  id: record.id,
  object: 'payin',
  status: PAYIN_STATUS[record.state],
  userId: record.userId,
  reference: record.reference,
  amount: formatMajor(BigInt(record.amountMinor), record.currency),
  currency: record.currency,
  batchId: record.batchId,
  payUntil: record.payUntil,
  waitUntil: record.waitUntil,
  utr: record.utr,
  receiptId: record.receiptId,
  instantPayout: record.totals && presentTotals(record.totals, record.currency),
  livemode: record.mode === 'live',
  createdAt: record.createdAt,
  updatedAt: record.updatedAt,
  completedAt: record.completedAt,
});

/** What a payin's callback is told at each of its ends, once for each. */
export function presentPayinCallback(record: PayinRecord) {
  const { id, reference, batchId, amount, currency, utr, receiptId, status } = presentPayin(record);
  return { id, object: 'payin' as const, reference, batchId, amount, currency, utr, receiptId, status };
}

/** Every final state unlocks the wallet, not only success. */
const ENDS: Readonly<Record<InstantPayoutState, 'success' | 'partial' | 'cancelled' | null>> = {
  open: null,
  partially_paid: null,
  disputed: null,
  completed: 'success',
  partially_completed: 'partial',
  cancelled: 'cancelled',
};

/** What a withdrawal's callback is told at its end, once. */
export function presentPayoutCallback(record: InstantPayoutRecord) {
  const { id, reference, totalAmount, currency, instantPaid, walletStatus, receiptId, utrs } = presentInstantPayout(record);
  const status = ENDS[record.state];
  return {
    id,
    object: 'instant_payout' as const,
    reference,
    amount: totalAmount,
    currency,
    instantPaid,
    status,
    walletStatus,
    receiptId,
    utrs,
  };
}
