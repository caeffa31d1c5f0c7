/** How PSPs and people may behave towards one payout, as data, and how that payout must end whoever is killed meanwhile. */
import type { PayoutState } from '../src/payouts/rules/machine.ts';

/** Whose payout it is: a merchant's, paid by the sandbox at once, or a provider's, which a run gives to Flutterwave. */
export const FLOWS = ['merchant', 'provider'] as const;
export type Flow = (typeof FLOWS)[number];

/** Approved and before its run is a place of its own. */
export type Stage = PayoutState | 'AWAITING_RUN';

export type End = 'SUCCEEDED' | 'FAILED' | 'RETURNED' | 'REJECTED' | 'CANCELLED';

/** What the PSP's bank does, or a person at the PSP. */
export const BANK_DEEDS = ['pay', 'fail', 'fail_for_funds', 'return', 'allow'] as const;
export type BankDeed = (typeof BANK_DEEDS)[number];
/** What our admins decide, and `cancel` the provider: asked of a workflow that is there. */
export const DECISIONS = ['approve', 'reject', 'hold', 'release', 'cancel'] as const;
/** What people do about a payout that went wrong. An admin's `retry` and a merchant's `reinitiate` open a new round, with a workflow of its own. */
export const REPAIRS = ['retry', 'reinitiate', 'resolve_paid', 'resolve_not_paid', 'acknowledge'] as const;
export type PersonDeed = (typeof DECISIONS)[number] | (typeof REPAIRS)[number];

/** What somebody else does to it once it is there. */
export interface Step {
  readonly when: Stage;
  /** Only at this attempt. */
  readonly attempt?: number;
  readonly does: BankDeed | PersonDeed;
  /** Not before another run has come and gone by. */
  readonly afterARun?: boolean;
  /** How the payout ends if this came too late. */
  readonly refused?: End;
}

/** What the books may have in the end. */
export interface Story {
  /** The types of the ledger's entries, in the order of their booking; a merchant's have no PSP_FEE. */
  readonly entries: readonly string[];
  /** Whether an operator is still asked to look; where it is not said, either will do. */
  readonly needsOperator?: boolean;
}

/** What each end tells where a behaviour says nothing else. */
export const STORY_OF: Readonly<Record<End, Story>> = {
  SUCCEEDED: { entries: ['RESERVE', 'SETTLE', 'PSP_FEE'] },
  FAILED: { entries: ['RESERVE', 'RELEASE'] },
  REJECTED: { entries: ['RESERVE', 'RELEASE'] },
  CANCELLED: { entries: ['RESERVE', 'RELEASE'] },
  RETURNED: { entries: ['RESERVE', 'SETTLE', 'PSP_FEE', 'REVERSE'] },
};

export interface Behaviour {
  readonly flow: Flow;
  readonly name: string;
  /** The last four digits of the payee's account: the PSP's own scenarios. */
  readonly suffix: string;
  readonly faults: readonly {
    readonly kind: string;
    readonly params?: Readonly<Record<string, unknown>>;
    readonly times?: number;
  }[];
  /** One after the other. */
  readonly steps: readonly Step[];
  /** False: an approver must look at what this provider asks for. */
  readonly verified: boolean;
  readonly ends: End;
  /** One of these must be told of its last round; what of it was slept through is another story. */
  readonly stories?: readonly Story[];
  /** Final states that its customer may see one after the other. */
  readonly undoes?: readonly (readonly [from: End, to: End])[];
  /**
   * Requests for each of its transfers, at least and at most: a second one only where the first was refused before
   * anything was taken, or where nobody could tell.
   */
  readonly requests: readonly [least: number, most: number];
  /** Transfers under references of their own: the next only after the last one failed for certain. */
  readonly attempts: number;
  /** Times that it was started, and its money reserved. */
  readonly rounds: number;
  /** Its waits are long: played only where a death makes a difference to it. */
  readonly slow?: boolean;
}

const ONCE = [1, 1] as const;
const TWICE = [2, 2] as const;

