/**
 * What proves that a request is dead. A PSP that refuses a request speaks of that request alone: an earlier one under the
 * same key may have been taken and paid. So the word "failed" counts only as this table says. The database holds the same
 * rows (prisma/functions/payouts/payout_proofs.sql); a test compares the two.
 */
import type { FactType } from './machine.ts';

/**
 * - `refused`: every request ever sent under the key was refused at the PSP's door
 * - `failed_transfer`: the PSP shows a failed transfer for this very key
 * - `operator`: a person found out, with evidence that names the attempt
 */
export type Proof = 'refused' | 'failed_transfer' | 'operator';

/** What says that a request came to nothing. */
export const WORDS_OF_FAILURE = ['not_taken', 'attempt_failed', 'failed'] as const satisfies readonly FactType[];
export type WordOfFailure = (typeof WORDS_OF_FAILURE)[number];

export interface ProofRow {
  readonly word: WordOfFailure;
  /** Whether it names the PSP's transfer. */
  readonly named: boolean;
  /** Whether an earlier request under the key may have been taken, or this is no answer to a request. */
  readonly uncertain: boolean;
  /** What it counts as. */
  readonly counts: FactType;
  /** With which proof the attempt is closed; null: it stays open. */
  readonly proof: Proof | null;
}

const rowFor = (word: WordOfFailure, named: boolean, uncertain: boolean): ProofRow => {
  const isProof = !uncertain || (named && word !== 'not_taken');
  const proof = !isProof || word === 'not_taken' ? null : named ? 'failed_transfer' : 'refused';
  return { word, named, uncertain, counts: isProof ? word : 'outcome_unknown', proof };
};

export const PROOFS: readonly ProofRow[] = WORDS_OF_FAILURE.flatMap((word) =>
  [false, true].flatMap((named) => [false, true].map((uncertain) => rowFor(word, named, uncertain))),
);

const isWordOfFailure = (fact: FactType): fact is WordOfFailure => (WORDS_OF_FAILURE as readonly FactType[]).includes(fact);

/** What a word counts as; any other fact counts as itself. */
export function provenBy(fact: FactType, named: boolean, uncertain: boolean): Pick<ProofRow, 'counts' | 'proof'> {
  if (!isWordOfFailure(fact)) return { counts: fact, proof: null };
  return rowFor(fact, named, uncertain);
}
