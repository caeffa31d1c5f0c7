/**
 * The port to a payment service provider. A connector speaks one provider's wire format; nothing above it knows a
 * provider's words. Connectors never throw for anything a PSP or a network can do: every outcome is a `PspReply`.
 */
import type { FailureClass } from '../domain/payout/failures.ts';

export interface PspOrder {
  /** Our key at the PSP, `<payout id>:<attempt>`: the same money is always asked for under the same key. */
  readonly reference: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly destination: PspDestination;
  readonly description: string | null;
}

export type PspDestination =
  | { readonly type: 'bank'; readonly bankCode: string; readonly accountNumber: string; readonly accountTitle: string | null }
  | { readonly type: 'wallet'; readonly walletCode: string; readonly accountNumber: string; readonly accountTitle: string | null };

export interface PspFailure {
  readonly class: FailureClass;
  /** Ours, stable, snake_case: what a client may branch on. */
  readonly code: string;
  readonly message: string;
}

/** What is certain after an exchange with the PSP. `unknown` is the answer to everything that proves nothing. */
export type PspReply =
  | { readonly kind: 'paid'; readonly pspRef: string }
  | { readonly kind: 'accepted'; readonly stage: 'queued' | 'held' | 'processing'; readonly pspRef: string; readonly reason: string | null }
  | { readonly kind: 'failed'; readonly pspRef: string | null; readonly failure: PspFailure }
  | { readonly kind: 'returned'; readonly pspRef: string; readonly reason: string }
  /** Certainly not taken: ask again under the same key, after `retryAfterMs` if the PSP named a time. */
  | { readonly kind: 'not_taken'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Only from a look-up: the PSP knows no such reference (yet: see PSP_NOT_FOUND_GRACE). */
  | { readonly kind: 'not_found' }
  /** The PSP's book has this reference with another amount, currency or account. */
  | { readonly kind: 'mismatch'; readonly pspRef: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A callback after its signature was checked. `claim` is the PSP's word, believed only once a look-up agrees. */
export interface PspCallback {
  readonly eventKey: string;
  readonly reference: string | null;
  readonly claim: string;
  readonly body: unknown;
}

export interface AccountCheck {
  readonly valid: boolean;
  readonly accountTitle: string | null;
  readonly detail: string | null;
}

export interface PspConnector {
  readonly name: string;
  submit(order: PspOrder, signal: AbortSignal): Promise<PspReply>;
  /** Compares amount, currency and account with the order: never `paid` for other money than ours. */
  lookUp(order: PspOrder, signal: AbortSignal): Promise<PspReply>;
  /** Undefined where the signature over the raw bytes is not the PSP's. */
  parseCallback(rawBody: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): PspCallback | undefined;
  verifyAccount(destination: PspDestination, signal: AbortSignal): Promise<AccountCheck | { readonly unavailable: string }>;
}