const plain = {
  suffix: '1234',
  faults: [],
  steps: [],
  verified: true,
  ends: 'SUCCEEDED',
  requests: ONCE,
  attempts: 1,
  rounds: 1,
} as const;
const merchant = { ...plain, flow: 'merchant' } as const;
const provider = { ...plain, flow: 'provider' } as const;

const thrice = { kind: 'duplicate_callback', params: { count: 3 } } as const;

/** For as long as a round lasts. */
const ALWAYS = 1_000;

/** The money is taken, and whoever asks is told for a while, or for ever, that there is no such transfer. */
const hidden = (ms?: number): Behaviour['faults'] => [
  { kind: 'cut_after' },
  { kind: 'no_callback' },
  { kind: 'lagging_look_up', params: ms === undefined ? {} : { ms }, times: ALWAYS },
  { kind: 'refuse_resend', times: ALWAYS },
];

/** Longer than a PSP may not know yet what it has taken (PSP_NOT_FOUND_GRACE), so that it is asked again. */
const LAG_MS = 12_000;

/**
 * What a PSP refuses when it is asked again says nothing of the first request, which it has taken. Whoever takes it for
 * failed lets the customer ask for a second payment.
 */
const refusedResend = (asksAgain: 'reinitiate' | 'retry') =>
  ({
    name: 'refused_resend',
    faults: hidden(LAG_MS),
    steps: [{ when: 'FAILED', does: asksAgain, refused: 'SUCCEEDED' }],
    requests: [1, 3],
  }) as const;

/** The index never catches up: a person must find out. */
const resolvedPaid = {
  name: 'resolved_paid',
  faults: hidden(),
  steps: [{ when: 'UNRESOLVED', does: 'resolve_paid' }],
  stories: [{ entries: ['RESERVE', 'SETTLE'] }], // of the PSP's fee a person says nothing
  requests: [1, 3],
  slow: true,
} as const;

/** The bank sends it back, and pays again by a retry of its own. */
const returnedThenPaid = {
  name: 'returned_then_paid',
  faults: [{ kind: 'returned_then_paid', params: { ms: 2_500 } }],
  stories: [
    { entries: ['RESERVE', 'SETTLE', 'PSP_FEE', 'REVERSE', 'SETTLE'], needsOperator: true },
    STORY_OF.SUCCEEDED, // slept through
  ],
  undoes: [
    ['SUCCEEDED', 'RETURNED'],
    ['RETURNED', 'SUCCEEDED'],
  ],
} as const;

const latePayment = {
  stories: [{ entries: ['RESERVE', 'RELEASE', 'SETTLE', 'PSP_FEE'] }, STORY_OF.SUCCEEDED],
  undoes: [['FAILED', 'SUCCEEDED']],
} as const;

/** It says once that the payment has failed, though it is paid; and tells once more that it is paid. */
const contradicts = {
  ...latePayment,
  name: 'contradicts',
  faults: [{ kind: 'cut_after' }, { kind: 'contradicts', params: { words: ['failed'] } }],
  steps: [{ when: 'FAILED', does: 'pay', refused: 'SUCCEEDED' }],
} as const;

const informational = {
  name: 'informational',
  faults: [{ kind: 'informational', params: { statuses: [100, 103] }, times: ALWAYS }],
} as const;

const nulText = [{ kind: 'nul_text', times: ALWAYS }] as const;

