/**
 * What a PSP can turn out to have said: the words that connectors speak and `factOf` understands. It travels through
 * Temporal as JSON.
 */
import type { FailureClass } from './failures.ts';

export interface PspFailure {
  readonly class: FailureClass;
  /** Ours, stable, snake_case: what a client may branch on. */
  readonly code: string;
  readonly message: string;
}

/**
 * What is certain after an exchange with the PSP. `unknown` is the answer to everything that proves nothing. `feeMinor`:
 * what the PSP took for the payment, where it says so.
 */
export type PspReply =
  | { readonly kind: 'paid'; readonly pspRef: string; readonly feeMinor?: string }
  | {
      readonly kind: 'accepted';
      readonly stage: 'queued' | 'held' | 'processing';
      readonly pspRef: string;
      readonly reason: string | null;
    }
  | { readonly kind: 'failed'; readonly pspRef: string | null; readonly failure: PspFailure }
  | { readonly kind: 'returned'; readonly pspRef: string; readonly reason: string; readonly feeMinor?: string }
  /** Certainly not taken: ask again under the same key, after `retryAfterMs` if the PSP named a time. */
  | { readonly kind: 'not_taken'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Only from a look-up: the PSP knows no such reference (yet: see PSP_NOT_FOUND_GRACE). */
  | { readonly kind: 'not_found' }
  /** The PSP's book has this reference with another amount, currency or account. */
  | { readonly kind: 'mismatch'; readonly pspRef: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly reason: string };
