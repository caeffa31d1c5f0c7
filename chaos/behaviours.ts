/** How PSPs and people may behave towards one payout, as data, and how that payout must end whoever is killed meanwhile. */
import type { PayoutState } from '../src/domain/payout/machine.ts';

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
/** `retry` opens a new round, with a workflow of its own. */
export type PersonDeed = (typeof DECISIONS)[number] | 'retry';

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
  /** Requests for each of its transfers: a second one only where the first was refused before anything was taken. */
  readonly requests: number;
  /** Transfers under references of their own: the next only after the last one failed for certain. */
  readonly attempts: number;
  /** Times that it was started, and its money reserved. */
  readonly rounds: number;
}

const plain = {
  suffix: '1234',
  faults: [],
  steps: [],
  verified: true,
  ends: 'SUCCEEDED',
  requests: 1,
  attempts: 1,
  rounds: 1,
} as const;
const merchant = { ...plain, flow: 'merchant' } as const;
const provider = { ...plain, flow: 'provider' } as const;

const thrice = { kind: 'duplicate_callback', params: { count: 3 } } as const;

const MERCHANT: readonly Behaviour[] = [
  { ...merchant, name: 'ok', suffix: '0001' },
  { ...merchant, name: 'failed', suffix: '0003', ends: 'FAILED' },
  { ...merchant, name: 'retried', suffix: '0002', attempts: 2 },
  { ...merchant, name: 'error_before', faults: [{ kind: 'error_before' }], requests: 2 },
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
];

const unavailable = { params: { status: 503 } } as const;

const PROVIDER: readonly Behaviour[] = [
  { ...provider, name: 'ok', suffix: '0001' },
  { ...provider, name: 'bad_account', suffix: '0006', ends: 'FAILED' },
  { ...provider, name: 'retried', suffix: '0002', attempts: 2 },
  { ...provider, name: 'exhausted', suffix: '0003', ends: 'FAILED', attempts: 4 },
  { ...provider, name: 'error_before', faults: [{ kind: 'error_before', ...unavailable }], requests: 2 },
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
];

export const BEHAVIOURS: readonly Behaviour[] = [...MERCHANT, ...PROVIDER];

export const behavioursOf = (flow: Flow): readonly Behaviour[] => BEHAVIOURS.filter((each) => each.flow === flow);
