/** Why a withdrawal, a slice of one, or a payin stands as it does: its part of src/rules/explain.ts. */
import {
  type ActionNow,
  type Actor,
  type FailureSoFar,
  type MoneyAt,
  NOBODY,
  nothing,
  type Reasons,
  type StateWords,
  type Step,
  sinceOf,
  type Told,
} from '../../rules/explain.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { BATCH, BATCH_STATES, type BatchFact, type BatchState } from './batchMachine.ts';
import { PAYIN, type PayinFact, type PayinState } from './payinMachine.ts';
import { INSTANT_PAYOUT, type InstantPayoutState } from './payoutMachine.ts';
import type { BatchRecord, InstantPayoutRecord, InstantReviewReason, PayinRecord } from './records.ts';

type Withdrawal = Told<InstantPayoutRecord>;
type Slice = Told<BatchRecord>;

const mayClose = ({ state, closing, restPayoutId }: InstantPayoutRecord): boolean =>
  !INSTANT_PAYOUT.isFinal(state) && closing !== 'cancelled' && restPayoutId === null;

/** Its slices may be given to payers. */
const isFilling = ({ state, closing }: InstantPayoutRecord): boolean =>
  (state === 'open' || state === 'partially_paid') && closing === null;

/** Whoever still has a slice, or might get one; then what nobody paid goes the way that the withdrawal says. */
const filling = (is: string): StateWords<InstantPayoutRecord> => ({
  is: ({ record }) => (record.closing === null ? is : `${is}, and no slice is given to anybody any more`),
  waits: ({ record }) => (mayClose(record) ? { kind: 'person', who: 'user', until: null } : NOBODY),
  next: ({ record }) => ({
    what:
      record.onUnfilled === 'psp' && record.closing !== 'cancelled'
        ? 'what nobody pays in time goes to the payee by an ordinary payout'
        : 'what nobody pays in time comes back to the payee’s wallet',
    at: null,
  }),
});

/** No slice is given to anybody meanwhile (open_payin, match_payin, match_batch); whoever has one goes on, and so does the time. */
const paused = <Record>(words: StateWords<Record>): StateWords<Record> => ({
  ...words,
  is: (told) => `${words.is(told)}; no slice is given to anybody while a pause holds`,
  waits: () => ({ kind: 'person', who: ACTION_ROLES.pause, until: null }),
});

const ended = (is: string): StateWords<InstantPayoutRecord> => ({ is: () => is, waits: () => NOBODY, next: nothing });

const WITHDRAWAL_WORDS: Readonly<Record<InstantPayoutState, StateWords<InstantPayoutRecord>>> = {
  open: filling('Payers may take its slices, and none is paid yet'),
  partially_paid: filling('Some of its slices are paid'),
  disputed: {
    is: () => 'Of one of its slices it is said that the money did not come',
    waits: () => ({ kind: 'person', who: ACTION_ROLES.resolve, until: null }),
    next: nothing,
  },
  completed: ended('All of it is paid'),
  partially_completed: ended('Some of it is paid, or went to a payout; the rest came back'),
  cancelled: ended('None of it is paid; it came back to the payee’s wallet'),
};

const by = (who: Actor, until: string | null) => ({ kind: 'person', who, until }) as const;

const SLICE_WORDS: Readonly<Record<BatchState, StateWords<BatchRecord>>> = {
  unassigned: { is: () => 'Nobody has it', waits: () => by('user', null), next: nothing },
  reassigned: {
    is: () => 'Whoever had it did not pay in time, and nobody has it now',
    waits: () => by('user', null),
    next: nothing,
  },
  assigned: {
    is: () => 'A payer has it, and is to pay and to show that',
    waits: ({ record }) => by('user', record.payUntil),
    next: ({ record }) => ({ what: 'it is given to another payer', at: record.payUntil }),
  },
  proof_submitted: {
    is: () => 'A proof was shown, and a person is to look at it',
    waits: () => by(ACTION_ROLES.resolve, null),
    next: nothing,
  },
  sys_confirmed: {
    is: ({ record }) =>
      record.money === 'credited'
        ? 'Its proof is valid, and its payer has been credited'
        : 'Its proof is valid; its payer is credited once the payee, or the payee’s bank, confirms',
    waits: ({ record }) => (record.review ? by(ACTION_ROLES.resolve, null) : by('user', record.confirmUntil)),
    next: ({ record }) =>
      record.review
        ? null
        : { what: 'what the payee’s bank has told of is confirmed; at the rest a person looks', at: record.confirmUntil },
  },
  disputed: {
    is: () => 'It is said that its money did not come',
    waits: () => by(ACTION_ROLES.resolve, null),
    next: nothing,
  },
  confirmed: { is: () => 'It is paid: the payee, or the payee’s bank, says so', waits: () => NOBODY, next: nothing },
  admin_approved: { is: () => 'It is paid: an operator has decided so', waits: () => NOBODY, next: nothing },
  rejected: { is: () => 'It was not paid: an operator has decided so', waits: () => NOBODY, next: nothing },
  cancelled: { is: () => 'Nobody paid it, and nobody is to', waits: () => NOBODY, next: nothing },
  late_proof: {
    is: () => 'Nobody was to pay it any more when somebody showed a proof',
    waits: () => by(ACTION_ROLES.resolve, null),
    next: nothing,
  },
};