const MERCHANT: readonly Behaviour[] = [
  { ...merchant, name: 'ok', suffix: '0001' },
  { ...merchant, name: 'failed', suffix: '0003', ends: 'FAILED' },
  { ...merchant, name: 'retried', suffix: '0002', attempts: 2 },
  { ...merchant, name: 'error_before', faults: [{ kind: 'error_before' }], requests: TWICE },
  { ...merchant, name: 'error_after', faults: [{ kind: 'error_after' }] },
  { ...merchant, name: 'cut_after', faults: [{ kind: 'cut_after' }] },
  { ...merchant, name: 'no_answer', faults: [{ kind: 'no_answer' }] },
  { ...merchant, name: 'duplicate_callback', faults: [thrice] },
  { ...merchant, name: 'late_callback', faults: [{ kind: 'late_callback', params: { ms: 1200 } }] },
  { ...merchant, name: 'reordered_callbacks', faults: [{ kind: 'reordered_callbacks', params: { ms: 700 } }] },
  { ...merchant, name: 'forged_callback', faults: [{ kind: 'forged_callback' }] },
  { ...merchant, name: 'callback_first', faults: [{ kind: 'slow_answer', params: { ms: 700 } }] },
  { ...merchant, name: 'failed_unheard', suffix: '0003', faults: [{ kind: 'cut_after' }], ends: 'FAILED' },
  { ...merchant, name: 'failed_forged', suffix: '0003', faults: [{ kind: 'forged_callback' }], ends: 'FAILED' },
  { ...merchant, name: 'queued', suffix: '0004', steps: [{ when: 'PSP_QUEUED', does: 'pay' }] },
  { ...merchant, name: 'held', suffix: '0005', steps: [{ when: 'PSP_HELD', does: 'pay' }] },
  { ...merchant, name: 'returned', suffix: '0009', steps: [{ when: 'SUCCEEDED', does: 'return' }], ends: 'RETURNED' },
  {
    ...merchant,
    name: 'returned_twice',
    suffix: '0009',
    faults: [{ ...thrice, times: 2 }], // of the payment, and of the return
    steps: [{ when: 'SUCCEEDED', does: 'return' }],
    ends: 'RETURNED',
  },
  { ...merchant, ...refusedResend('reinitiate') },
  { ...merchant, ...resolvedPaid },
  {
    ...merchant,
    name: 'resolved_not_paid',
    faults: [{ kind: 'no_answer', params: { take: false }, times: ALWAYS }],
    steps: [{ when: 'UNRESOLVED', does: 'resolve_not_paid' }],
    ends: 'FAILED',
    attempts: 0,
    slow: true,
  },
  {
    ...merchant,
    name: 'reinitiated',
    suffix: '0004',
    steps: [
      { when: 'PSP_QUEUED', attempt: 1, does: 'fail' },
      { when: 'FAILED', does: 'reinitiate' },
      { when: 'PSP_QUEUED', attempt: 2, does: 'pay' },
    ],
    attempts: 2,
    rounds: 2,
  },
  { ...merchant, ...returnedThenPaid },
  { ...merchant, ...contradicts },
  {
    ...merchant,
    ...latePayment,
    name: 'failed_then_paid',
    suffix: '0003',
    steps: [{ when: 'FAILED', does: 'pay' }],
  },
  { ...merchant, ...informational },
  { ...merchant, name: 'nul_text', suffix: '0003', faults: nulText, ends: 'FAILED' },
  { ...merchant, name: 'nul_text_held', suffix: '0005', faults: nulText, steps: [{ when: 'PSP_HELD', does: 'pay' }] },
  {
    ...merchant,
    name: 'nul_text_returned',
    faults: nulText,
    steps: [{ when: 'SUCCEEDED', does: 'return' }],
    ends: 'RETURNED',
  },
];

const unavailable = { params: { status: 503 } } as const;

