/** A transfer as a simulator's book knows it, in words of its own: each PSP translates them into its wire format. */
import { z } from 'zod';

/**
 * - `queued`, `held`, `processing`: accepted, the money is not taken yet
 * - `paid`: the money was taken and sent
 * - `failed`: certain and final; nothing is taken
 * - `returned`: was paid, the payee's bank sent it back
 */
export const TRANSFER_STATUSES = ['queued', 'held', 'processing', 'paid', 'failed', 'returned'] as const;
export type TransferStatus = (typeof TRANSFER_STATUSES)[number];

/** Whom the money goes to, in the PSP's words; they all call the account's number so. */
export interface Payee {
  readonly accountNumber: string;
}

export interface TransferOrder<P extends Payee> {
  /** The customer's key: the same reference is the same transfer, for ever. */
  readonly reference: string;
  /** A decimal string in major units. */
  readonly amount: string;
  readonly currency: string;
  readonly destination: P;
  readonly narration: string | null;
}

export interface Transfer<P extends Payee> extends TransferOrder<P> {
  readonly id: string;
  /** Its number in the book, counting up. */
  readonly seq: string;
  readonly status: TransferStatus;
  /** Why it is held, failed or returned, in the PSP's words. */
  readonly reason: string | null;
  /** What the PSP takes for it, besides the amount. */
  readonly fee: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A change that comes by itself. */
export interface Step {
  readonly status: TransferStatus;
  readonly reason: string | null;
  /** After the change before it. */
  readonly afterMs: number;
}

/** The fate of a transfer. */
export interface Script {
  readonly status: TransferStatus;
  readonly reason: string | null;
  /** False: the request hangs until the client gives up. */
  readonly answers: boolean;
  /** What follows, one after the other; kept in the book, so it outlives the process. */
  readonly later: readonly Step[];
}

/** Once it is paid, it is sent back after so long, and paid again as long after that. Unchanged where it is never paid by itself. */
export function paidTwiceOver(script: Script, reason: string | null, afterMs: number): Script {
  const steps = [script, ...script.later];
  const paidAt = steps.findIndex(({ status }) => status === 'paid');
  if (paidAt === -1) return script;
  const more = [{ status: 'returned', reason, afterMs } as const, { status: 'paid', reason: null, afterMs } as const];
  return { ...script, later: [...script.later.slice(0, paidAt), ...more] };
}

/** The customer's attempt, from the end of its reference: `…:2` is 2, anything else 1. */
export function attemptOf(reference: string): number {
  const digits = /:([1-9][0-9]{0,5})$/.exec(reference)?.[1];
  return digits === undefined ? 1 : Number.parseInt(digits, 10);
}

/** Without control characters and lone surrogates, which a database cannot keep. */
export const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'no control characters');