const PAYIN_WORDS: Readonly<Record<PayinState, StateWords<PayinRecord>>> = {
  waiting: {
    is: () => 'It waits for a slice of its amount',
    waits: ({ record }) => ({ kind: 'timer', until: record.waitUntil }),
    next: ({ record }) => ({ what: 'it is over, if no slice comes free before', at: record.waitUntil }),
  },
  assigned: {
    is: () => 'It has a slice, which its payer is to pay, and to show that',
    waits: ({ record }) => by('user', record.payUntil),
    next: ({ record }) => ({ what: 'it is over; a proof that comes later is not lost', at: record.payUntil }),
  },
  proof_submitted: {
    is: () => 'Its proof was shown',
    waits: () => NOBODY,
    next: () => ({ what: 'it is credited once the payee, the payee’s bank or an operator says that it was paid', at: null }),
  },
  completed: { is: () => 'It is paid, and its payer has been credited', waits: () => NOBODY, next: nothing },
  failed: { is: () => 'It was not paid, or the payee has given it back', waits: () => NOBODY, next: nothing },
  expired: {
    is: () => 'No slice came free in time, or its payer showed no proof in time: one that comes late is not lost',
    waits: () => NOBODY,
    next: nothing,
  },
  late_proof: {
    is: () =>
      'It is to be decided by a person: its proof came when the slice was another’s, or closed; or the payee’s bank has what was said not to be paid',
    waits: () => by(ACTION_ROLES.resolve, null),
    next: nothing,
  },
  reversed: {
    is: () => 'It was credited, and turned out not to be paid: the credit was taken back',
    waits: () => NOBODY,
    next: nothing,
  },
};

interface Action<Fact, State> {
  readonly action: string;
  readonly by: Actor;
  /** Null: in the states that are named. */
  readonly fact: Fact | null;
  readonly states?: readonly State[];
  readonly when: string;
}

export const BATCH_ACTIONS: readonly Action<BatchFact, BatchState>[] = [
  { action: 'claim', by: 'merchant', fact: null, states: ['unassigned', 'reassigned'], when: 'while nobody has it' },
  { action: 'screenshot', by: 'merchant', fact: 'proved', when: 'while a payer has it, or nobody' },
  { action: 'confirm', by: 'merchant', fact: 'confirmed', when: 'once a proof was shown, until the last word is said' },
  { action: 'dispute', by: 'merchant', fact: 'disputed', when: 'once a proof was shown, until somebody has confirmed' },
  { action: 'approve', by: ACTION_ROLES.resolve, fact: 'approved', when: 'once a proof was shown, until the last word is said' },
  { action: 'reject', by: ACTION_ROLES.resolve, fact: 'rejected', when: 'once a proof was shown, until the last word is said' },
  { action: 'reassign', by: ACTION_ROLES.resolve, fact: 'taken_back', when: 'while a payer has it' },
  { action: 'decide-late-proof', by: ACTION_ROLES.resolve, fact: 'late_decided', when: 'once a proof came too late' },
];

export const PAYIN_ACTIONS: readonly Action<PayinFact, PayinState>[] = [
  { action: 'screenshot', by: 'merchant', fact: 'proved', when: 'once it has a slice, and until a proof was shown' },
  {
    ...{ action: 'decide-late-proof', by: ACTION_ROLES.resolve, fact: null },
    ...{ states: ['late_proof'], when: 'once a proof came too late' },
  },
];

function actionsOf<Fact, State extends string>(
  actions: readonly Action<Fact, State>[],
  state: State,
  may: (fact: Fact) => boolean,
): ActionNow[] {
  return actions.map(({ action, by: who, fact, states, when }) => {
    const allowed = fact === null ? (states?.includes(state) ?? true) : may(fact);
    return { action, by: who, allowed, why: allowed ? null : `Only ${when}.`, notBy: [] };
  });
}

