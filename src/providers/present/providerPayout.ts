/** A payout as the provider who asked for it sees it, and as their platform's webhooks tell it: words and fields of its own. */

import type { PayoutRecord, ReviewReason } from '../../payouts/rules/contract.ts';
import { isBeforeItsRun, type PayoutState, waitingOn } from '../../payouts/rules/machine.ts';
import { formatMajor } from '../../rules/money.ts';

export type ProviderStatus = 'REQUESTED' | 'APPROVED' | 'PROCESSING' | 'COMPLETED' | 'FAILED' | 'REJECTED' | 'CANCELLED';

/** A payout's state, but told apart are what comes before and after its run, and what no worker has read yet. */
export type ProviderStage = PayoutState | 'RECEIVED' | 'QUEUED_BEFORE_RUN' | 'ON_HOLD_BEFORE_RUN';

/** Everything from the run to the outcome is one word: what happens with the PSP in between is not the provider's affair. */
export const PROVIDER_STATUS: Readonly<Record<ProviderStage, ProviderStatus>> = {
  RECEIVED: 'REQUESTED',
  IN_REVIEW: 'REQUESTED',
  REVIEW_ON_HOLD: 'REQUESTED',
  QUEUED_BEFORE_RUN: 'APPROVED',
  ON_HOLD_BEFORE_RUN: 'APPROVED',
  ON_HOLD: 'PROCESSING',
  QUEUED: 'PROCESSING',
  RETRY_WAIT: 'PROCESSING',
  SUBMITTING: 'PROCESSING',
  PSP_QUEUED: 'PROCESSING',
  PSP_HELD: 'PROCESSING',
  PROCESSING: 'PROCESSING',
  UNKNOWN: 'PROCESSING',
  UNRESOLVED: 'PROCESSING',
  SUCCEEDED: 'COMPLETED',
  FAILED: 'FAILED',
  REJECTED: 'REJECTED',
  CANCELLED: 'CANCELLED',
  RETURNED: 'FAILED',
};

export interface ProviderPayout {
  readonly id: string;
  readonly object: 'provider_payout';
  readonly providerId: string;
  readonly status: ProviderStatus;
  readonly amount: string;
  readonly fee: string;
  readonly currency: string;
  readonly method: string;
  readonly bankAccount: { readonly bankCode: string; readonly accountLast4: string; readonly accountName: string | null } | null;
  readonly review: {
    readonly reasons: readonly ReviewReason[];
    readonly approvals: readonly { readonly decision: string; readonly at: string }[];
  } | null;
  readonly hold: PayoutRecord['hold'];
  readonly failure: PayoutRecord['failure'];
  readonly retry: Retry | null;
  readonly waitingOn: string | null;
  readonly timelineUrl: string;
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

/** Which automatic retry is coming or was the last one made, of how many; `nextAt` while one is coming. */
interface Retry {
  readonly attempt: number;
  readonly max: number;
  readonly nextAt: string | null;
}

type Placed = Pick<PayoutRecord, 'state' | 'sequence' | 'dispatch' | 'runId'>;

export const providerStatus = (record: Placed): ProviderStatus => PROVIDER_STATUS[stageOf(record)];

function stageOf(record: Placed): ProviderStage {
  const { state, sequence } = record;
  if (state === 'QUEUED' && sequence === 0) return 'RECEIVED';
  return (state === 'QUEUED' || state === 'ON_HOLD') && isBeforeItsRun(record) ? `${state}_BEFORE_RUN` : state;
}

/** Every field by name: what is added to the record for our own use does not leave the house by itself. */
export function presentProviderPayout(record: PayoutRecord): ProviderPayout {
  const { id, review, hold } = record;
  return {
    id,
    object: 'provider_payout',
    providerId: record.owner.id,
    status: providerStatus(record),
    amount: formatMajor(BigInt(record.amountMinor), record.currency),
    fee: formatMajor(BigInt(record.feeMinor), record.currency),
    currency: record.currency,
    method: record.method ?? 'bank_transfer',
    bankAccount: bankAccountOf(record.destination),
    review: review && {
      reasons: review.reasons.map(presentReason),
      approvals: review.approvals.map(({ decision, at }) => ({ decision, at })), // who decided is the platform's affair
    },
    hold: hold && { reason: hold.reason, source: hold.source },
    failure: failureOf(record),
    retry: retryOf(record),
    waitingOn: waitingOn(record),
    timelineUrl: `/api/provider/payouts/${id}/timeline`,
    livemode: record.mode === 'live',
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    completedAt: record.completedAt,
  };
}

/** By name, so that no reason ever shows more; one without a value or a limit shows none. */
const presentReason = ({ code, detail, value, limit }: ReviewReason): ReviewReason => ({
  code,
  detail,
  ...(value === undefined ? {} : { value }),
  ...(limit === undefined ? {} : { limit }),
});

function bankAccountOf(destination: PayoutRecord['destination']): ProviderPayout['bankAccount'] {
  if (destination.type !== 'bank') return null;
  const { bankCode, accountLast4, accountTitle } = destination;
  return { bankCode, accountLast4, accountName: accountTitle };
}

/** To a provider, money that the bank sent back was not paid. */
function failureOf({ state, failure }: PayoutRecord): PayoutRecord['failure'] {
  if (state === 'RETURNED')
    return { code: 'returned', message: 'the bank sent the money back; it is available again', retryable: false };
  return failure && { code: failure.code, message: failure.message, retryable: failure.retryable };
}

function retryOf({ state, attempt, attemptsBefore, maxAttempts, nextAttemptAt }: PayoutRecord): Retry | null {
  const made = attempt - attemptsBefore;
  const max = maxAttempts - 1; // the first attempt is no retry
  if (state === 'RETRY_WAIT') return { attempt: made, max, nextAt: nextAttemptAt };
  return made > 1 ? { attempt: made - 1, max, nextAt: null } : null;
}
