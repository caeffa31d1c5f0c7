/** How PSPs and people may behave towards one payout, whoever's it is, as data; and what its books may have in the end. */
import { isFinal, type PayoutState, PUBLIC_STATUS, STATES, TIMELINE_ONLY } from '../../src/payouts/rules/machine.ts';
import type { BankDeed } from '../psp.ts';
import type { Behaviour, Scenario, Step } from '../scenario.ts';
import type { PersonDeed } from './deeds.ts';

/** Approved and before its run is a place of its own. */
export type PayoutStage = PayoutState | 'AWAITING_RUN';

export type PayoutEnd = 'SUCCEEDED' | 'FAILED' | 'RETURNED' | 'REJECTED' | 'CANCELLED';

export interface PayoutStep extends Step {
  readonly when: PayoutStage;
  readonly does: BankDeed | PersonDeed;
  /** Not before another run has come and gone by. */
  readonly afterARun?: boolean;
  readonly refused?: PayoutEnd;
}

/** What the books may have in the end. */
export interface Story {
  /** The types of the ledger's entries, in the order of their booking; without a fee of the PSP's there is no PSP_FEE. */
  readonly entries: readonly string[];
  /** Whether an operator is still asked to look; where it is not said, either will do. */
  readonly needsOperator?: boolean;
}

/** What each end tells where a behaviour says nothing else. */
export const STORY_OF: Readonly<Record<PayoutEnd, Story>> = {
  SUCCEEDED: { entries: ['RESERVE', 'SETTLE', 'PSP_FEE'] },
  FAILED: { entries: ['RESERVE', 'RELEASE'] },
  REJECTED: { entries: ['RESERVE', 'RELEASE'] },
  CANCELLED: { entries: ['RESERVE', 'RELEASE'] },
  RETURNED: { entries: ['RESERVE', 'SETTLE', 'PSP_FEE', 'REVERSE'] },
};

export interface Fault {
  readonly kind: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly times?: number;
}

export interface PayoutBehaviour extends Behaviour {
  /** The last four digits of the payee's account: the PSP's own scenarios. */
  readonly suffix: string;
  readonly faults: readonly Fault[];
  readonly steps: readonly PayoutStep[];
  /** False: an approver must look at what this provider asks for. */
  readonly verified: boolean;
  readonly ends: PayoutEnd;
  /** One of these must be told of its last round; what of it was slept through is another story. */
  readonly stories?: readonly Story[];
  readonly undoes?: readonly (readonly [from: PayoutEnd, to?: PayoutEnd])[];
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
export const TWICE = [2, 2] as const;

export const plain = {
  suffix: '1234',
  faults: [],
  steps: [],
  verified: true,
  ends: 'SUCCEEDED',
  requests: ONCE,
  attempts: 1,
  rounds: 1,
} as const;

export const thrice = { kind: 'duplicate_callback', params: { count: 3 } } as const;

/** For as long as a round lasts. */
export const ALWAYS = 1_000;

/** The money is taken, and whoever asks is told for a while, or for ever, that there is no such transfer. */
const hidden = (ms?: number): PayoutBehaviour['faults'] => [
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
export const refusedResend = (asksAgain: 'reinitiate' | 'retry') =>
  ({
    name: 'refused_resend',
    faults: hidden(LAG_MS),
    steps: [{ when: 'FAILED', does: asksAgain, refused: 'SUCCEEDED' }],
    requests: [1, 3],
  }) as const;

/** The index never catches up: a person must find out. */
export const resolvedPaid = {
  name: 'resolved_paid',
  faults: hidden(),
  steps: [{ when: 'UNRESOLVED', does: 'resolve_paid' }],
  stories: [{ entries: ['RESERVE', 'SETTLE'] }], // of the PSP's fee a person says nothing
  requests: [1, 3],
  slow: true,
} as const;

export const returned = {
  name: 'returned',
  steps: [{ when: 'SUCCEEDED', does: 'return' }],
  ends: 'RETURNED',
  undoes: [['SUCCEEDED', 'RETURNED']],
} as const;

/** The bank sends it back, and pays again by a retry of its own. */
export const returnedThenPaid = {
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

export const latePayment = {
  stories: [{ entries: ['RESERVE', 'RELEASE', 'SETTLE', 'PSP_FEE'] }, STORY_OF.SUCCEEDED],
  undoes: [['FAILED', 'SUCCEEDED']],
} as const;

/** It says once that the payment has failed, though it is paid; and tells once more that it is paid. */
export const contradicts = {
  ...latePayment,
  name: 'contradicts',
  faults: [{ kind: 'cut_after' }, { kind: 'contradicts', params: { words: ['failed'] } }],
  steps: [{ when: 'FAILED', does: 'pay', refused: 'SUCCEEDED' }],
} as const;

/** It failed, and somebody starts it again. */
export const startedAgain = { rounds: 2, undoes: [['FAILED']] } as const;

export const informational = {
  name: 'informational',
  faults: [{ kind: 'informational', params: { statuses: [100, 103] }, times: ALWAYS }],
} as const;

const nulText = [{ kind: 'nul_text', times: ALWAYS }] as const;

export const nulTextFailed = { name: 'nul_text', faults: nulText, ends: 'FAILED' } as const;
export const nulTextHeld = { name: 'nul_text_held', faults: nulText, steps: [{ when: 'PSP_HELD', does: 'pay' }] } as const;
export const nulTextReturned = { ...returned, name: 'nul_text_returned', faults: nulText } as const;

/** The final states, each in words of an API. */
export const endsAs = (words: Readonly<Record<PayoutState, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries((Object.keys(STATES) as PayoutState[]).filter(isFinal).map((state) => [state, words[state]]));

/** What is the same of every payout's scenario. */
export const OF_EVERY_PAYOUT = {
  ends: endsAs(PUBLIC_STATUS),
  tellsEnd: ['payout.succeeded', 'payout.failed', 'payout.returned', 'payout.rejected', 'payout.cancelled'],
  timelineOnly: TIMELINE_ONLY,
  workflows: ['payout', 'payoutFollowUp'],
  settings: {
    RETRY_WAIT: '500ms',
    RETRY_WAIT_MAX: '2s',
    FIRST_LOOK_UP: '500ms',
    LOOK_UP_MAX: '1s',
    PSP_TIMEOUT: '2s',
    PSP_NOT_FOUND_GRACE: '7s',
    OUTCOME_DEADLINE: '10m', // no round takes as long: every outcome must be found out without a person
    PAYOUT_WORKER_CONCURRENCY: '60',
    PAYOUT_WORKER_RATE_LIMIT: '1000',
  },
} as const satisfies Partial<Scenario>;
