/** Why a payout stands as it does: its part of src/rules/explain.ts. What is said of each state is a table over the machine's. */
import {
  type ActionNow,
  type Actor,
  type FailureSoFar,
  instantAfter,
  type NextStep,
  NOBODY,
  nothing,
  type Reasons,
  type StateWords,
  type Step,
  sinceOf,
  type Told,
  type WaitsFor,
} from '../../rules/explain.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';

import { retryWait } from './facts.ts';
import { FAILURE_CLASSES, type FailureClass } from './failures.ts';
import { edgeOf, type FactType, isBeforeItsRun, isFinal, isPaused, type PayoutState, STATES } from './machine.ts';
import { PARKED_MS } from './next.ts';
import type { RecordedPayout } from './recorded.ts';

type Payout = Told<RecordedPayout>;
type Words = StateWords<RecordedPayout>;

const person = (who: Actor, until: string | null = null): WaitsFor => ({ kind: 'person', who, until });

/** When anything was last written down of it: look-ups and waits count from there. */
const changedAt = ({ steps, record }: Payout): string => steps.at(-1)?.at ?? record.createdAt;

/**
 * Look-ups come at growing intervals. By the schedule alone: one that a message of the PSP asks for comes besides.
 * @param fromMs of the first one.
 */
export function nextLookUpMs(fromMs: number, nowMs: number, { firstLookUpMs, lookUpMaxMs }: Payout['schedule']['times']): number {
  let at = fromMs;
  for (let waitMs = firstLookUpMs; at <= nowMs; waitMs = Math.min(waitMs * 2, lookUpMaxMs)) {
    if (waitMs === lookUpMaxMs) return at + Math.ceil((nowMs - at + 1) / waitMs) * waitMs;
    at += waitMs;
  }
  return at;
}

function psp(told: Payout, { atOnce, until }: { readonly atOnce: boolean; readonly until: string | null }): WaitsFor {
  const { nowMs, times } = told.schedule;
  const fromMs = Date.parse(changedAt(told)) + (atOnce ? 0 : times.firstLookUpMs);
  const nextLookUpAt = new Date(nextLookUpMs(fromMs, nowMs, times)).toISOString();
  return { kind: 'psp', psp: told.record.psp, nextLookUpAt, until };
}

const lookUp =
  (what: string, atOnce = false) =>
  (told: Payout): NextStep => {
    const waits = psp(told, { atOnce, until: null });
    return { what, at: waits.kind === 'psp' ? waits.nextLookUpAt : null };
  };

/** As long as it says so, a PSP may take its time; one that says nothing for so long is asked for as an unknown outcome. */
const silentAt = (told: Payout): string => instantAfter(changedAt(told), told.schedule.times.outcomeDeadlineMs);

const atPsp = (is: string): Words => ({
  is: () => is,
  waits: (told) => psp(told, { atOnce: false, until: silentAt(told) }),
  next: lookUp(
    'the PSP is asked what became of it, unless it tells before; if it says nothing at all, the outcome counts as unknown',
  ),
});

const isRefused = ({ from, to }: Step): boolean => from === 'SUBMITTING' && to === 'QUEUED';

/** The PSP could not take it, so often in a row: it is asked again after a wait that grows. A PSP may ask for a longer one. */
function refusedInARow(steps: readonly Step[]): number {
  const before = steps.findLastIndex((step) => !isRefused(step) && step.to !== 'SUBMITTING');
  return steps.slice(before + 1).filter(isRefused).length;
}

function sendsAt({ steps, schedule }: Payout): string | null {
  const last = steps.at(-1);
  return last && isRefused(last) ? instantAfter(last.at, retryWait(refusedInARow(steps), schedule.times)) : null;
}

const attemptDue = (told: Payout): string => {
  const { nextAttemptAt, attempt, attemptsBefore } = told.record;
  return nextAttemptAt ?? instantAfter(changedAt(told), retryWait(attempt - attemptsBefore, told.schedule.times));
};

const reviewEnds = ({ record, steps, schedule }: Payout): string =>
  record.reviewUntil ?? instantAfter(sinceOf({ steps }, 'IN_REVIEW', record.createdAt), schedule.times.reviewWindowMs);

const list = (words: readonly (string | number)[]): string => words.join(', ');

