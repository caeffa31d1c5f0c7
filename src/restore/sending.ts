/**
 * What the engine would do by itself with a payout whose books are older than what happened, and whether it may.
 *
 * It sends the next attempt that the books know of, then the one after it, and so on. A key that the PSP has in its book is
 * answered as it was: that is safe. A key that it never took (refused at its door, or resolved by a person) is a new
 * payment: one too many, where a later attempt was paid. So what was tried again in rounds that the books forgot, what
 * went on past a key that the PSP may not know, and what a person decided, is never sent by itself.
 */
import { STATES } from '../payouts/rules/machine.ts';
import { attemptIn, type Booked, isMoneyOut, isPayment, type Memory, nextAttempt, type Witnesses } from './witnesses.ts';

/** Why it must not be sent by itself. */
export interface Caution {
  /** `astray`: it may have been paid under a key that the books do not know, or by hand. The others: somebody stopped it. */
  readonly because: 'astray' | 'called_off' | 'held';
  readonly why: string;
  /** The PSP has the next attempt as failed: shown to us as started, its failure would set the one after it in motion. */
  readonly isNextDead: boolean;
  /** Attempts that the PSP has paid, and that must not be followed by any other. */
  readonly paid: readonly number[];
}

export type SendingFinding =
  | {
      readonly kind: 'forgotten' | 'forgotten_end';
      readonly payoutId: string;
      readonly runs: readonly Memory[];
      readonly caution: Caution | undefined;
    }
  | { readonly kind: 'forgotten_round'; readonly payoutId: string; readonly caution: Caution | undefined }
  | {
      readonly kind: 'astray' | 'stopped' | 'stopped_in_flight' | 'stopped_and_failed';
      readonly payoutId: string;
      readonly caution: Caution;
    };

/** Order of runs and lines says nothing: anybody may have started a copy of a run later. More of them make it only more careful. */
export function sendingFinding(witnesses: Witnesses): SendingFinding | undefined {
  const { payoutId, booked } = witnesses;
  const runs = witnesses.runs.filter(({ told }) => told !== 'refused');
  const known: Witnesses = { ...witnesses, runs };
  if (!booked) return runs.length === 0 ? undefined : forgotten(known);
  const { state, round } = booked.payout;
  if (state === 'FAILED') return forgottenRound(known, booked);
  if (STATES[state].final) return undefined;
  const caution = cautionOf({ round, next: nextAttempt(booked) }, known);
  if (!caution) return undefined;
  if (caution.because === 'astray') return { kind: 'astray', payoutId, caution };
  if (state === 'ON_HOLD' || state === 'REVIEW_ON_HOLD') return undefined; // somebody's already
  if (!STATES[state].inFlight) return { kind: 'stopped', payoutId, caution };
  if (caution.because !== 'called_off') return undefined; // on the wire nothing can be held
  if (caution.isNextDead) return { kind: 'stopped_and_failed', payoutId, caution };
  return state === 'UNRESOLVED' ? undefined : { kind: 'stopped_in_flight', payoutId, caution };
}

function forgotten(witnesses: Witnesses): SendingFinding {
  const { payoutId, runs, lines = [] } = witnesses;
  const newest = runs.filter(({ round }) => round === newestRound(runs));
  const isOver = newest.every(({ told }) => told === 'closed') && !lines.some(isMoneyOut);
  if (isOver) return { kind: 'forgotten_end', payoutId, runs, caution: undefined };
  return { kind: 'forgotten', payoutId, runs, caution: cautionOf({ round: 1, next: 1 }, witnesses) };
}

/** Failed in the books, and tried again since: by a run of a later round, or by an attempt that the books have not started. */
function forgottenRound(witnesses: Witnesses, booked: Booked): SendingFinding | undefined {
  const { payoutId, runs, lines = [] } = witnesses;
  const round = booked.payout.round + 1;
  const next = nextAttempt(booked);
  const later = runs.filter((run) => run.round >= round);
  const isOut = lines.some((line) => isMoneyOut(line) && attemptIn(line) >= next);
  const newest = later.filter((run) => run.round === newestRound(later));
  if (!isOut && newest.every(({ told }) => told === 'closed')) return undefined; // not tried again, or in vain
  return { kind: 'forgotten_round', payoutId, caution: cautionOf({ round, next }, witnesses) };
}

const newestRound = (runs: readonly Memory[]): number => Math.max(0, ...runs.map(({ round }) => round));

/** @param at where the books are, and which attempt would be sent next. */
function cautionOf(at: { readonly round: number; readonly next: number }, { runs, lines }: Witnesses): Caution | undefined {
  const newer = runs.filter(({ round }) => round >= at.round);
  const ofNext = (lines ?? []).filter((line) => attemptIn(line) === at.next);
  const isNextDead = ofNext.length > 0 && !ofNext.some(isMoneyOut);
  const gap = gapOf(at.next, newer, lines ?? []);
  const paid = gap === undefined ? [] : (lines ?? []).filter((line) => isPayment(line) && attemptIn(line) > gap).map(attemptIn);
  const why = strayed(at, newer, lines, gap);
  if (why !== undefined) return { because: 'astray', why, isNextDead, paid: [...new Set(paid)] };
  if (ofNext.some(isPayment)) return undefined; // under this very key: the PSP answers so, whatever its merchant was told
  const newest = newer.filter(({ round }) => round === newestRound(newer));
  if (newest.some(({ told }) => told === 'closed')) {
    return { because: 'called_off', why: 'before, it was closed as unpaid', isNextDead, paid };
  }
  return newest.some(({ told }) => told === 'held')
    ? { because: 'held', why: 'before, it was held', isNextDead, paid }
    : undefined;
}

function strayed(
  at: { readonly round: number },
  runs: readonly Memory[],
  lines: Witnesses['lines'],
  gap: number | undefined,
): string | undefined {
  const isPaid = (lines ?? []).some(isPayment);
  if (newestRound(runs) > at.round) return 'it was tried again in a round that the books do not know';
  if (gap !== undefined) return `attempt ${gap} may never have been taken by the PSP, and a later one was`;
  if (!isPaid && runs.some(({ isResolvedPaid }) => isResolvedPaid)) return 'a person had found out that it was paid';
  if (!isPaid && lines && runs.some(({ told }) => told === 'paid')) return 'it was paid, and the statement does not show how';
  return undefined;
}

/** The first attempt that would be sent before one that is known to be later, and that the PSP's book does not show. */
function gapOf(next: number, runs: readonly Memory[], lines: NonNullable<Witnesses['lines']>): number | undefined {
  const shown = new Set(lines.map(attemptIn));
  const latest = Math.max(0, ...runs.map(({ sent }) => sent), ...lines.filter(isMoneyOut).map(attemptIn));
  for (let attempt = next; attempt < latest; attempt += 1) if (!shown.has(attempt)) return attempt;
  return undefined;
}
