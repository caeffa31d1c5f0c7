/**
 * What a payout's workflow does next: pure, so that the workflow runs it and the model explores it. `hear` takes in what
 * happened, `next` says what to do: one main act, and the look-ups that the PSP's messages ask for, side by side.
 */
import type { Fact, PayoutRecord, PayoutTimes, PspNotice } from './contract.ts';
import { retryWait } from './facts.ts';
import { isBeforeItsRun, isFinal } from './machine.ts';

/** A step that was impossible is tried again by itself: what made it so may have been mended, or the books be further than we saw. */
export const PARKED_MS = 3_600_000;

/**
 * What is held back by a pause is told when that ends (activities/pauses.ts), by a paced walk over the books. Should that
 * never come, it asks the books by itself: a dozen events of a history each time, so that a week's pause costs some three hundred.
 */
export const HELD_BACK_MS = 6 * 3_600_000;

/** Of one attempt, all under one key. A PSP that lost three requests, each past its grace, needs a person. */
export const MAX_RESENDS = 2;

/** What is read of the payout's record. */
export type Seen = Pick<
  PayoutRecord,
  | 'state'
  | 'sequence'
  | 'round'
  | 'attempt'
  | 'attemptsBefore'
  | 'attemptOpen'
  | 'unproven'
  | 'dispatch'
  | 'runId'
  | 'nextAttemptAt'
  | 'reviewUntil'
  | 'outcomeUntil'
>;

/** All that a run knows. The books know the rest; a run that takes a payout up begins with an empty one. */
export interface Mind {
  readonly seen: Seen;
  /** The round that this run is for; 0: it only looks into messages. */
  readonly round: number;
  /** When its newest change was seen. */
  readonly seenAtMs: number;
  /** The PSP's messages that nobody is looking into yet. */
  readonly notices: readonly PspNotice[];
  /** Those that are being looked into, by attempt: one look-up each, so that no answer overtakes another of its attempt. */
  readonly confirming: readonly Confirmation[];
  /**
   * Attempts to be looked up once more since the payout came back: while that was being written down the bank may have paid
   * again, and its message been taken for a repetition of the first payment.
   */
  readonly again: readonly number[];
  /** Sends in a row that came to nothing: the pause before the next one grows with them. */
  readonly idleSends: number;
  readonly pauseUntilMs: number;
  /** How often the newest attempt was sent again because the PSP said it knows no such reference. */
  readonly resends: number;
  /** A look-up that changed nothing is not made again before this. */
  readonly lookUpFromMs: number;
  /** The change after which a look-up found nothing at the PSP. */
  readonly notFoundAt: number | null;
  /** The change after which a PSP that had it said nothing of it any more, for as long as an outcome may stay unknown. */
  readonly silentAt: number | null;
  /** The round before whose first attempt all earlier ones were looked up again. */
  readonly checkedRound: number;
  /** The change at which a step turned out to be impossible: until the next one, or this time, this run only listens. */
  readonly parkedAt: number | null;
  readonly parkedUntilMs: number;
  /** A pause holds: nothing is sent before this, or before this run is told that it has ended. */
  readonly heldBackUntilMs: number;
}

export interface Confirmation {
  readonly attempt: number;
  readonly notices: readonly PspNotice[];
}

export type PayoutEvent =
  | { readonly kind: 'seen'; readonly seen: Seen; readonly askedAt: number }
  | { readonly kind: 'noticed'; readonly notice: PspNotice }
  /**
   * A send is over, whatever came of it. `isResend`: its outcome was unknown before; `moved`: it changed the payout;
   * `isPaused`: it was not begun, because a pause holds.
   */
  | {
      readonly kind: 'sent';
      readonly isResend: boolean;
      readonly moved: boolean;
      readonly retryAfterMs: number | null;
      readonly isPaused?: boolean;
    }
  /** Perhaps no pause holds any more. */
  | { readonly kind: 'let_go' }
  /** A person does not want to wait: whatever only waits for its time is due. */
  | { readonly kind: 'hurried' }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'silent' }
  /** A look-up's answer was told to the books, or its time was over. */
  | { readonly kind: 'looked_up'; readonly moved: boolean }
  | { readonly kind: 'checked' }
  | { readonly kind: 'confirming'; readonly confirmation: Confirmation }
  | { readonly kind: 'confirmed'; readonly attempt: number }
  | { readonly kind: 'parked' };

