/**
 * The life of a payout as data: states, facts, and the edges between them.
 *
 * A *fact* is something that became true: an admin approved, the PSP says it paid, a deadline passed. Facts come
 * through one door (`apply_fact` in the ledger), which holds the same table: after a change here, `npm run machines`
 * writes it there. A fact that has no edge from the present state changes nothing.
 */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

/** `money`: what the payout holds of its owner's balance while in this state. */
export const STATES = {
  IN_REVIEW: { money: 'reserved', final: false, inFlight: false },
  REVIEW_ON_HOLD: { money: 'reserved', final: false, inFlight: false },
  QUEUED: { money: 'reserved', final: false, inFlight: false },
  ON_HOLD: { money: 'reserved', final: false, inFlight: false },
  RETRY_WAIT: { money: 'reserved', final: false, inFlight: false },
  /** From here to UNRESOLVED a request may be on the wire: no cancel, no release without proof. */
  SUBMITTING: { money: 'reserved', final: false, inFlight: true },
  PSP_QUEUED: { money: 'reserved', final: false, inFlight: true },
  PSP_HELD: { money: 'reserved', final: false, inFlight: true },
  PROCESSING: { money: 'reserved', final: false, inFlight: true },
  UNKNOWN: { money: 'reserved', final: false, inFlight: true },
  UNRESOLVED: { money: 'reserved', final: false, inFlight: true },
  SUCCEEDED: { money: 'paid', final: true, inFlight: false },
  FAILED: { money: 'none', final: true, inFlight: false },
  REJECTED: { money: 'none', final: true, inFlight: false },
  CANCELLED: { money: 'none', final: true, inFlight: false },
  RETURNED: { money: 'none', final: true, inFlight: false },
} as const satisfies Record<string, { money: 'reserved' | 'paid' | 'none'; final: boolean; inFlight: boolean }>;

export type PayoutState = keyof typeof STATES;

/** Who a fact comes from decides what happens to one without an edge: a person is told, a PSP's is recorded as ignored. */
export const FACTS = {
  approved: 'person',
  rejected: 'person',
  held: 'person',
  hold_lifted: 'person',
  cancelled: 'person',
  reinitiated: 'person',
  resolved_paid: 'person',
  resolved_not_paid: 'person',
  /** An operator has seen what was wrong: it changes nothing but that. */
  acknowledged: 'person',
  /** An operator wants it sent now, whatever it waits for: its time, or a run. */
  hurried: 'person',
  /** An operator wants the PSP to be asked now. */
  look_up_asked: 'person',
  /** An operator does not want to wait for the PSP any longer, and will find out. */
  given_up: 'person',
  /** An operator has another PSP pay it: only once nothing that was sent can be paid any more. */
  routed: 'person',
  review_expired: 'clock',
  outcome_overdue: 'clock',
  attempt_started: 'engine',
  /** A run has come to a payout that waited for one: from now on it may be sent. */
  dispatched: 'engine',
  /** A step of this payout can never succeed as it is: it waits for an operator, and everybody else goes on. */
  parked: 'engine',
  /** It was about to be sent, and a pause holds. Concluded by the ledger from `attempt_started`, never said. */
  paused: 'engine',
  psp_queued: 'psp',
  psp_held: 'psp',
  psp_processing: 'psp',
  /** The PSP certainly has not taken the request (429, connection refused, our funds there are short). */
  not_taken: 'psp',
  outcome_unknown: 'psp',
  /** The PSP's answer contradicts our request (amount, currency, account): no automatic action. */
  mismatch: 'psp',
  /** Failed for certain, another attempt follows. */
  attempt_failed: 'psp',
  /** Failed for certain, and that is the end. */
  failed: 'psp',
  paid: 'psp',
  returned: 'psp',
  /** The PSP shows, or says without showing it, as alive what was proven dead. Concluded, never a PSP's own word (books.ts). */
  contradicted: 'psp',
} as const satisfies Record<string, 'person' | 'clock' | 'engine' | 'psp'>;

export type FactType = keyof typeof FACTS;

