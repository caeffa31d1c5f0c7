/**
 * What workflows know of a payout: what they decide by, and what operators read in the Temporal UI. A history keeps every
 * answer for good, so the rest of the record stays in the books, and what is as it mostly is goes unsaid.
 */
import type { Fact, FactOutcome, PayoutRecord } from './contract.ts';

/** How a payout mostly stands. Never to be changed: where it was so, histories of before say nothing. */
const USUAL = {
  kind: 'merchant',
  attempt: 0,
  attemptsBefore: 0,
  attemptOpen: false,
  maxAttempts: 3,
  needsOperator: false,
  dispatch: 'now',
  runId: null,
  reviewUntil: null,
  nextAttemptAt: null,
  outcomeUntil: null,
  review: null,
  hold: null,
  failure: null,
  pausedBy: null,
} as const satisfies Partial<PayoutRecord>;

const ALWAYS = ['id', 'psp', 'state', 'round', 'sequence', 'unproven'] as const satisfies (keyof PayoutRecord)[];

type Always = Pick<PayoutRecord, (typeof ALWAYS)[number]>;
type Usual = Pick<PayoutRecord, keyof typeof USUAL>;
export type PayoutStanding = Always & Usual;

/** A standing as a history keeps it. */
export type Said = Always & Partial<Usual>;

export function said(payout: PayoutStanding): Said {
  const told = Object.entries(USUAL).flatMap(([name, usual]) => {
    const value = payout[name as keyof Usual];
    return value === usual ? [] : [[name, value]];
  });
  const { id, psp, state, round, sequence, unproven } = payout;
  return { id, psp, state, round, sequence, unproven, ...Object.fromEntries(told) };
}

export const heard = (words: Said): PayoutStanding => ({ ...USUAL, ...words });

/** The same of an answer that shows the payout. */
export function saidIn<Answer extends { readonly payout: PayoutStanding }>({ payout, ...answer }: Answer) {
  return { ...answer, payout: said(payout) };
}

export function heardIn<Answer extends { readonly payout: Said }>({ payout, ...answer }: Answer) {
  return { ...answer, payout: heard(payout) };
}

/** What the ledger's door answers, to workflows. */
export interface StepAnswer<Payout extends Said = PayoutStanding> {
  readonly outcome: FactOutcome;
  readonly payout: Payout;
}

/** That door as workflows know it. */
export type StepDoor = (payoutId: string, key: string, fact: Fact, actor: string) => Promise<StepAnswer<Said>>;