/** What it waits for once nothing holds it up. */
const queued: Words = {
  is: ({ record }) => {
    if (record.sequence === 0) return 'It was answered, and no worker has taken it up yet: nothing of it is reserved or sent';
    if (record.unproven.length > 0) return `It is about to go to an operator: attempt ${list(record.unproven)} may still be paid`;
    return isBeforeItsRun(record) ? 'It is approved, and is sent by the next run' : 'It is ready to be sent';
  },
  waits: (told) => {
    if (told.record.sequence === 0 || told.record.unproven.length > 0) return NOBODY;
    if (isBeforeItsRun(told.record)) return { kind: 'run', at: told.schedule.nextRunAt };
    const until = sendsAt(told);
    return until === null ? NOBODY : { kind: 'timer', until };
  },
  next: (told) => {
    if (told.record.sequence === 0) return { what: 'a worker reserves its money, or refuses it', at: null };
    if (told.record.unproven.length > 0) return { what: 'an operator is asked', at: null };
    if (isBeforeItsRun(told.record)) return { what: 'the run sends it', at: told.schedule.nextRunAt };
    return { what: `attempt ${told.record.attempt + (told.record.attemptOpen ? 0 : 1)} is sent`, at: sendsAt(told) };
  },
};

/** Of one that is over: what is still looked into. */
const over = (is: (told: Payout) => string): Words => ({
  is,
  waits: ({ record }) => (record.needsOperator ? person('operator') : NOBODY),
  next: ({ record }) =>
    record.unproven.length === 0
      ? null
      : { what: `attempt ${list(record.unproven)}, which is in doubt, is looked up again`, at: null },
});

const because = ({ record }: Payout): string => (record.failure === null ? '' : `: ${record.failure.message}`);
const held = ({ record }: Payout): string => (record.hold === null ? '' : `: ${record.hold.reason}`);

