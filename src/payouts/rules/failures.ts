/**
 * Failure classes A–K: what a payout does about what a PSP said. Every connector maps its PSP's words to a class by
 * a table of its own; what a class means stands only here.
 */

/**
 * - `retry`: another attempt follows, up to the payout's limit, then it fails
 * - `fail`: nothing will change by trying again
 * - `queue`: certainly not taken; the same attempt is asked for again later
 * - `look_up`: proves nothing; the outcome is unknown until a look-up or a callback
 * - `wait`: with the PSP, not failed
 * - `return`: paid, then sent back
 * - `operator`: contradicts our request; a person decides
 */
export type FailureAction = 'retry' | 'fail' | 'queue' | 'look_up' | 'wait' | 'return' | 'operator';

export const FAILURE_CLASSES = {
  A: { does: 'fail', retryable: false, means: 'the PSP refused the request as invalid; it was never sent on' },
  B: { does: 'retry', retryable: true, means: 'a temporary failure, certain' },
  C: { does: 'fail', retryable: true, means: 'this rail cannot; another may' },
  D: { does: 'queue', retryable: true, means: 'our own funds or limits at the PSP are short' },
  E: { does: 'fail', retryable: false, means: "the payee's data is wrong" },
  F: { does: 'fail', retryable: false, means: 'the payee or its bank will not take it' },
  G: { does: 'look_up', retryable: false, means: 'the outcome is unknown' },
  H: { does: 'look_up', retryable: false, means: 'the PSP says it has seen this reference: something was accepted' },
  I: { does: 'wait', retryable: false, means: 'waiting at the PSP' },
  J: { does: 'return', retryable: false, means: 'returned after it was paid' },
  K: { does: 'operator', retryable: false, means: "the PSP's answer contradicts our request" },
} as const satisfies Record<string, { does: FailureAction; retryable: boolean; means: string }>;

export type FailureClass = keyof typeof FAILURE_CLASSES;