/** Those that come from there. */
export type FactOf<Origin extends (typeof FACTS)[FactType]> = {
  [Type in FactType]: (typeof FACTS)[Type] extends Origin ? Type : never;
}[FactType];

/** What an edge does to the money, besides the state. */
export type Effect = 'none' | 'attempt' | 'settle' | 'release' | 'reverse' | 'settle_late' | 'reserve' | 'note';

export const EVENT_TYPES = [
  'payout.created', 'payout.in_review', 'payout.approved', 'payout.rejected', 'payout.on_hold', 'payout.released',
  'payout.queued', 'payout.processing', 'payout.outcome_unknown', 'payout.retrying', 'payout.succeeded',
  'payout.failed', 'payout.cancelled', 'payout.returned',
] as const; // biome-ignore format: a list
export type EventType = (typeof EVENT_TYPES)[number];

/** A fact that came but had no legal edge. */
export const FACT_IGNORED = 'payout.fact_ignored';
/** New money of the owner's repaid what it owed for this payout. */
export const DEBT_REPAID = 'payout.debt_repaid';

/** In the timeline only: never in a webhook, and the payout's state stays. */
export const TIMELINE_ONLY = [
  FACT_IGNORED,
  DEBT_REPAID,
  'payout.acknowledged',
  'payout.parked',
  'payout.paused',
  'payout.look_up_asked',
  'payout.routed',
] as const;
export type TimelineType = EventType | (typeof TIMELINE_ONLY)[number];

export type Edge = MachineEdge<PayoutState, FactType, Effect, TimelineType>;

const edge = (from: PayoutState, fact: FactType, to: PayoutState, effect: Effect, event: TimelineType): Edge => ({
  from,
  fact,
  to,
  effect,
  event,
});

const REVIEWING = ['IN_REVIEW', 'REVIEW_ON_HOLD'] as const;
const WAITING = ['QUEUED', 'RETRY_WAIT'] as const;
/** From where a request is sent. */
const SENDING = [...WAITING, 'UNKNOWN'] as const;
const NOT_YET_SENT = [...REVIEWING, ...WAITING, 'ON_HOLD'] as const;
const AT_PSP = ['PSP_QUEUED', 'PSP_HELD', 'PROCESSING'] as const;
const IN_FLIGHT = ['SUBMITTING', ...AT_PSP, 'UNKNOWN', 'UNRESOLVED'] as const;
const RELEASED = ['FAILED', 'REJECTED', 'CANCELLED'] as const;
const ALL = Object.keys(STATES) as readonly PayoutState[];