const WORDS: Readonly<Record<PayoutState, Words>> = {
  IN_REVIEW: {
    is: ({ record }) => {
      const reasons = (record.review?.reasons ?? []).map(({ detail }) => detail);
      return `An approver must decide before it is sent${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
    },
    waits: (told) => person('approver', reviewEnds(told)),
    next: (told) => ({ what: 'it is rejected and its money released, if nobody has decided by then', at: reviewEnds(told) }),
  },
  REVIEW_ON_HOLD: {
    is: (told) => `It was stopped while it was in review${held(told)}`,
    waits: () => person('operator'),
    next: nothing,
  },
  QUEUED: queued,
  ON_HOLD: { is: (told) => `It was stopped before it was sent${held(told)}`, waits: () => person('operator'), next: nothing },
  RETRY_WAIT: {
    is: ({ record }) => `Attempt ${record.attempt} failed for certain, and another one follows`,
    waits: (told) => ({ kind: 'timer', until: attemptDue(told) }),
    next: (told) => ({ what: `attempt ${told.record.attempt + 1} is sent`, at: attemptDue(told) }),
  },
  SUBMITTING: {
    is: ({ record }) => `Attempt ${record.attempt} is on its way to the PSP`,
    waits: ({ record }) => ({ kind: 'psp', psp: record.psp, nextLookUpAt: null, until: null }),
    next: () => ({ what: 'the PSP answers; where no answer comes, the outcome counts as unknown and is looked up', at: null }),
  },
  PSP_QUEUED: atPsp('The PSP has it in its queue'),
  PSP_HELD: { ...atPsp('The PSP holds it'), is: (told) => `The PSP holds it${held(told)}` },
  PROCESSING: atPsp('The PSP is paying it'),
  UNKNOWN: {
    is: ({ record }) => `Nobody knows yet what became of attempt ${record.attempt}, so its money stays reserved`,
    waits: (told) => psp(told, { atOnce: true, until: told.record.outcomeUntil }),
    next: lookUp(
      'the PSP is asked what became of it; where it knows nothing of it, it is asked for again under the same key',
      true,
    ),
  },
  UNRESOLVED: {
    is: ({ record }) =>
      `Whether it was paid must be found out by a person (attempt ${list(record.unproven)}): nothing more is sent before`,
    waits: () => person('operator'),
    next: lookUp('the PSP is asked again, and may still tell'),
  },
  SUCCEEDED: over(() => 'It was paid'),
  FAILED: over((told) => `It failed, and its money is available again${because(told)}`),
  REJECTED: over((told) => `It was rejected and never sent${because(told)}`),
  CANCELLED: over((told) => `It was called off before it was sent${because(told)}`),
  RETURNED: over(() => 'It was paid, and the bank has sent it back: the money is available again'),
};

/** A step that could not be done at all: an operator is to see why. The newest word on it counts. */
function parkedStep({ steps, record }: Payout): Step | undefined {
  const last = steps.at(-1);
  return last?.type === 'payout.parked' && !isFinal(record.state) ? last : undefined;
}

const asParked = (step: Step): Words => ({
  is: () => `Its next step cannot be done as it is: ${wordIn(step.data, 'reason') ?? 'see its timeline'}`,
  waits: () => person('operator', instantAfter(step.at, PARKED_MS)),
  next: () => ({ what: 'the step is tried again', at: instantAfter(step.at, PARKED_MS) }),
});

/** Which pause, and when it ends, the books know: an operator can end it. */
const PAUSED: Words = {
  is: () => 'It is not sent while a pause holds',
  waits: () => person('operator'),
  next: () => ({ what: 'it is sent, once no pause holds any more', at: null }),
};

interface Action {
  readonly action: string;
  readonly by: (record: RecordedPayout) => Actor | null;
  readonly fact: FactType;
  /** `only …`. */
  readonly when: string;
  /** Not while an attempt may still be paid. `open`: that matters only before the end. */
  readonly needsProof?: 'always' | 'open';
  /** Not by who made it, nor twice by the same person. */
  readonly isDecision?: true;
}

export const ACTIONS: readonly Action[] = [
  { action: 'approve', by: () => ACTION_ROLES.approve, fact: 'approved', when: 'while it is in review', isDecision: true },
  {
    action: 'reject',
    by: () => ACTION_ROLES.reject,
    fact: 'rejected',
    when: 'while it is in review, or stopped before it was sent',
    needsProof: 'always',
    isDecision: true,
  },
  { action: 'hold', by: () => ACTION_ROLES.hold, fact: 'held', when: 'while it is in review, or waits to be sent' },
  { action: 'release', by: () => ACTION_ROLES.release, fact: 'hold_lifted', when: 'while a person holds it' },
  {
    action: 'resolve',
    by: () => ACTION_ROLES.resolve,
    fact: 'resolved_paid',
    when: 'once its outcome stayed unknown, or what the PSP says contradicts the books',
  },
  {
    action: 'acknowledge',
    by: () => ACTION_ROLES.acknowledge,
    fact: 'acknowledged',
    when: 'where it need not be resolved',
    needsProof: 'open',
  },
  {
    action: 'send-now',
    by: () => ACTION_ROLES['send-now'],
    fact: 'hurried',
    when: 'while it waits to be sent',
  },
  {
    action: 'look-up-now',
    by: () => ACTION_ROLES['look-up-now'],
    fact: 'look_up_asked',
    when: 'while the PSP has it, or may have it',
  },
  {
    action: 'give-up',
    by: () => ACTION_ROLES['give-up'],
    fact: 'given_up',
    when: 'while it waits for the PSP',
  },
  {
    action: 'route',
    by: () => ACTION_ROLES.route,
    fact: 'routed',
    when: 'while nothing of it was sent, or what was sent is proven dead',
    needsProof: 'always',
  },
  { action: 'retry', by: () => ACTION_ROLES.retry, fact: 'reinitiated', when: 'once it has failed', needsProof: 'always' },
  {
    action: 'reinitiate',
    by: ({ kind }) => (kind === 'merchant' ? 'merchant' : null), // a provider asks for a payout anew
    fact: 'reinitiated',
    when: 'once it has failed',
    needsProof: 'always',
  },
  {
    action: 'cancel',
    by: ({ kind }) => kind,
    fact: 'cancelled',
    when: 'while nothing of it was sent, or what was sent is proven dead',
    needsProof: 'always',
  },
];

/** By the machine's edges, and by what the ledger asks besides (judge_our_fact.sql). */
function actionsOf(record: RecordedPayout): ActionNow[] {
  return ACTIONS.flatMap((each) => {
    const by = each.by(record);
    if (by === null) return [];
    const why = whyNot(each, record);
    const notBy = each.isDecision && why === null ? individualsOf(record) : [];
    return [{ action: each.action, by, allowed: why === null, why, notBy }];
  });
}

function whyNot({ fact, when, needsProof }: Action, record: RecordedPayout): string | null {
  const { state, sequence, unproven } = record;
  if (sequence === 0) return 'It is not in the books yet.';
  if (!edgeOf(state, fact)) return `Only ${when}.`;
  const isInDoubt = unproven.length > 0 && !STATES[state].inFlight; // in flight, one attempt is simply open
  if (isInDoubt && (needsProof === 'always' || (needsProof === 'open' && !isFinal(state))))
    return `Attempt ${list(unproven)} may still be paid: that is cleared up first.`;
  return null;
}

function individualsOf({ review, beside }: RecordedPayout): ActionNow['notBy'] {
  const maker = beside?.makerId ? [{ id: beside.makerId, why: 'issued the key that made it' }] : [];
  const deciders = (review?.approvals ?? []).map(({ adminId, decision }) => ({ id: adminId, why: `has ${decision} it already` }));
  return [...maker, ...deciders];
}

const wordIn = (data: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = data[name];
  return typeof value === 'string' ? value : undefined;
};

const isClass = (value: unknown): value is FailureClass => typeof value === 'string' && Object.hasOwn(FAILURE_CLASSES, value);

interface Wrong {
  readonly code: string;
  readonly class: FailureClass | null;
  readonly means: string;
  /** Where nothing was said. */
  readonly message: string;
}

const ofClass = (code: string, name: FailureClass, message: string): Wrong => ({
  code,
  class: name,
  means: FAILURE_CLASSES[name].means,
  message,
});

/** What a step that names no failure says went wrong; undefined: nothing did. */
function wrongIn({ type, from, to, data }: Step): Wrong | undefined {
  switch (type) {
    case 'payout.outcome_unknown':
      if (to === 'UNKNOWN') return ofClass('outcome_unknown', 'G', 'the PSP was asked, and nobody knows what came of it');
      if (wordIn(data, 'reason') === undefined) return ofClass('outcome_overdue', 'G', 'the outcome stayed unknown for too long');
      return ofClass('contradiction', 'K', 'what the PSP says contradicts the books');
    case 'payout.queued':
      return from === 'SUBMITTING' && to === 'QUEUED'
        ? {
            code: 'not_taken',
            class: null,
            message: 'the PSP could not take it',
            means: 'certainly not taken; it is asked for again',
          }
        : undefined;
    case 'payout.on_hold':
      return to === 'PSP_HELD' ? ofClass('psp_held', 'I', 'held by the PSP') : undefined;
    case 'payout.returned':
      return ofClass('returned', 'J', 'the bank sent it back');
    case 'payout.parked':
      return {
        code: 'parked',
        class: null,
        message: 'a step cannot be done',
        means: 'the books or the PSP do not allow the next step: a person must see why',
      };
    default:
      return undefined;
  }
}

function failureIn(step: Step): FailureSoFar[] {
  const { at, data } = step;
  const attempt = typeof data['attempt'] === 'number' ? data['attempt'] : null;
  const failure = (typeof data['failure'] === 'object' && data['failure'] !== null ? data['failure'] : {}) as Readonly<
    Record<string, unknown>
  >;
  const [name, code] = [failure['class'], wordIn(failure, 'code')];
  if (code !== undefined) {
    const means = isClass(name) ? FAILURE_CLASSES[name].means : 'the PSP gave no class of it';
    return [{ at, attempt, class: isClass(name) ? name : null, code, message: wordIn(failure, 'message') ?? code, means }];
  }
  const wrong = wrongIn(step);
  return wrong ? [{ at, attempt, ...wrong, message: wordIn(data, 'reason') ?? wrong.message }] : [];
}

/** All of one payout, at the time that the schedule names. */
export function explainPayout(told: Payout): Reasons {
  const { record, steps, money } = told;
  const parked = parkedStep(told);
  const words = parked ? asParked(parked) : isPaused(record) ? PAUSED : WORDS[record.state];
  return {
    is: words.is(told),
    state: record.state,
    since: sinceOf(told, record.state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: actionsOf(record),
    money,
    failures: steps.flatMap(failureIn),
  };
}