/** `atMs`: not before; whatever is heard meanwhile may lead elsewhere. */
export type Act =
  | { readonly do: 'wait'; readonly untilMs: number | null; readonly why: string }
  | { readonly do: 'send'; readonly attempt: number; readonly atMs: number; readonly why: string }
  /** Look up what earlier rounds' attempts became: before money is asked for under a new key. */
  | { readonly do: 'check'; readonly attempts: readonly number[]; readonly atMs: number; readonly why: string }
  | {
      readonly do: 'look_up';
      readonly attempts: readonly number[];
      readonly atMs: number;
      readonly untilMs: number | null;
      readonly why: string;
    }
  | { readonly do: 'apply'; readonly fact: Fact; readonly atMs: number; readonly why: string }
  | { readonly do: 'end' };

export interface Acts {
  readonly main: Act;
  readonly confirm: readonly Confirmation[];
}

export const newMind = (seen: Seen, round: number, nowMs: number): Mind => ({
  seen,
  round,
  seenAtMs: nowMs,
  notices: [],
  confirming: [],
  again: [],
  idleSends: 0,
  pauseUntilMs: 0,
  resends: 0,
  lookUpFromMs: 0,
  notFoundAt: null,
  silentAt: null,
  checkedRound: 1,
  parkedAt: null,
  parkedUntilMs: 0,
  heldBackUntilMs: 0,
});

export function hear(mind: Mind, event: PayoutEvent, nowMs: number, times: PayoutTimes): Mind {
  switch (event.kind) {
    case 'seen':
      return see(mind, event.seen, event.askedAt, nowMs);
    case 'noticed':
      return knows(mind, event.notice) ? mind : { ...mind, notices: [...mind.notices, event.notice] };
    case 'sent':
      return sent(mind, event, nowMs, times);
    case 'let_go':
      return { ...mind, heldBackUntilMs: 0 };
    case 'hurried':
      return hurried(mind, nowMs, times);
    case 'not_found': // looked up again only while it must not be sent again
      return { ...mind, notFoundAt: mind.seen.sequence, lookUpFromMs: nowMs + times.lookUpMaxMs };
    case 'silent':
      return { ...mind, silentAt: mind.seen.sequence };
    case 'looked_up':
      return { ...mind, lookUpFromMs: event.moved ? 0 : nowMs + times.lookUpMaxMs };
    case 'checked':
      return { ...mind, checkedRound: mind.seen.round };
    case 'confirming':
      return {
        ...mind,
        notices: mind.notices.filter(({ attempt }) => attempt !== event.confirmation.attempt),
        again: mind.again.filter((attempt) => attempt !== event.confirmation.attempt),
        confirming: [...mind.confirming, event.confirmation],
      };
    case 'confirmed':
      return { ...mind, confirming: mind.confirming.filter(({ attempt }) => attempt !== event.attempt) };
    case 'parked':
      return { ...mind, parkedAt: mind.seen.sequence, parkedUntilMs: nowMs + PARKED_MS };
  }
}

/** An older view than ours changes nothing. One with less than we knew when we asked does: the books were restored from a backup. */
function see(mind: Mind, seen: Seen, askedAt: number, nowMs: number): Mind {
  const known = mind.seen.sequence;
  if (seen.sequence === known || (seen.sequence < known && seen.sequence >= askedAt)) return mind;
  const cameBack = seen.state === 'RETURNED' && mind.seen.state !== 'RETURNED';
  const again = cameBack ? [seen.attempt] : mind.again;
  return {
    ...mind,
    seen,
    again,
    seenAtMs: nowMs,
    lookUpFromMs: 0,
    resends: seen.attempt === mind.seen.attempt ? mind.resends : 0,
  };
}

/** The same message may be handed on again while it is being looked into. */
const knows = ({ notices, confirming }: Mind, { messageId }: PspNotice): boolean =>
  [...notices, ...confirming.flatMap((each) => each.notices)].some((each) => each.messageId === messageId);

