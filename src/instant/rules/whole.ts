/** All that operators see of one withdrawal: its slices, whoever had them, what they showed, what banks and payees said of it. */
import type { BatchRecord, InstantPayoutRecord, PayinRecord, ProofRecord } from './records.ts';

export interface ShownProof extends Pick<ProofRecord, 'rail' | 'utr' | 'imageDeletedAt' | 'late' | 'reasons' | 'submittedAt'> {
  readonly submittedBy: string;
}

/** Of what nobody has decided, all but the beginning is null. */
interface Decided<Decision extends string> {
  readonly decision: Decision | null;
  readonly decidedBy: string | null;
  readonly note: string | null;
  readonly decidedAt: string | null;
}

export interface LateCase extends Decided<'credit' | 'refund' | 'reject'> {
  readonly createdAt: string;
  /** How an operator had decided before the payee's bank told of it; null: its proof came late, and no more. */
  readonly was: 'failed' | 'reversed' | null;
}

export interface Dispute extends Decided<'approve' | 'reject' | 'confirmed'> {
  readonly reason: string;
  readonly openedBy: string;
  readonly openedAt: string;
}

/** What the payee's bank told of a UTR that was shown for this slice. */
export interface MatchedCredit {
  readonly id: string;
  readonly utr: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly state: 'matched' | 'differs';
  readonly creditedAt: string;
  readonly matchedAt: string;
}

/** Whoever had the slice, the first first. */
export interface Turn {
  /** Which of its assignments: the epoch. */
  readonly number: number;
  readonly assignedAt: string;
  readonly payin: PayinRecord;
  readonly proof: ShownProof | null;
  readonly lateCase: LateCase | null;
}

/** What the SQL function instant_slice_record writes. */
export interface WholeSlice {
  readonly batch: BatchRecord;
  readonly validateUntil: string | null;
  readonly turns: readonly Turn[];
  readonly bankCredits: readonly MatchedCredit[];
  readonly dispute: Dispute | null;
}

export interface WholeWithdrawal {
  readonly instantPayout: InstantPayoutRecord;
  readonly slices: readonly WholeSlice[];
}

/** The record of a subject right after its last step by then. */
export type RecordThen = <Record extends { readonly id: string }>(now: Record) => Record;

/**
 * As it was at an earlier time. Who was to look at a proof then nobody keeps: that is told of now alone. How far the withdrawal was,
 * its slices and payins say with it: their own steps may be older.
 * @param at in the one spelling of our times, so that they sort as text.
 */
export function wholeAsOf(now: WholeWithdrawal, then: RecordThen, at: string): WholeWithdrawal {
  const instantPayout = then(now.instantPayout);
  const { totalMinor, paidMinor, remainingMinor } = instantPayout;
  const totals = { totalMinor, paidMinor, remainingMinor };
  const withTotals: RecordThen = (record) => ({ ...then(record), totals });
  return { instantPayout, slices: now.slices.map((slice) => sliceAsOf(slice, withTotals, at)) };
}

function sliceAsOf({ batch, turns, bankCredits, dispute }: WholeSlice, then: RecordThen, at: string): WholeSlice {
  const { review, ...rest } = then(batch);
  return {
    batch: { ...rest, review: review && { ...review, validatorId: null } },
    validateUntil: null,
    turns: turns.filter(({ assignedAt }) => assignedAt <= at).map((turn) => turnAsOf(turn, then, at)),
    bankCredits: bankCredits.filter(({ matchedAt }) => matchedAt <= at),
    dispute: dispute && dispute.openedAt <= at ? decidedAsOf(dispute, at) : null,
  };
}

function turnAsOf({ payin, proof, lateCase, ...turn }: Turn, then: RecordThen, at: string): Turn {
  return {
    ...turn,
    payin: then(payin),
    proof: proof && proof.submittedAt <= at ? { ...proof, imageDeletedAt: upTo(proof.imageDeletedAt, at) } : null,
    lateCase: lateCase && lateCase.createdAt <= at ? decidedAsOf(lateCase, at) : null,
  };
}

const upTo = (time: string | null, at: string): string | null => (time !== null && time <= at ? time : null);

const decidedAsOf = <Case extends Decided<string>>(one: Case, at: string): Case =>
  upTo(one.decidedAt, at) === null ? { ...one, decision: null, decidedBy: null, note: null, decidedAt: null } : one;
