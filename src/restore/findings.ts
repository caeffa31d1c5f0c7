/**
 * What the books have forgotten or would do wrong after they were restored from a backup, as two witnesses tell it:
 * Temporal's runs and the PSP's statement. Rules only; who asks and who acts is in main.ts and repair.ts.
 */

import type { PayoutRecord } from '../payouts/rules/contract.ts';
import { STATES } from '../payouts/rules/machine.ts';
import { attemptOf, payoutIdOf } from '../rules/ids.ts';
import { formatMajor } from '../rules/money.ts';
import type { Run, Told } from './runs.ts';
import type { StatementLine } from './statement.ts';

/** A payout as the books have it now. */
export interface Booked {
  readonly payout: PayoutRecord;
  /** The state of each attempt's row, by its number. */
  readonly attempts: Readonly<Record<string, 'open' | 'succeeded' | 'failed'>>;
}

export type Finding =
  | { readonly kind: 'forgotten' | 'forgotten_end'; readonly payoutId: string; readonly runs: readonly Run[] }
  | { readonly kind: 'forgotten_round'; readonly payoutId: string; readonly run: Run }
  | { readonly kind: 'stopped' | 'stopped_in_flight'; readonly payoutId: string; readonly told: Told }
  | { readonly kind: StatementKind; readonly payoutId: string; readonly line: StatementLine };

type StatementKind = 'unknown_transfer' | 'closed_but_paid' | 'paid_twice' | 'other_money' | 'not_paid_by_psp';

/** `repair`: what `--repair` does about it; null: a person has to. */
export const MEANING: Readonly<Record<Finding['kind'], { readonly says: string; readonly repair: string | null }>> = {
  forgotten: {
    says: 'was taken in after the backup, and the books do not know it: its merchant may ask for it again and be paid twice',
    repair: 'taken in again under its own id',
  },
  forgotten_end: {
    says: 'was taken in and ended unpaid after the backup, and the books do not know its reference any more',
    repair: 'taken in again and closed',
  },
  forgotten_round: {
    says: 'was tried again after the backup, and the books have it as failed',
    repair: 'opened again in that round, under the same keys',
  },
  stopped: {
    says: 'was held, rejected, cancelled or failed after the backup, and the books would send it',
    repair: 'held, for an operator to release or reject',
  },
  stopped_in_flight: {
    says: 'was closed as unpaid after the backup, and the books have a request of it on the wire',
    repair: 'left to an operator: it is looked up and not sent again; resolve it when the PSP proves what became of it',
  },
  unknown_transfer: {
    says: 'is in the book of the PSP and in no other: find its merchant, who must not ask for it again, and book it',
    repair: null,
  },
  closed_but_paid: { says: 'was paid by the PSP, and the books have closed it as unpaid', repair: null },
  paid_twice: { says: 'was paid by the PSP under two attempts', repair: null },
  other_money: { says: 'has another amount or currency at the PSP', repair: null },
  not_paid_by_psp: { says: 'was not paid by the PSP, and the books have it as paid', repair: null },
};

/** @param runs of one payout, the oldest first. */
export function findingOfRuns(runs: readonly Run[], payout: PayoutRecord | undefined): Finding | undefined {
  const last = runs.at(-1);
  if (!last) return undefined;
  const { payoutId, told } = last;
  if (!payout) {
    if (told === 'refused') return undefined; // it never was in the books
    return { kind: told === 'closed' ? 'forgotten_end' : 'forgotten', payoutId, runs };
  }
  const { final, inFlight } = STATES[payout.state];
  if (last.round < payout.round) return undefined; // the books know more
  if (!final && (told === 'closed' || told === 'held')) {
    if (!inFlight) return isOnHold(payout) ? undefined : { kind: 'stopped', payoutId, told };
    return told === 'closed' ? { kind: 'stopped_in_flight', payoutId, told } : undefined; // on the wire nothing can be held
  }
  if (payout.state === 'FAILED' && last.round > payout.round && told !== 'closed' && told !== 'refused') {
    return { kind: 'forgotten_round', payoutId, run: last };
  }
  return undefined;
}

const isOnHold = ({ state }: PayoutRecord): boolean => state === 'ON_HOLD' || state === 'REVIEW_ON_HOLD';

/** @param booked those that the statement speaks of, as far as the books know them. */
export function findingsOfStatement(lines: readonly StatementLine[], booked: ReadonlyMap<string, Booked>): Finding[] {
  const paidBefore = new Set<string>();
  return lines.flatMap((line): Finding[] => {
    const payoutId = payoutIdOf(line.reference);
    if (payoutId === undefined) return []; // not made by us
    const known = booked.get(payoutId);
    const kind = known ? contradiction(line, known, paidBefore) : isMoneyOut(line) ? 'unknown_transfer' : undefined;
    if (line.status === 'paid') paidBefore.add(payoutId);
    return kind ? [{ kind, payoutId, line }] : [];
  });
}

/** Failed at the PSP and forgotten by us is as if it had never been; all else has moved money, or will. */
const isMoneyOut = ({ status }: StatementLine): boolean => status !== 'failed';

function contradiction(
  line: StatementLine,
  { payout, attempts }: Booked,
  paidBefore: ReadonlySet<string>,
): StatementKind | undefined {
  if (line.amountMinor !== BigInt(payout.amountMinor) || line.currency !== payout.currency) return 'other_money';
  const money = STATES[payout.state].money;
  const attempt = attempts[String(attemptOf(line.reference))];
  if (line.status === 'paid') {
    if (paidBefore.has(payout.id) || (money === 'paid' && attempt !== 'succeeded')) return 'paid_twice';
    // Open: it goes on under the same key, and the PSP answers that it has paid.
    return STATES[payout.state].final && money === 'none' && payout.state !== 'RETURNED' ? 'closed_but_paid' : undefined;
  }
  return line.status === 'failed' && attempt === 'succeeded' ? 'not_paid_by_psp' : undefined;
}

/** One line for whoever reads it. */
export function sentenceOfFinding(finding: Finding): string {
  const { says, repair } = MEANING[finding.kind];
  const line = 'line' in finding ? ` [${finding.line.reference} ${amountOf(finding.line)} ${finding.line.status}]` : '';
  const told = 'told' in finding ? ` [${finding.told}]` : '';
  return `${finding.payoutId} ${says}${line}${told}${repair === null ? '' : ' (--repair)'}`;
}

const amountOf = ({ amountMinor, currency }: StatementLine): string => `${formatMajor(amountMinor, currency)} ${currency}`;