/** The first look-up is due, too, as if it had been seen that long ago. */
function hurried(mind: Mind, nowMs: number, { firstLookUpMs }: PayoutTimes): Mind {
  const seenAtMs = Math.min(mind.seenAtMs, nowMs - firstLookUpMs);
  return { ...mind, seenAtMs, idleSends: 0, pauseUntilMs: 0, heldBackUntilMs: 0, lookUpFromMs: 0 };
}

/** Still to be sent: the PSP could not take it, or no worker got as far as sending. Then wait, longer each time. */
function sent(mind: Mind, event: Extract<PayoutEvent, { kind: 'sent' }>, nowMs: number, times: PayoutTimes): Mind {
  if (event.isPaused) return { ...mind, heldBackUntilMs: nowMs + HELD_BACK_MS };
  const isIdle = mind.seen.state === 'QUEUED' || !event.moved;
  const idleSends = isIdle ? mind.idleSends + 1 : 0;
  const pauseMs = isIdle ? Math.max(event.retryAfterMs ?? 0, retryWait(idleSends, times)) : 0;
  // A worker that died before it began has asked nobody.
  const resends = mind.resends + (event.isResend && event.moved ? 1 : 0);
  return { ...mind, idleSends, pauseUntilMs: nowMs + pauseMs, resends };
}

export function next(mind: Mind, nowMs: number, times: PayoutTimes): Acts {
  const busy = new Set(mind.confirming.map(({ attempt }) => attempt));
  const waiting = [...new Set([...mind.notices.map(({ attempt }) => attempt), ...mind.again])].filter(
    (attempt) => !busy.has(attempt),
  );
  const confirm = waiting.map((attempt) => ({
    attempt,
    notices: mind.notices.filter((each) => each.attempt === attempt),
  }));
  return { main: mainAct(mind, nowMs, times), confirm };
}

function mainAct(mind: Mind, nowMs: number, times: PayoutTimes): Act {
  const { seen, parkedAt, parkedUntilMs } = mind;
  if (isFinal(seen.state) || seen.round !== mind.round) return { do: 'end' };
  if (parkedAt === seen.sequence && nowMs < parkedUntilMs) return { do: 'wait', untilMs: parkedUntilMs, why: 'an operator' };
  const act = actOf(mind, nowMs, times);
  // What the PSP has told us about comes first: a message may be the payment that makes the next request one too many.
  const isAsking = act.do === 'send' || act.do === 'check' || act.do === 'look_up';
  if (!isAsking || (mind.confirming.length === 0 && mind.notices.length === 0)) return act;
  return { do: 'wait', untilMs: seen.state === 'UNKNOWN' ? instant(seen.outcomeUntil) : null, why: 'a look-up after a message' };
}

function actOf(mind: Mind, nowMs: number, times: PayoutTimes): Act {
  const { seen, seenAtMs } = mind;
  const { attempt, unproven } = seen;
  switch (seen.state) {
    case 'IN_REVIEW':
      return {
        do: 'apply',
        fact: { type: 'review_expired' },
        atMs: instant(seen.reviewUntil) ?? seenAtMs + times.reviewWindowMs,
        why: 'review window: rejected when it ends',
      };
    case 'QUEUED':
      if (unproven[0] !== undefined) return doubted(unproven[0]);
      return isBeforeItsRun(seen) ? { do: 'wait', untilMs: null, why: 'a run' } : send(mind);
    case 'RETRY_WAIT': {
      if (unproven[0] !== undefined) return doubted(unproven[0]);
      const dueMs = instant(seen.nextAttemptAt) ?? seenAtMs + retryWait(attempt - seen.attemptsBefore, times);
      return {
        do: 'send',
        attempt: attempt + 1,
        ...notBefore(mind, dueMs, `wait before attempt ${attempt + 1}`),
      };
    }
    case 'SUBMITTING':
      return {
        do: 'apply',
        fact: { type: 'outcome_unknown', attempt, reason: 'the worker that sent it is gone' },
        atMs: 0,
        why: 'nobody is sending it',
      };
    case 'UNKNOWN':
      return findOut(mind, nowMs);
    case 'PSP_QUEUED':
    case 'PSP_HELD':
    case 'PROCESSING':
      return atPsp(mind, times);
    case 'UNRESOLVED':
      return lookUp(mind, times, null); // a person must find out; the PSP may still tell
    default:
      return { do: 'wait', untilMs: null, why: 'somebody' };
  }
}

