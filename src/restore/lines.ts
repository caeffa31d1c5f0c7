/** The PSP's statement compared with the books, line by line: one table of what each line means beside each attempt's row. */
import type { AttemptState } from '../payouts/rules/books.ts';
import { type PayoutState, STATES } from '../payouts/rules/machine.ts';
import type { StatementLine, StatementStatus } from './statement.ts';
import { attemptIn, type Booked, isMoneyOut, type Witnesses } from './witnesses.ts';

export type LineKind =
  | 'unknown_transfer'
  | 'other_money'
  | 'paid_twice'
  | 'other_attempt'
  | 'closed_but_paid'
  | 'closed_unbooked'
  | 'alive_again'
  | 'sent_back'
  | 'not_paid_by_psp'
  | 'doubt_ended'
  | 'paid_while_held';

export interface LineFinding {
  readonly kind: LineKind;
  readonly payoutId: string;
  readonly line: StatementLine;
  /** The books have its attempt: a look-up can book what it says. */
  readonly isBookable: boolean;
}

/** How an attempt stands in the books; `none`: it was never started there. */
export type Row = AttemptState | 'none';

/**
 * - `agrees`: nothing follows
 * - `learnt`: the engine goes on with that attempt and comes to know it, or sending.ts says why it may not
 * - `differs`: nothing would ever make it known
 */
export type Verdict = 'agrees' | 'learnt' | 'differs';

const ALIVE = { queued: 'differs', held: 'differs', processing: 'differs' } as const;
const OUT = { paid: 'differs', failed: 'agrees', returned: 'differs', ...ALIVE } as const;

/** Of an attempt that is over in the books. Some PSPs have no word for a return but "failed". */
const ENDED: Readonly<Record<Exclude<Row, 'open' | 'none'>, Readonly<Record<StatementStatus, Verdict>>>> = {
  succeeded: { paid: 'agrees', failed: 'differs', returned: 'differs', ...ALIVE },
  failed: OUT,
  returned: { paid: 'differs', failed: 'agrees', returned: 'agrees', ...ALIVE },
  doubted: { paid: 'differs', failed: 'differs', returned: 'differs', queued: 'agrees', held: 'agrees', processing: 'agrees' },
};

/** Every status of a line, beside every attempt's row, in every state of its payout. */
export function verdictOn(status: StatementStatus, row: Row, state: PayoutState): Verdict {
  if (row !== 'open' && row !== 'none') return ENDED[row][status];
  if (isWaitingForSomebody(state)) return OUT[status];
  // An open row goes on, and so does the next attempt; of any other, and of another round, sending.ts speaks.
  return !STATES[state].final || state === 'FAILED' ? 'learnt' : OUT[status];
}

/** Nobody would ask the PSP before a person has decided. */
const isWaitingForSomebody = (state: PayoutState): boolean =>
  !STATES[state].final && !STATES[state].inFlight && !isSending(state);

const isSending = (state: PayoutState): boolean => state === 'QUEUED' || state === 'RETRY_WAIT';

export function lineFindings({ payoutId, booked, lines = [] }: Witnesses): LineFinding[] {
  if (!booked) return lines.filter(isMoneyOut).map((line) => ({ kind: 'unknown_transfer', payoutId, line, isBookable: false }));
  const paid = lines.filter(({ status }) => status === 'paid');
  // One payment is the one that the books have, or will have; every other, under whatever attempt, is one too many.
  const ours = paid.find((line) => rowOf(line, booked) === 'succeeded') ?? paid[0];
  return lines.flatMap((line): LineFinding[] => {
    const kind = kindOf(line, booked, paid.length > 1 ? { ours } : undefined);
    return kind ? [{ kind, payoutId, line, isBookable: rowOf(line, booked) !== 'none' }] : [];
  });
}

const rowOf = (line: StatementLine, { attempts }: Booked): Row => attempts[String(attemptIn(line))] ?? 'none';

function kindOf(
  line: StatementLine,
  booked: Booked,
  paidTwice: { readonly ours: StatementLine | undefined } | undefined,
): LineKind | undefined {
  const { payout } = booked;
  if (line.amountMinor !== BigInt(payout.amountMinor) || line.currency !== payout.currency) return 'other_money';
  if (paidTwice && line.status === 'paid') return line === paidTwice.ours ? undefined : 'paid_twice';
  const row = rowOf(line, booked);
  return verdictOn(line.status, row, payout.state) === 'differs' ? kindOfDifference(line.status, row, payout.state) : undefined;
}

function kindOfDifference(status: StatementStatus, row: Row, state: PayoutState): LineKind {
  const { money, final } = STATES[state];
  if (row === 'doubted' && status === 'failed') return 'doubt_ended';
  if (row === 'succeeded') return status === 'returned' ? 'sent_back' : 'not_paid_by_psp';
  if (money === 'paid') return row === 'none' ? 'other_attempt' : 'alive_again';
  if (final) return row === 'none' ? 'closed_unbooked' : 'closed_but_paid';
  return isWaitingForSomebody(state) && row === 'none' ? 'paid_while_held' : 'alive_again';
}
