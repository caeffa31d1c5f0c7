/** What an event keeps of a payout: its record, and what lay beside it in the books. Made by SQL `announce_payout`. */
import type { PayoutRecord } from './contract.ts';

export interface RecordedPayout extends PayoutRecord {
  /** For whoever looks back (`?at=`), and never outside as it is. */
  readonly beside?: {
    /** In their order. */
    readonly attempts: readonly RecordedAttempt[];
    readonly debtMinor: string;
    readonly makerId: string | null;
  };
}

export interface RecordedAttempt {
  readonly attempt: number;
  /** Of whom it was asked: the payout's may be another by now. */
  readonly psp: string;
  readonly state: string;
  readonly proof: string | null;
  readonly pspRef: string | null;
  readonly pspFeeMinor: string | null;
  readonly sends: number;
  readonly startedAt: string;
  readonly sentAt: string;
  readonly endedAt: string | null;
  readonly failure: unknown;
}
