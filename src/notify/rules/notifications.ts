/** What people are told of provider payouts, and when a channel that failed is tried again. */
import type { Mode, ReviewReason } from '../../payouts/rules/contract.ts';
import type { FailureClass } from '../../payouts/rules/failures.ts';

/** The same names stand in SQL `notices_of`, which says who is told. */
export type NotificationKind =
  | 'payout_completed'
  | 'payout_failed'
  | 'payout_returned'
  | 'review_needed'
  | 'retries_exhausted'
  | 'psp_funds_short';

export type Channel = 'email' | 'push';

/** `failed`: given up. */
export type NotificationState = 'pending' | 'sent' | 'failed';

/** What the texts are made of, as it was when it happened. Made by SQL `notify_event`. */
export interface NoticeData {
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

/** One thing to tell one person. */
export interface Notice {
  readonly kind: NotificationKind;
  readonly mode: Mode;
  readonly payoutId: string;
  readonly data: NoticeData;
}

/** The input of the workflow `notifications`: all that is to be told of one event. */
export interface NotificationsInput {
  readonly eventId: string;
}

const FIRST_WAIT_MS = 5_000; // a restart of a mail server takes seconds
const WAIT_TIMES = 3;
const WAIT_MAX_MS = 4 * 3_600_000; // a server that comes back in the night has several tries before the day is over

/** How long to wait after the n-th try (from 1) came to nothing: 5 s, 15 s, 45 s, … up to four hours. The workflow gives up after a day. */
export function waitAfter(tries: number): number {
  const times = Math.min(Math.max(tries, 1) - 1, 20); // beyond the longest wait already: more would only overflow
  return Math.min(FIRST_WAIT_MS * WAIT_TIMES ** times, WAIT_MAX_MS);
}
