/** A payout as merchants see it: in answers, events and webhooks alike (api.md §2). */

import { formatMajor } from '../../rules/money.ts';
import type { PayoutRecord } from '../rules/contract.ts';
import { PUBLIC_STATUS, type PublicStatus, waitingOn } from '../rules/machine.ts';

export interface PublicPayout {
  readonly id: string;
  readonly object: 'payout';
  readonly status: PublicStatus;
  readonly amount: string;
  readonly fee: string;
  readonly currency: string;
  readonly reference: string;
  readonly destination: PayoutRecord['destination'];
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly attempts: number;
  readonly psp: { readonly name: string; readonly reference: string | null };
  readonly review: PayoutRecord['review'];
  readonly hold: PayoutRecord['hold'];
  readonly failure: PayoutRecord['failure'];
  readonly waitingOn: string | null;
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
}

/** Every field by name: what is added to the record for our own use does not leave the house by itself. */
export function presentPayout(record: PayoutRecord): PublicPayout {
  const { review, hold, failure } = record;
  return {
    id: record.id,
    object: 'payout',
    status: PUBLIC_STATUS[record.state],
    amount: formatMajor(BigInt(record.amountMinor), record.currency),
    fee: formatMajor(BigInt(record.feeMinor), record.currency),
    currency: record.currency,
    reference: record.reference,
    destination: presentDestination(record.destination),
    description: record.description,
    metadata: record.metadata,
    attempts: record.attempt,
    psp: { name: record.psp, reference: record.pspReference },
    review: review && {
      reasons: review.reasons.map(({ code, detail }) => ({ code, detail })),
      approvals: review.approvals.map(({ adminId, decision, at }) => ({ adminId, decision, at })),
    },
    hold: hold && { reason: hold.reason, source: hold.source },
    failure: failure && { code: failure.code, message: failure.message, retryable: failure.retryable },
    waitingOn: waitingOn(record),
    livemode: record.mode === 'live',
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    completedAt: record.completedAt,
  };
}

function presentDestination(destination: PayoutRecord['destination']): PayoutRecord['destination'] {
  const { accountLast4, accountTitle } = destination;
  return destination.type === 'bank'
    ? { type: 'bank', bankCode: destination.bankCode, accountLast4, accountTitle }
    : { type: 'wallet', walletCode: destination.walletCode, accountLast4, accountTitle };
}
