/** What is kept and read for the overview (overview_totals.sql). */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { PspWord } from './figures.ts';

interface Of {
  readonly mode: Mode;
  readonly flow: string;
  readonly currency: string;
}

export interface StateCount extends Of {
  readonly state: string;
  readonly count: number;
  readonly amountMinor: string;
}

export interface OutcomeCount extends Of {
  readonly span: 'hour' | 'day';
  readonly from: string;
  readonly outcome: string;
  readonly count: number;
  readonly amountMinor: string;
}

export interface TookCount extends Of {
  readonly span: 'hour' | 'day';
  readonly took: number;
  readonly count: number;
}

export interface Totals {
  readonly asOf: string;
  readonly states: readonly StateCount[];
  readonly outcomes: readonly OutcomeCount[];
  readonly took: readonly TookCount[];
  readonly psps: readonly { readonly psp: string; readonly mode: Mode; readonly word: PspWord; readonly count: number }[];
}

export interface Oldest {
  readonly since: Date;
  readonly ageSeconds: number;
}

export interface FailingReceiver {
  readonly id: string;
  readonly merchantId: string;
  readonly endpointId: string | null;
  readonly mode: Mode;
  readonly since: Date;
}
