/** How payees, payers, banks and operators may behave towards one withdrawal of two slices, as data; and what everybody has in the end. */
import type { CreditOn, OnUnfilled } from '../../src/instant/rules/policy.ts';
import type { Behaviour, Step } from '../scenario.ts';

export type WithdrawalEnd = 'completed' | 'partially_completed' | 'cancelled';

/** What somebody does (deeds.ts). */
export type InstantDeed =
  | 'claim'
  | 'claim_first'
  | 'claim_at_once'
  | 'claim_and_cancel'
  | 'claim_and_wait'
  | 'take_over'
  | 'prove_at_deadline'
  | 'prove_late'
  | 'prove'
  | 'prove_the_same'
  | 'prove_and_bank'
  | 'bank'
  | 'bank_finds'
  | 'credit_found'
  | 'confirm'
  | 'confirm_at_once'
  | 'dispute'
  | 'approve'
  | 'reject'
  | 'spend'
  | 'cancel'
  | 'decide_late';

export interface InstantStep extends Step {
  /** The states of its slices that differ, in the order of the alphabet, while it is under way; its own once it is over. */
  readonly when: string;
  readonly does: InstantDeed;
}

/**
 * What becomes of a slice: credited to whoever had it last, back with the payee, taken back from who was credited, and given again once
 * the bank had it, or paid by the PSP.
 */
export type SliceFate = 'paid' | 'back' | 'reversed' | 'found' | 'handed';

export interface InstantBehaviour extends Behaviour {
  readonly steps: readonly InstantStep[];
  readonly ends: WithdrawalEnd;
  readonly fates: readonly [SliceFate, SliceFate];
  /** Its merchant's policy, if it is not the built-in one. */
  readonly creditOn?: CreditOn;
  readonly onUnfilled?: OnUnfilled;
  /** Its time to be filled is over soon. */
  readonly isHurried?: boolean;
  /** Whoever has a slice has it for three seconds. */
  readonly isShort?: boolean;
  /** The last digits of the payee's account: what becomes of a payout of the rest. */
  readonly account?: string;
  /** The payer of the first slice has spent the credit before it is taken back. */
  readonly isSpent?: boolean;
  /** The first slice was paid by two, and the payee owes one of them. */
  readonly isPaidTwice?: boolean;
}

const CLAIM: InstantStep = { when: 'unassigned', does: 'claim' };
const PROVE: InstantStep = { when: 'assigned', does: 'prove' };
const CONFIRM: InstantStep = { when: 'sys_confirmed', does: 'confirm' };
const DISPUTED = 'disputed+sys_confirmed';
/** The payee says of the first slice that it is not there. */
const DISPUTE: readonly InstantStep[] = [CLAIM, PROVE, { when: 'sys_confirmed', does: 'dispute' }];

const BOTH_PAID = { ends: 'completed', fates: ['paid', 'paid'] } as const;
const BOTH_BACK = { ends: 'cancelled', fates: ['back', 'back'] } as const;
const FIRST_TAKEN_BACK = { ends: 'partially_completed', fates: ['reversed', 'paid'] } as const;

