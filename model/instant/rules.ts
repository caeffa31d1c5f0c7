/** The rules under exploration, today's; and within which bounds. What is broken on purpose (breaks.ts) is a change of them. */
import type { Agreed, Beginning } from './books.ts';
import { confirm, creditByBank, decide, decideLate, dispute, submitProof } from './proofs.ts';
import { claim, close, giveBackRest, lapseAssignment, lapseConfirmation, reassign, restOf, takeRest } from './slices.ts';

export interface InstantRules {
  readonly claim: typeof claim;
  readonly prove: typeof submitProof;
  readonly confirm: typeof confirm;
  readonly dispute: typeof dispute;
  readonly decide: typeof decide;
  readonly decideLate: typeof decideLate;
  readonly bank: typeof creditByBank;
  readonly reassign: typeof reassign;
  readonly lapse: typeof lapseAssignment;
  readonly tire: typeof lapseConfirmation;
  readonly close: typeof close;
  readonly restOf: typeof restOf;
  readonly takeRest: typeof takeRest;
  readonly giveBack: typeof giveBackRest;
  /** Somebody looks for what has lost its workflow, or the word to it. */
  readonly looksAfter: boolean;
}

export const INSTANT_TODAY: InstantRules = {
  claim,
  prove: submitProof,
  confirm,
  dispute,
  decide,
  decideLate,
  bank: creditByBank,
  reassign,
  lapse: lapseAssignment,
  tire: lapseConfirmation,
  close,
  restOf,
  takeRest,
  giveBack: giveBackRest,
  looksAfter: true,
};

/** What may happen, and how often. A word that the books refuse changes nothing, and may be said at any time. */
export interface InstantLeft {
  /** Of a named slice, or of an amount. */
  readonly claims: number;
  readonly deposits: number;
  readonly proofs: number;
  readonly confirms: number;
  readonly disputes: number;
  /** Of operators: a slice approved or rejected, a late proof decided. */
  readonly decisions: number;
  readonly reassigns: number;
  readonly banks: number;
  readonly closes: number;
  /** The payout of the rest is refused for ever. */
  readonly refusals: number;
  readonly freezes: number;
  readonly spends: number;
  readonly deaths: number;
}

export interface InstantBounds {
  readonly name: string;
  readonly beginning: Beginning;
  /** A proof may be shown with another's UTR, or another's image. */
  readonly isForged: boolean;
  readonly left: InstantLeft;
}

const NONE: InstantLeft = {
  claims: 0, deposits: 0, proofs: 0, confirms: 0, disputes: 0, decisions: 0, reassigns: 0, banks: 0, closes: 0, refusals: 0, freezes: 0, spends: 0, deaths: 0,
}; // biome-ignore format: a list

const AGREED: Agreed = { creditOn: 'proof', unconfirmedMost: 1, reassignMost: 1, onUnfilled: 'refund' };
const SLICE = 5n;

export interface More {
  readonly agreed?: Partial<Agreed>;
  readonly slices?: number;
  readonly payers?: number;
  readonly isForged?: boolean;
}

/** A payee, with a slice and two payers unless it is said otherwise. */
export const instantBounds = (
  name: string,
  left: Partial<InstantLeft>,
  { agreed, slices = 1, payers = 2, isForged = false }: More = {},
): InstantBounds => ({
  name,
  beginning: {
    agreed: { ...AGREED, ...agreed },
    slices: Array.from({ length: slices }, () => SLICE),
    purses: [0n, ...Array.from({ length: payers }, () => 0n)],
  },
  isForged,
  left: { ...NONE, ...left },
});

const PSP = { onUnfilled: 'psp' } as const;
const ON_CONFIRMATION = { creditOn: 'payee_confirmed' } as const;

/** In `npm test`: some seconds together. */
export const INSTANT_SHORT: readonly InstantBounds[] = [
  instantBounds('claimed, proved, confirmed, and processes die', { claims: 2, proofs: 1, confirms: 1, deaths: 1 }),
  instantBounds('a deposit waits for a slice, and processes die', { deposits: 2, deaths: 1 }),
  instantBounds('proved late, by whom it was taken from', { claims: 2, proofs: 2, decisions: 1 }),
  instantBounds('proved late, when nobody is to pay it any more', { claims: 1, proofs: 1, reassigns: 1, closes: 1, decisions: 2 }, { payers: 1 }),
  instantBounds('disputed, decided, spent meanwhile', { claims: 1, proofs: 1, confirms: 1, disputes: 1, decisions: 2, spends: 1 }, { payers: 1 }),
  instantBounds('told by the bank, before and after', { claims: 1, proofs: 1, banks: 2, disputes: 1, confirms: 1, decisions: 1 }, { payers: 1, agreed: ON_CONFIRMATION }),
  instantBounds('told by the bank after it was rejected', { claims: 1, proofs: 1, banks: 1, decisions: 3, spends: 1 }, { payers: 1 }),
  instantBounds("another's UTR, and another's image", { claims: 2, proofs: 2, decisions: 1 }, { payers: 1, isForged: true }),
  instantBounds('closed at any moment, its rest handed over or refused', { claims: 1, proofs: 1, closes: 1, refusals: 1, deaths: 1 }, { payers: 1, agreed: PSP }),
  instantBounds('two slices, of which one is disputed', { claims: 1, proofs: 1, disputes: 1, decisions: 1 }, { payers: 1, agreed: PSP, slices: 2 }),
  instantBounds('somebody is frozen', { claims: 1, proofs: 1, freezes: 2, decisions: 1, confirms: 1 }, { payers: 1, agreed: PSP }),
]; // biome-ignore format: a table

/** In `npm run model`. */
export const INSTANT_WHOLE: readonly InstantBounds[] = [
  instantBounds('instant: claimed, proved, confirmed, and processes die', { claims: 2, proofs: 2, confirms: 1, disputes: 1, deaths: 2 }),
  instantBounds('instant: a deposit waits for a slice, and processes die', { deposits: 2, proofs: 1, deaths: 1 }),
  instantBounds('instant: proved late, by whom it was taken from', { claims: 2, proofs: 2, reassigns: 1, confirms: 1, decisions: 2 }),
  instantBounds('instant: two slices, disputed and decided', { claims: 2, proofs: 1, disputes: 1, decisions: 1 }, { payers: 1, slices: 2 }),
  instantBounds('instant: told by the bank, before and after', { claims: 1, proofs: 1, banks: 2, disputes: 1, confirms: 1, decisions: 2, spends: 1 }, { payers: 1 }),
  instantBounds('instant: told by the bank after it was rejected', { claims: 1, proofs: 1, banks: 1, decisions: 3, closes: 1, spends: 1 }, { payers: 1 }),
  instantBounds("instant: another's UTR, and another's image", { claims: 2, proofs: 2, decisions: 2, banks: 1 }, { payers: 1, isForged: true }),
  instantBounds('instant: closed at any moment, its rest handed over or refused', { claims: 1, proofs: 1, closes: 1, refusals: 1, decisions: 1, deaths: 1 }, { payers: 1, agreed: PSP, slices: 2 }),
  instantBounds('instant: somebody is frozen', { claims: 1, proofs: 1, freezes: 3, decisions: 2, banks: 1 }, { payers: 1, agreed: PSP }),
]; // biome-ignore format: a table