const PROVIDER: readonly Behaviour[] = [
  { ...provider, name: 'ok', suffix: '0001' },
  { ...provider, name: 'bad_account', suffix: '0006', ends: 'FAILED' },
  { ...provider, name: 'retried', suffix: '0002', attempts: 2 },
  {
    ...provider,
    name: 'exhausted',
    suffix: '0003',
    ends: 'FAILED',
    attempts: 4,
    stories: [{ ...STORY_OF.FAILED, needsOperator: true }],
  },
  {
    ...provider,
    name: 'acknowledged',
    suffix: '0003',
    steps: [{ when: 'FAILED', does: 'acknowledge' }],
    ends: 'FAILED',
    attempts: 4,
    stories: [{ ...STORY_OF.FAILED, needsOperator: false }],
  },
  { ...provider, name: 'error_before', faults: [{ kind: 'error_before', ...unavailable }], requests: TWICE },
  { ...provider, name: 'error_after', faults: [{ kind: 'error_after', ...unavailable }] },
  { ...provider, name: 'cut_after', faults: [{ kind: 'cut_after' }] },
  { ...provider, name: 'no_answer', suffix: '0008' },
  { ...provider, name: 'no_callback', faults: [{ kind: 'no_callback' }] },
  { ...provider, name: 'duplicate_callback', faults: [thrice] },
  { ...provider, name: 'late_callback', faults: [{ kind: 'late_callback', params: { ms: 1200 } }] },
  { ...provider, name: 'reordered_callbacks', faults: [{ kind: 'reordered_callbacks', params: { ms: 700 } }] },
  { ...provider, name: 'forged_callback', faults: [{ kind: 'forged_callback' }] },
  { ...provider, name: 'callback_first', faults: [{ kind: 'slow_answer', params: { ms: 1200 } }] },
  { ...provider, name: 'failed_forged', suffix: '0006', faults: [{ kind: 'forged_callback' }], ends: 'FAILED' },
  {
    ...provider,
    name: 'funds_short',
    suffix: '0004',
    steps: [
      { when: 'PROCESSING', attempt: 1, does: 'fail_for_funds' },
      { when: 'PROCESSING', attempt: 2, does: 'pay' },
    ],
    attempts: 2,
  },
  { ...provider, name: 'held_at_psp', suffix: '0005', steps: [{ when: 'PSP_HELD', does: 'allow' }] },
  { ...provider, name: 'returned', steps: [{ when: 'SUCCEEDED', does: 'return' }], ends: 'RETURNED' },
  { ...provider, name: 'reviewed', verified: false, steps: [{ when: 'IN_REVIEW', does: 'approve' }] },
  {
    ...provider,
    name: 'rejected',
    verified: false,
    steps: [{ when: 'IN_REVIEW', does: 'reject' }],
    ends: 'REJECTED',
    attempts: 0,
  },
  {
    ...provider,
    name: 'held_over_a_run',
    steps: [
      { when: 'AWAITING_RUN', does: 'hold' },
      { when: 'ON_HOLD', does: 'release', afterARun: true },
    ],
  },
  {
    ...provider,
    name: 'cancelled',
    steps: [{ when: 'AWAITING_RUN', does: 'cancel', refused: 'SUCCEEDED' }],
    ends: 'CANCELLED',
    attempts: 0,
  },
  {
    ...provider,
    name: 'started_again',
    suffix: '0004',
    steps: [
      ...[1, 2, 3, 4].map((attempt) => ({ when: 'PROCESSING', attempt, does: 'fail' }) as const),
      { when: 'FAILED', does: 'retry' },
      { when: 'PROCESSING', attempt: 5, does: 'pay' },
    ],
    attempts: 5,
    rounds: 2,
  },
  { ...provider, ...refusedResend('retry') },
  { ...provider, ...resolvedPaid },
  {
    ...provider,
    ...returnedThenPaid,
    // Of a return whose payment was slept through Flutterwave says the same as of a payment that failed.
    stories: [...returnedThenPaid.stories, ...latePayment.stories],
    undoes: [...returnedThenPaid.undoes, ...latePayment.undoes],
  },
  { ...provider, ...contradicts },
  { ...provider, ...informational },
  { ...provider, name: 'nul_text', suffix: '0006', faults: nulText, ends: 'FAILED' },
  {
    ...provider,
    name: 'nul_text_returned',
    faults: nulText,
    steps: [{ when: 'SUCCEEDED', does: 'return' }],
    ends: 'RETURNED',
  },
];

export const BEHAVIOURS: readonly Behaviour[] = [...MERCHANT, ...PROVIDER];

export const behavioursOf = (flow: Flow): readonly Behaviour[] => BEHAVIOURS.filter((each) => each.flow === flow);