export const EDGES: readonly Edge[] = [
  // people and clocks, while nothing is on the wire
  edge('IN_REVIEW', 'approved', 'QUEUED', 'none', 'payout.approved'),
  ...[...REVIEWING, 'ON_HOLD' as const].map((from) => edge(from, 'rejected', 'REJECTED', 'release', 'payout.rejected')),
  edge('IN_REVIEW', 'review_expired', 'REJECTED', 'release', 'payout.rejected'),
  edge('IN_REVIEW', 'held', 'REVIEW_ON_HOLD', 'none', 'payout.on_hold'),
  edge('REVIEW_ON_HOLD', 'hold_lifted', 'IN_REVIEW', 'none', 'payout.released'),
  ...WAITING.map((from) => edge(from, 'held', 'ON_HOLD', 'none', 'payout.on_hold')),
  edge('ON_HOLD', 'hold_lifted', 'QUEUED', 'none', 'payout.released'),
  ...NOT_YET_SENT.map((from) => edge(from, 'cancelled', 'CANCELLED', 'release', 'payout.cancelled')),
  edge('FAILED', 'reinitiated', 'QUEUED', 'reserve', 'payout.queued'),

  // a run's word, or an operator's: the same state, but only now may an attempt start
  edge('QUEUED', 'dispatched', 'QUEUED', 'none', 'payout.queued'),
  ...WAITING.map((from) => edge(from, 'hurried', 'QUEUED', 'none', 'payout.queued')),

  // sending; from UNKNOWN it is the same attempt under the same key again
  ...SENDING.map((from) => edge(from, 'attempt_started', 'SUBMITTING', 'attempt', 'payout.processing')),
  edge('SUBMITTING', 'not_taken', 'QUEUED', 'none', 'payout.queued'),

  // what the PSP says of the attempt in flight
  ...IN_FLIGHT.flatMap((from) => [
    ...(from === 'PSP_QUEUED' ? [] : [edge(from, 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued')]),
    ...(from === 'PSP_HELD' ? [] : [edge(from, 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold')]),
    ...(from === 'PROCESSING' ? [] : [edge(from, 'psp_processing', 'PROCESSING', 'none', 'payout.processing')]),
    edge(from, 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
    edge(from, 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
    edge(from, 'failed', 'FAILED', 'release', 'payout.failed'),
    ...(from === 'UNRESOLVED' ? [] : [edge(from, 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown')]),
  ]),
  ...(['SUBMITTING', ...AT_PSP] as const).map((from) =>
    edge(from, 'outcome_unknown', 'UNKNOWN', 'none', 'payout.outcome_unknown'),
  ),
  edge('UNKNOWN', 'outcome_overdue', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ...[...AT_PSP, 'UNKNOWN' as const].map((from) => edge(from, 'given_up', 'UNRESOLVED', 'none', 'payout.outcome_unknown')),
  edge('UNRESOLVED', 'resolved_paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  edge('UNRESOLVED', 'resolved_not_paid', 'FAILED', 'release', 'payout.failed'),

  // an earlier attempt turns out to be paid after we took it for failed
  ...NOT_YET_SENT.map((from) => edge(from, 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded')),
  ...RELEASED.map((from) => edge(from, 'paid', 'SUCCEEDED', 'settle_late', 'payout.succeeded')),
  edge('SUCCEEDED', 'returned', 'RETURNED', 'reverse', 'payout.returned'),
  // the bank tries again by itself what had come back
  edge('RETURNED', 'paid', 'SUCCEEDED', 'settle_late', 'payout.succeeded'),

  // an attempt that was proven dead is shown alive: nothing more is sent before a person, or the PSP, has sorted it out
  // (what somebody holds stays held: nothing is sent meanwhile, and the hold must outlast the doubt)
  ...[...WAITING, ...IN_FLIGHT.filter((from) => from !== 'UNRESOLVED')].map((from) =>
    edge(from, 'contradicted', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ),

  // what is written down for operators
  ...ALL.filter((from) => from !== 'UNRESOLVED').map((from) => edge(from, 'acknowledged', from, 'note', 'payout.acknowledged')),
  ...ALL.filter((from) => !STATES[from].final).map((from) => edge(from, 'parked', from, 'note', 'payout.parked')),
  ...SENDING.map((from) => edge(from, 'paused', from, 'note', 'payout.paused')),
  ...IN_FLIGHT.filter((from) => from !== 'SUBMITTING').map((from) =>
    edge(from, 'look_up_asked', from, 'note', 'payout.look_up_asked'),
  ),
  ...NOT_YET_SENT.map((from) => edge(from, 'routed', from, 'note', 'payout.routed')),
];

export const PAYOUT = defineMachine({
  states: STATES,
  facts: FACTS,
  edges: EDGES,
  sql: {
    source: 'src/payouts/rules/machine.ts',
    file: 'prisma/functions/payouts/payout_edges.sql',
    edges: 'payout_edges',
    origin: 'fact_origin',
    flags: { inFlight: 'state_in_flight', final: 'state_final' },
  },
});

export const { edgeOf, isFinal } = PAYOUT;

export const ALL_STATES = PAYOUT.statesWhere(() => true);

/** Those from which something still comes. */
export const OPEN_STATES = PAYOUT.statesWhere(({ final }) => !final);

/** How a payout and its attempt must stand for a PSP's word about that attempt to be only a repetition. */
const REPEATED_IN: ReadonlyMap<string | null, { readonly state: PayoutState; readonly attemptState: string }> = new Map([
  ['paid', { state: 'SUCCEEDED', attemptState: 'succeeded' }],
  ['failed', { state: 'FAILED', attemptState: 'failed' }],
  ['returned', { state: 'RETURNED', attemptState: 'returned' }],
]);

/** Null: such a word is never only a repetition. */
export const repeatedIn = (claim: string | null) => REPEATED_IN.get(claim) ?? null;

/**
 * Does a PSP's message only say once more what the books have closed with? Most callbacks come after the reply has
 * said the same; nothing follows from them, so nobody needs to look the payment up again. The attempt's own row counts,
 * not the payout's state alone: of two attempts the other may be paid, too, and one in doubt may have failed at last.
 */
export function isRepeated(now: { state: PayoutState; attemptState: string | null }, claim: string | null): boolean {
  const as = repeatedIn(claim);
  return as !== null && as.state === now.state && as.attemptState === now.attemptState;
}

/** The words of the merchant API (api.md §2). */
export type PublicStatus =
  | 'PENDING' | 'IN_REVIEW' | 'ON_HOLD' | 'PROCESSING' | 'RETRY'
  | 'SUCCESS' | 'FAILED' | 'REJECTED' | 'CANCELLED' | 'RETURNED'; // biome-ignore format: a list

export const PUBLIC_STATUS: Readonly<Record<PayoutState, PublicStatus>> = {
  IN_REVIEW: 'IN_REVIEW',
  REVIEW_ON_HOLD: 'ON_HOLD',
  QUEUED: 'PENDING',
  ON_HOLD: 'ON_HOLD',
  RETRY_WAIT: 'RETRY',
  SUBMITTING: 'PROCESSING',
  PSP_QUEUED: 'PENDING',
  PSP_HELD: 'ON_HOLD',
  PROCESSING: 'PROCESSING',
  UNKNOWN: 'PROCESSING',
  UNRESOLVED: 'PROCESSING',
  SUCCEEDED: 'SUCCESS',
  FAILED: 'FAILED',
  REJECTED: 'REJECTED',
  CANCELLED: 'CANCELLED',
  RETURNED: 'RETURNED',
};

/** The states that a merchant sees as one of these. */
export const statesOf = (...statuses: readonly PublicStatus[]): PayoutState[] =>
  (Object.keys(STATES) as PayoutState[]).filter((state) => statuses.includes(PUBLIC_STATUS[state]));

/** Approved or not looked at, and its time comes with a run, which has not come yet. */
export const isBeforeItsRun = ({ dispatch, runId }: { dispatch: string; runId: string | null }): boolean =>
  dispatch === 'run' && runId === null;

/** What an unfinished payout waits for, in one word. */
export const WAITING_ON: Readonly<Partial<Record<PayoutState, string>>> = {
  IN_REVIEW: 'approver',
  REVIEW_ON_HOLD: 'operator',
  ON_HOLD: 'operator',
  RETRY_WAIT: 'retry',
  PSP_QUEUED: 'psp',
  PSP_HELD: 'psp',
  PROCESSING: 'psp',
  UNKNOWN: 'psp_outcome',
  UNRESOLVED: 'operator',
};

/** It was about to be sent, and a pause holds. What may be on the wire is looked up meanwhile, and waits for that. */
export const isPaused = ({ state, pausedBy }: { state: PayoutState; pausedBy: string | null }): boolean =>
  pausedBy !== null && !STATES[state].inFlight;

interface Waiting {
  readonly state: PayoutState;
  readonly sequence: number;
  readonly dispatch: string;
  readonly runId: string | null;
  readonly pausedBy: string | null;
}

/** The same, but a provider's may wait for its run first, and any for the end of a pause; null where nothing holds it up. */
export function waitingOn(payout: Waiting) {
  const { state, sequence } = payout;
  if (state === 'QUEUED' && sequence > 0 && isBeforeItsRun(payout)) return 'run'; // without an event no worker has seen it yet
  return isPaused(payout) ? 'pause' : (WAITING_ON[state] ?? null);
}