export const BEHAVIOURS: readonly InstantBehaviour[] = [
  { name: 'paid', steps: [CLAIM, PROVE, CONFIRM], ...BOTH_PAID },
  /** Four want each slice at the same instant; and the payee's programs confirm several times at once. */
  {
    name: 'raced',
    steps: [{ when: 'unassigned', does: 'claim_at_once' }, PROVE, { when: 'sys_confirmed', does: 'confirm_at_once' }],
    ...BOTH_PAID,
  },
  { name: 'bank_first', steps: [CLAIM, { when: 'assigned', does: 'bank' }, PROVE], ...BOTH_PAID },
  { name: 'bank_with_proof', steps: [CLAIM, { when: 'assigned', does: 'prove_and_bank' }], ...BOTH_PAID },
  {
    name: 'bank_matched',
    steps: [CLAIM, PROVE, { when: 'sys_confirmed', does: 'bank' }],
    creditOn: 'bank_matched',
    ...BOTH_PAID,
  },
  { name: 'payee_confirmed', steps: [CLAIM, PROVE, CONFIRM], creditOn: 'payee_confirmed', ...BOTH_PAID },
  /** The second payer shows the first one's UTR, and then the right one. */
  { name: 'same_utr', steps: [CLAIM, { when: 'assigned', does: 'prove_the_same' }, CONFIRM], ...BOTH_PAID },
  {
    name: 'approved',
    steps: [...DISPUTE, { when: DISPUTED, does: 'approve' }, { when: 'admin_approved+sys_confirmed', does: 'confirm' }],
    ...BOTH_PAID,
  },
  {
    name: 'rejected',
    steps: [...DISPUTE, { when: DISPUTED, does: 'reject' }, { when: 'rejected+sys_confirmed', does: 'confirm' }],
    ...FIRST_TAKEN_BACK,
  },
  /** Of whom nobody was credited yet. */
  {
    name: 'rejected_before_credit',
    steps: [...DISPUTE, { when: DISPUTED, does: 'reject' }, { when: 'rejected+sys_confirmed', does: 'confirm' }],
    creditOn: 'payee_confirmed',
    ends: 'partially_completed',
    fates: ['back', 'paid'],
  },
  {
    name: 'rejected_too_late',
    steps: [
      CLAIM,
      PROVE,
      { when: 'sys_confirmed', does: 'spend' },
      { when: 'sys_confirmed', does: 'dispute' },
      { when: DISPUTED, does: 'reject' },
      { when: 'rejected+sys_confirmed', does: 'confirm' },
    ],
    isSpent: true,
    ...FIRST_TAKEN_BACK,
  },
  /** The bank has it after all. */
  {
    name: 'rejected_and_found',
    steps: [
      ...DISPUTE,
      { when: DISPUTED, does: 'reject' },
      { when: 'rejected+sys_confirmed', does: 'bank_finds' },
      { when: 'rejected+sys_confirmed', does: 'credit_found' },
      { when: 'rejected+sys_confirmed', does: 'confirm' },
    ],
    ends: 'partially_completed',
    fates: ['found', 'paid'],
  },
  /** Nobody pays in time; others do. */
  { name: 'reassigned', steps: [CLAIM, { when: 'reassigned', does: 'take_over' }, CONFIRM], isShort: true, ...BOTH_PAID },
  /** Others wait for a slice of that amount, and have it once the first ones' time is over. */
  { name: 'waited_for', steps: [{ when: 'unassigned', does: 'claim_and_wait' }, CONFIRM], isShort: true, ...BOTH_PAID },
  /** Too late, and nobody else has it. */
  { name: 'proved_late_free', steps: [CLAIM, { when: 'reassigned', does: 'prove_late' }, CONFIRM], isShort: true, ...BOTH_PAID },
  {
    name: 'proved_at_deadline',
    steps: [{ when: 'unassigned', does: 'prove_at_deadline' }, CONFIRM],
    isShort: true,
    ...BOTH_PAID,
  },
  /** And then the first ones show that they had paid: one is credited, the other has got the cash back. */
  {
    name: 'proved_late',
    steps: [
      CLAIM,
      { when: 'reassigned', does: 'take_over' },
      { when: 'sys_confirmed', does: 'prove_late' },
      { when: 'sys_confirmed', does: 'decide_late' },
      CONFIRM,
    ],
    isShort: true,
    isPaidTwice: true,
    ...BOTH_PAID,
  },
  { name: 'unfilled', steps: [], isHurried: true, ...BOTH_BACK },
  {
    name: 'rest_paid',
    steps: [],
    isHurried: true,
    onUnfilled: 'psp',
    account: '0001',
    ends: 'partially_completed',
    fates: ['handed', 'handed'],
  },
  /** The PSP cannot pay it: it is the payee's again. */
  {
    name: 'rest_failed',
    steps: [],
    isHurried: true,
    onUnfilled: 'psp',
    account: '0003',
    ends: 'partially_completed',
    fates: ['back', 'back'],
  },
  {
    name: 'cancelled_in_part',
    steps: [
      { when: 'unassigned', does: 'claim_first' },
      { when: 'assigned+unassigned', does: 'cancel' },
      { when: 'assigned+cancelled', does: 'prove' },
      { when: 'cancelled+sys_confirmed', does: 'confirm' },
    ],
    ends: 'partially_completed',
    fates: ['paid', 'back'],
  },
  /** Cancelled while somebody takes a slice, who then does not pay. */
  { name: 'cancelled', steps: [{ when: 'unassigned', does: 'claim_and_cancel' }], isShort: true, ...BOTH_BACK },
];

/** What a payee has besides, in minor units: less than any slice. */
export const SPARE = 5_000n;

export interface Purse {
  readonly available: bigint;
  readonly locked: bigint;
  readonly debt: bigint;
}

export interface Outcome {
  readonly payee: Purse;
  /** By user; whoever is not there has nothing. */
  readonly payers: ReadonlyMap<string, Purse>;
}

export interface Slice {
  readonly minor: bigint;
  /** Who had it last; null: nobody has it. */
  readonly payerId: string | null;
}

/** What everybody must have in the end. `late`: who had the first slice before. */
export function outcomeOf(behaviour: InstantBehaviour, slices: readonly Slice[], late: string): Outcome {
  const payers = new Map<string, Purse>();
  const give = (id: string, purse: Partial<Purse>) => payers.set(id, { available: 0n, locked: 0n, debt: 0n, ...purse });
  let [available, debt] = [SPARE, 0n];
  for (const [nth, { minor, payerId }] of slices.entries()) {
    const fate = behaviour.fates[nth];
    if ((fate === 'paid' || fate === 'found') && payerId !== null) give(payerId, { available: minor });
    if (fate === 'back' || (fate === 'reversed' && !behaviour.isSpent)) available += minor;
    if (fate === 'reversed' && behaviour.isSpent && payerId !== null) give(payerId, { debt: minor });
  }
  const first = slices[0];
  if (behaviour.isPaidTwice && first) {
    give(late, { available });
    debt = first.minor - available;
    available = 0n;
  }
  return { payee: { available, locked: 0n, debt }, payers };
}
