/**
 * What the books have forgotten or would do wrong after they were restored from a backup: one pure answer to what all
 * witnesses of a payout say (witnesses.ts). Who asks and who acts is in main.ts and repair.ts.
 */
import { formatMajor } from '../rules/money.ts';
import { type LineFinding, lineFindings } from './lines.ts';
import { type SendingFinding, sendingFinding } from './sending.ts';
import type { StatementLine } from './statement.ts';
import type { Witnesses } from './witnesses.ts';

export type Finding = SendingFinding | LineFinding;

const BOOKED = 'handed to it as a message of the PSP, which a look-up decides on';

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
  astray: {
    says: 'may have been paid in a way that the books do not know, and they would send it',
    repair: 'left to an operator, and not sent by itself',
  },
  stopped: {
    says: 'was held, rejected, cancelled or failed after the backup, and the books would send it',
    repair: 'held, for an operator to release or reject',
  },
  stopped_in_flight: {
    says: 'was closed as unpaid after the backup, and the books have a request of it on the wire',
    repair: 'left to an operator: it is looked up and not sent again; resolve it when the PSP proves what became of it',
  },
  stopped_and_failed: {
    says: 'was closed as unpaid after the backup, and the books have a request of it on the wire, which the PSP has as failed',
    repair: 'closed again as not paid',
  },
  unknown_transfer: {
    says: 'is in the book of the PSP and in no other: find its merchant, who must not ask for it again, and book it',
    repair: null,
  },
  other_money: { says: 'has another amount or currency at the PSP', repair: null },
  paid_twice: { says: 'was paid by the PSP twice', repair: null },
  other_attempt: { says: 'has another attempt at the PSP than the one that the books have as paid', repair: null },
  closed_but_paid: { says: 'was paid by the PSP, or may be, and the books have closed it as unpaid', repair: BOOKED },
  closed_unbooked: {
    says: 'was paid by the PSP, or may be, under an attempt that the books never started, and they have closed it',
    repair: null,
  },
  alive_again: { says: 'is paid by the PSP, or may be, under an attempt that the books have as dead', repair: BOOKED },
  sent_back: { says: 'came back from the bank, and the books have it as paid', repair: BOOKED },
  not_paid_by_psp: { says: 'was not paid by the PSP, and the books have it as paid', repair: BOOKED },
  doubt_ended: { says: 'failed at the PSP, and the books still doubt it', repair: BOOKED },
  paid_while_held: {
    says: 'was paid by the PSP, or may be, and waits for a person in the books: let it go on, do not reject it',
    repair: 'left to whoever decides on it: paid by the PSP, or about to be; it must not be rejected',
  },
};

/** Everything that the witnesses of one payout contradict each other in. */
export function findingsOf(witnesses: Witnesses): Finding[] {
  const sending = sendingFinding(witnesses);
  // Once it is taken in, its lines can be compared.
  if (sending?.kind === 'forgotten' || sending?.kind === 'forgotten_end') return [sending];
  return [...(sending ? [sending] : []), ...lineFindings(witnesses)];
}

/** One line for whoever reads it. */
export function sentenceOfFinding(finding: Finding): string {
  const { says, repair } = MEANING[finding.kind];
  return `${finding.payoutId} ${says}${particulars(finding)}${repair === null ? '' : ' (--repair)'}`;
}

/** The same once it is done. */
export const sentenceOfRepair = (finding: Finding): string =>
  `${finding.payoutId} ${MEANING[finding.kind].repair}${finding.kind === 'stopped' ? '' : particulars(finding)}`;

function particulars(finding: Finding): string {
  if ('line' in finding) return ` [${finding.line.reference} ${amountOf(finding.line)} ${finding.line.status}]`;
  return finding.caution ? ` [${finding.caution.why}]` : '';
}

const amountOf = ({ amountMinor, currency }: StatementLine): string => `${formatMajor(amountMinor, currency)} ${currency}`;
