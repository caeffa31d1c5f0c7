/** What is known of one payout after a restore, by whom: the books as they are now, Temporal's runs, the PSP's statement. */

import type { AttemptState } from '../payouts/rules/books.ts';
import type { Opening, PayoutRecord } from '../payouts/rules/contract.ts';
import { attemptOf } from '../rules/ids.ts';
import type { StatementLine } from './statement.ts';

/**
 * What its merchant was last told of the payout by this run. `closed`: that it will not be paid (FAILED, REJECTED,
 * CANCELLED); `refused`: that it was never taken in, or not again; `in_review`: that a person must decide. A run that was
 * ended by hand leaves its payout unfinished.
 */
export type Told = 'unfinished' | 'in_review' | 'held' | 'paid' | 'closed' | 'refused';

/** As it stands in the list of workflows. */
export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly payoutId: string;
  readonly round: number;
  readonly isRunning: boolean;
  readonly told: Told;
}

/** With what its history says. Only runs that were started by us: a stranger's says nothing of a payout. */
export interface Memory extends Run {
  /** Undefined: it was encrypted with a key that we do not have. */
  readonly opening: Opening | undefined;
  /** The newest attempt that it had sent; 0: none. */
  readonly sent: number;
  /** A person has said, with evidence, that it was paid. */
  readonly isResolvedPaid: boolean;
}

/** A payout as the books have it now. */
export interface Booked {
  readonly payout: PayoutRecord;
  /** The state of each attempt's row, by its number. */
  readonly attempts: Readonly<Record<string, AttemptState>>;
}

export interface Witnesses {
  readonly payoutId: string;
  /** Undefined: the books do not know it. */
  readonly booked: Booked | undefined;
  readonly runs: readonly Memory[];
  /** Of this payout; undefined: there is no statement, which says less than one without a line. */
  readonly lines: readonly StatementLine[] | undefined;
}

/** The attempt that would be sent next, by itself or in another round: an open one goes again under its own key. */
export const nextAttempt = ({ payout, attempts }: Booked): number =>
  attempts[String(payout.attempt)] === 'open' ? payout.attempt : payout.attempt + 1;

export const attemptIn = ({ reference }: StatementLine): number => attemptOf(reference) ?? 0;

/** Failed at the PSP moves no money; all else has moved it, or may. */
export const isMoneyOut = ({ status }: StatementLine): boolean => status !== 'failed';

/** It went out, whatever came of it. */
export const isPayment = ({ status }: StatementLine): boolean => status === 'paid' || status === 'returned';
