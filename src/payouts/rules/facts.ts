/** From what a PSP said to what became true, and how long to wait before asking again. */
import type { PayoutRecord, PayoutTimes, SaidByPsp } from './contract.ts';
import { FAILURE_CLASSES } from './failures.ts';
import { PAYOUT_KINDS } from './kinds.ts';
import { edgeOf, type FactOf, type PayoutState } from './machine.ts';
import type { PspFailure, PspReply } from './reply.ts';

export interface ReplyContext {
  /** The attempt that was asked about, counted over all rounds. */
  readonly attempt: number;
  /** Attempts begun in this round, be it this one or later ones: what is limited. */
  readonly attemptsThisRound: number;
  /** Absent: a merchant's. */
  readonly maxAttempts?: number;
  /** Once the attempts are used up an operator should know: nobody else will try again. */
  readonly lastNeedsOperator?: boolean;
  /** A reply to our request, our look-up, or a look-up made because a callback came. */
  readonly source: 'reply' | 'look_up' | 'callback';
  /** When another attempt begins, should this one have failed. */
  readonly nextAttemptAt?: string;
  /** The newest event's number when the PSP was asked; of a reply, of the event with which its request began. */
  readonly askedAt?: number;
  /** When an operator is asked, should the outcome be unknown from now on. */
  readonly outcomeUntil?: string;
}

/** Asked about an attempt of this payout. */
export function replyContext(
  payout: Pick<PayoutRecord, 'kind' | 'attempt' | 'attemptsBefore' | 'maxAttempts'>,
  asked: Pick<ReplyContext, 'attempt' | 'source' | 'askedAt' | 'nextAttemptAt' | 'outcomeUntil'>,
): ReplyContext {
  return {
    ...asked,
    attemptsThisRound: payout.attempt - payout.attemptsBefore,
    maxAttempts: payout.maxAttempts,
    lastNeedsOperator: PAYOUT_KINDS[payout.kind].lastNeedsOperator,
  };
}

/** A fact that a PSP is the source of: always about one attempt. */
export interface PspFact extends SaidByPsp {
  readonly type: FactOf<'psp'>;
  readonly source: ReplyContext['source'];
}

const STAGE_FACTS = { queued: 'psp_queued', held: 'psp_held', processing: 'psp_processing' } as const satisfies Record<
  string,
  FactOf<'psp'>
>;

/**
 * The fact in a PSP's reply. Whatever proves nothing is `outcome_unknown`; what a failure means is its class's row in
 * FAILURE_CLASSES.
 */
export function factOf(reply: PspReply, context: ReplyContext): PspFact {
  const about = aboutOf(context);
  switch (reply.kind) {
    case 'paid':
      return { type: 'paid', ...about, pspRef: reply.pspRef, ...feeOf(reply) };
    case 'accepted':
      return {
        type: STAGE_FACTS[reply.stage],
        ...about,
        pspRef: reply.pspRef,
        ...(reply.reason === null ? {} : { reason: reply.reason }),
      };
    case 'failed':
      return factOfFailure(reply.failure, reply.pspRef, context);
    case 'returned':
      return { type: 'returned', ...about, pspRef: reply.pspRef, reason: reply.reason };
    case 'not_taken':
      // Only the answer to our request can say that the request was not taken. A look-up that was refused says nothing of it.
      return { type: context.source === 'reply' ? 'not_taken' : 'outcome_unknown', ...about, reason: reply.reason };
    case 'not_found':
      return { type: 'outcome_unknown', ...about, reason: 'the PSP knows no such reference' };
    case 'mismatch':
      return { type: 'mismatch', ...about, pspRef: reply.pspRef, reason: reply.detail };
    case 'unknown':
      return { type: 'outcome_unknown', ...about, reason: reply.reason };
  }
}

/**
 * All that a reply makes true, in order. A returned payment was paid before: when the PSP's word of the payment never
 * reached us, `returned` alone would have no edge, and the payout would stay in flight for ever. Apply both; one that
 * is known already changes nothing.
 */
