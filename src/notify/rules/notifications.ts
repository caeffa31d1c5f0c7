/** What people are told, and when a channel that failed is tried again. */
import type { Mode, ReviewReason } from '../../payouts/rules/contract.ts';
import type { FailureClass } from '../../payouts/rules/failures.ts';

/** Of a provider's payout. The same names stand in SQL `notices_of`, which says who is told. */
export type PayoutNoticeKind =
  | 'payout_completed'
  | 'payout_failed'
  | 'payout_returned'
  | 'review_needed'
  | 'retries_exhausted'
  | 'psp_funds_short';

export type NotificationKind = Notice['kind'];

export type Channel = 'email' | 'push';

/** `failed`: given up. */
export type NotificationState = 'pending' | 'sent' | 'failed';

/** What the texts are made of, as it was when it happened. Made by SQL `notify_event`. */
export interface PayoutNoticeData {
  readonly recipientName: string;
  readonly providerName: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
  readonly currency: string;
  readonly bank: string;
  readonly accountLast4: string;
  readonly psp: string;
  /** Made in this round. */
  readonly attempts: number;
  /** Without a class where a person or a clock ended it. */
  readonly failure: { readonly class?: FailureClass; readonly code: string; readonly message: string } | null;
  readonly reason: string | null;
  readonly reviewReasons: readonly ReviewReason[];
}

/** Made by SQL `tell_endpoint_disabled`. */
export interface EndpointNoticeData {
  readonly recipientName: string;
  readonly url: string;
  /** ISO; null: nobody knows. */
  readonly failingSince: string | null;
  /** Deliveries; beyond ten thousand it says ten thousand and one. */
  readonly waiting: number;
}

export interface PayoutNotice {
  readonly kind: PayoutNoticeKind;
  readonly mode: Mode;
  readonly payoutId: string;
  readonly data: PayoutNoticeData;
}

export interface EndpointNotice {
  readonly kind: 'endpoint_disabled';
  readonly mode: Mode;
  readonly endpointId: string;
  readonly data: EndpointNoticeData;
}

/** One thing to tell one person. */
export type Notice = PayoutNotice | EndpointNotice;

const FIRST_WAIT_MS = 5_000; // a restart of a mail server takes seconds
const WAIT_TIMES = 3;
const WAIT_MAX_MS = 4 * 3_600_000; // a server that comes back in the night has several tries before the day is over

/** From when it was made: what a mail server did not take in a day it will not; after that it is no news either. */
export const GIVEN_UP_AFTER_MS = 24 * 3_600_000;

/** How long to wait after the n-th try (from 1) came to nothing: 5 s, 15 s, 45 s, … up to four hours. */
export function waitAfter(tries: number): number {
  const times = Math.min(Math.max(tries, 1) - 1, 20); // beyond the longest wait already: more would only overflow
  return Math.min(FIRST_WAIT_MS * WAIT_TIMES ** times, WAIT_MAX_MS);
}