/**
 * The PSP has it: its message or our next look-up tells. That may take it days, as long as it says so; one that says nothing
 * of what it took, or no longer knows it, is asked for as an unknown outcome, and that ends before an operator.
 */
function atPsp(mind: Mind, times: PayoutTimes): Act {
  const { seen, seenAtMs, lookUpFromMs, silentAt } = mind;
  if (silentAt !== seen.sequence) return lookUp(mind, times, Math.max(seenAtMs, lookUpFromMs) + times.outcomeDeadlineMs);
  const reason = 'the PSP no longer says what became of it';
  return { do: 'apply', fact: { type: 'outcome_unknown', attempt: seen.attempt, reason }, atMs: 0, why: reason };
}

function lookUp({ seen, seenAtMs, lookUpFromMs }: Mind, { firstLookUpMs }: PayoutTimes, untilMs: number | null): Act {
  const atMs = Math.max(seenAtMs + firstLookUpMs, lookUpFromMs);
  return { do: 'look_up', attempts: seen.unproven, atMs, untilMs, why: 'wait for the PSP, then look up' };
}

/** One that the PSP certainly did not take goes again under its own key. */
function send(mind: Mind): Act {
  const { seen, checkedRound } = mind;
  const { attempt, attemptOpen, attemptsBefore, round } = seen;
  const isFirstOfRound = !attemptOpen && attempt > 0 && attempt === attemptsBefore;
  if (isFirstOfRound && round > checkedRound) {
    return { do: 'check', attempts: attemptsThrough(attempt), atMs: 0, why: 'look up all earlier attempts' };
  }
  return {
    do: 'send',
    attempt: attemptOpen ? attempt : attempt + 1,
    ...notBefore(mind, 0, 'the PSP could not take it: wait before asking again'),
  };
}

/** When a request may be sent that is due then, and what it waits for. */
function notBefore({ pauseUntilMs, heldBackUntilMs }: Mind, dueMs: number, why: string): { atMs: number; why: string } {
  const atMs = Math.max(dueMs, pauseUntilMs);
  return heldBackUntilMs > atMs ? { atMs: heldBackUntilMs, why: 'the end of a pause' } : { atMs, why };
}

/** Nobody knows whether the PSP was reached: look up, ask again under the same key at most, and in the end ask a person. */
function findOut({ seen, notFoundAt, resends, pauseUntilMs, lookUpFromMs, heldBackUntilMs }: Mind, nowMs: number): Act {
  const { attempt, sequence, outcomeUntil, unproven } = seen;
  const untilMs = instant(outcomeUntil);
  if (untilMs !== null && untilMs <= nowMs) return overdue(attempt);
  const isHeldBack = resends < MAX_RESENDS && heldBackUntilMs > nowMs;
  if (notFoundAt !== sequence || isHeldBack)
    return { do: 'look_up', attempts: unproven, atMs: Math.min(lookUpFromMs, untilMs ?? lookUpFromMs), untilMs, why: 'look up' };
  // The same key: had the PSP taken the first request after all, this is no second payment.
  if (resends < MAX_RESENDS) return { do: 'send', attempt, atMs: pauseUntilMs, why: 'ask again under the same key' };
  return overdue(attempt);
}

/** It was held while an attempt that was proven dead was shown alive, and is released: that comes first. */
const doubted = (attempt: number): Act => ({
  do: 'apply',
  fact: { type: 'contradicted', attempt, source: 'operator', reason: 'an earlier attempt is in doubt' },
  atMs: 0,
  why: 'an earlier attempt is in doubt',
});

const overdue = (attempt: number): Extract<Act, { do: 'apply' }> => ({
  do: 'apply',
  fact: { type: 'outcome_overdue', attempt },
  atMs: 0,
  why: 'the outcome stayed unknown',
});

const attemptsThrough = (newest: number): readonly number[] => Array.from({ length: newest }, (_, index) => index + 1);

const instant = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso));