export function factsOf(reply: PspReply, context: ReplyContext): readonly PspFact[] {
  const fact = factOf(reply, context);
  if (fact.type !== 'returned') return [fact];
  const paid: PspFact = { type: 'paid', ...aboutOf(context), implied: true, ...feeOf(reply) };
  return [fact.pspRef === undefined ? paid : { ...paid, pspRef: fact.pspRef }, fact];
}

const aboutOf = ({ attempt, source, askedAt, outcomeUntil }: ReplyContext) => ({
  attempt,
  source,
  ...(askedAt === undefined ? {} : { askedAt }),
  ...(outcomeUntil === undefined ? {} : { outcomeUntil }),
});

const feeOf = (reply: PspReply): Pick<SaidByPsp, 'pspFeeMinor'> =>
  (reply.kind === 'paid' || reply.kind === 'returned') && reply.feeMinor !== undefined ? { pspFeeMinor: reply.feeMinor } : {};

function factOfFailure(failure: PspFailure, pspRef: string | null, context: ReplyContext): PspFact {
  const { does, retryable } = FAILURE_CLASSES[failure.class];
  const base = { ...aboutOf(context), ...(pspRef === null ? {} : { pspRef }) };
  const ended = (): PspFact => ({ type: 'failed', ...base, failure: { ...failure, retryable } });
  const again = (): PspFact => ({
    ...ended(),
    type: 'attempt_failed',
    ...(context.nextAttemptAt === undefined ? {} : { nextAttemptAt: context.nextAttemptAt }),
  });
  const isLast = context.attemptsThisRound >= (context.maxAttempts ?? PAYOUT_KINDS.merchant.maxAttempts);
  const open = (type: FactOf<'psp'>): PspFact => ({ type, ...base, reason: failure.message });
  switch (does) {
    case 'retry':
      if (!isLast) return again();
      return { ...ended(), ...(context.lastNeedsOperator ? { needsOperator: true } : {}) };
    case 'fail':
      return ended();
    case 'queue':
      // Refused at the door, the same key may be used again. Found in the PSP's book as failed, that key is spent: a new
      // attempt, and however many it takes: that we are short of funds is not the payout's fault.
      if (context.source !== 'reply' || pspRef !== null) return again();
      return { ...open('not_taken'), failure: { ...failure, retryable } }; // with its class: whoever fills the account up is told
    case 'look_up':
      return open('outcome_unknown');
    case 'wait':
      return open('psp_processing');
    case 'return':
      return open('returned');
    case 'operator':
      return open('mismatch');
  }
}

/**
 * How long to wait after the n-th attempt of a round (from 1) before the next: doubling, up to the limit. No jitter:
 * payouts fail one by one, and a workflow must come to the same number again.
 */
export function retryWait(attemptsThisRound: number, times: Pick<PayoutTimes, 'retryWaitMs' | 'retryWaitMaxMs'>): number {
  const doublings = Math.min(Math.max(attemptsThisRound, 1) - 1, 30); // a billion times: more would only overflow
  return Math.min(times.retryWaitMs * 2 ** doublings, times.retryWaitMaxMs);
}

/**
 * Does this answer to a look-up tell more than the state does? What proves nothing never does; "not found" only where
 * we do not know whether the PSP was ever reached; of an attempt in doubt only how it ended.
 */
export function isNews(reply: PspReply, known: PayoutState, isDoubted = false): boolean {
  if (reply.kind === 'unknown' || reply.kind === 'not_taken') return false;
  if (reply.kind === 'not_found') return known === 'UNKNOWN' && !isDoubted;
  if (isDoubted && (reply.kind === 'accepted' || reply.kind === 'mismatch')) return false;
  return factsOf(reply, { attempt: 1, attemptsThisRound: 1, source: 'look_up' }).some((fact) => edgeOf(known, fact.type));
}