const MEANS: Readonly<Record<InstantReviewReason, string>> = {
  same_image: 'the very image was shown before, with another UTR: look whose payment it is',
  similar_image: 'an image that looks like it was shown before: look whose payment it is',
  near_utr: 'a UTR that differs in one place was shown for the same payee and amount: it may be the same payment',
  amount_differs: 'the payee’s bank tells of another amount under this UTR',
  payer_frozen: 'by a proof alone nobody who is frozen is credited: look whether it was paid',
  payee_frozen: 'nothing moves the money of a frozen user: the payee’s merchant lifts that',
  balance_limit: 'the payer’s balance would become larger than any may be',
  not_confirmed: 'the payee has said nothing, and no bank has told of it',
};

const failure = (at: string, code: string, message: string, means: string): FailureSoFar => ({
  ...{ at, code, message, means },
  attempt: null,
  class: null,
});

function failuresIn({ to, from, at, data }: Step): FailureSoFar[] {
  if (to === 'reassigned' && from === 'assigned')
    return [failure(at, 'not_paid_in_time', 'its payer showed no proof in time', 'it is given to another payer')];
  if (to === 'disputed' && from !== 'disputed')
    return [failure(at, 'disputed', String(data['reason'] ?? 'not received'), 'an operator decides whether it was paid')];
  return [];
}

const reviewOf = ({ record }: Slice): FailureSoFar[] =>
  (record.review?.reasons ?? []).map((reason) => failure(record.updatedAt, reason, `in review: ${reason}`, MEANS[reason]));

/** What is still reserved because of it. */
const reserved = (ownerId: string | null, amountMinor: string, currency: string): MoneyAt[] =>
  amountMinor === '0' ? [] : [{ ownerKind: 'user', ownerId, purpose: 'reserved', amountMinor, currency }];

export function explainWithdrawal(told: Withdrawal): Reasons {
  const { record, steps } = told;
  const isHeld = told.isPaused === true && isFilling(record);
  const words = isHeld ? paused(WITHDRAWAL_WORDS[record.state]) : WITHDRAWAL_WORDS[record.state];
  const allowed = mayClose(record);
  const why = allowed ? null : 'Only while it is not over, not cancelled, and its rest is with no payout.';
  const isDisputed = record.state === 'disputed';
  const decide = { allowed: isDisputed, why: isDisputed ? null : 'Only while it is disputed.', notBy: [] };
  return {
    is: words.is(told),
    state: record.state,
    since: sinceOf(told, record.state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: [
      { action: 'cancel', by: 'merchant', allowed, why, notBy: [] },
      { action: 'cancel', by: ACTION_ROLES.resolve, allowed, why, notBy: [] },
      { action: 'decide-dispute', by: ACTION_ROLES.resolve, ...decide },
    ],
    money: reserved(record.userId, record.remainingMinor, record.currency),
    failures: steps.flatMap(failuresIn),
  };
}

export function explainBatch(told: Slice): Reasons {
  const { record, steps } = told;
  const { state } = record;
  const isHeld = told.isPaused === true && BATCH_STATES[state].free;
  const words = isHeld ? paused(SLICE_WORDS[state]) : SLICE_WORDS[state];
  return {
    is: words.is(told),
    state,
    since: sinceOf(told, state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: actionsOf(BATCH_ACTIONS, state, (fact) => BATCH.edgeOf(state, fact) !== undefined).map((each) =>
      isHeld && each.action === 'claim' ? { ...each, allowed: false, why: 'Not while a pause holds.' } : each,
    ),
    // Whose it is the record does not say: both sides see it.
    money: record.money === 'held' ? reserved(null, record.amountMinor, record.currency) : [],
    failures: [...steps.flatMap(failuresIn), ...(BATCH_STATES[state].final ? [] : reviewOf(told))],
  };
}

export function explainPayin(told: Told<PayinRecord>): Reasons {
  const { record, money } = told;
  const isHeld = told.isPaused === true && record.state === 'waiting';
  const words = isHeld ? paused(PAYIN_WORDS[record.state]) : PAYIN_WORDS[record.state];
  const hadSlice = record.batchId !== null; // who never had a slice has no proof to show
  return {
    is: words.is(told),
    state: record.state,
    since: sinceOf(told, record.state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: actionsOf(PAYIN_ACTIONS, record.state, (fact) => hadSlice && PAYIN.edgeOf(record.state, fact) !== undefined),
    money,
    failures: [],
  };
}
