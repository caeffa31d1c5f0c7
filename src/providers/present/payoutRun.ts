/** A payout run as an admin sees it. */
import { formatMajor } from '../../rules/money.ts';
import type { RunTrigger } from '../rules/payoutRun.ts';

/** A run with what has become of its payouts until now. */
export interface RunRow {
  readonly id: string;
  readonly trigger: RunTrigger;
  readonly startedAt: Date;
  /** When the last payout was handed over; null while it walks. */
  readonly finishedAt: Date | null;
  readonly dispatched: number;
  readonly completed: number;
  readonly failed: number;
  /** By currency, in minor units. */
  readonly amount: Readonly<Record<string, string>>;
}

export function presentRun({ startedAt, finishedAt, amount, ...run }: RunRow) {
  const amounts = Object.entries(amount).map(([currency, minor]) => [currency, formatMajor(BigInt(minor), currency)]);
  return {
    ...run,
    object: 'payout_run' as const,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    amount: Object.fromEntries(amounts) as Record<string, string>,
  };
}
