/**
 * The port to a payment service provider. A connector speaks one provider's wire format; nothing above it knows a
 * provider's words. Connectors never throw for anything a PSP or a network can do: every outcome is a `PspReply`.
 */
import type { PspReply } from '../payouts/rules/reply.ts';

export type { PspFailure, PspReply } from '../payouts/rules/reply.ts';

export interface PspOrder {
  /** Our key at the PSP, `<payout id>:<attempt>`: the same money is always asked for under the same key. */
  readonly reference: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly destination: PspDestination;
  readonly description: string | null;
  /** The PSP's own name for the transfer, once it has told us. */
  readonly pspRef: string | null;
  /** It has said before that this is paid. */
  readonly isPaid: boolean;
}

export type PspDestination =
  | { readonly type: 'bank'; readonly bankCode: string; readonly accountNumber: string; readonly accountTitle: string | null }
  | {
      readonly type: 'wallet';
      readonly walletCode: string;
      readonly accountNumber: string;
      readonly accountTitle: string | null;
    };

/** A callback after its signature was checked. `claim` is the PSP's word, believed only once a look-up agrees. */
export interface PspCallback {
  /** The PSP's id for the event. Stored with what the event says: PSPs use one twice (border.ts). */
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

/** The PSP could not be asked; why. */
export interface Unavailable {
  readonly unavailable: string;
}

/** Ours at a PSP that holds our money. */
export interface PspAccount {
  /** As the PSP says it, in major units. */
  balance(currency: string, signal: AbortSignal): Promise<{ readonly available: string } | Unavailable>;
  /** What a payment of so much would cost us. */
  fee(amountMinor: bigint, currency: string, signal: AbortSignal): Promise<{ readonly feeMinor: bigint } | Unavailable>;
  /** The banks that it can pay to, with its own codes. */
  banks(country: string, signal: AbortSignal): Promise<{ readonly banks: readonly PspBank[] } | Unavailable>;
}

export interface PspBank {
  readonly code: string;
  readonly name: string;
}

export interface PspConnector {
  readonly name: string;
  submit(order: PspOrder, signal: AbortSignal): Promise<PspReply>;
  /** Compares amount, currency and account with the order: never `paid` for other money than ours. */
  lookUp(order: PspOrder, signal: AbortSignal): Promise<PspReply>;
  /** Undefined where the signature over the raw bytes is not the PSP's. */
  parseCallback(rawBody: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): PspCallback | undefined;
  verifyAccount(destination: PspDestination, signal: AbortSignal): Promise<AccountCheck | Unavailable>;
  /** What an operator may ask; absent where the PSP has no answer to it. */
  readonly account?: PspAccount;
}
