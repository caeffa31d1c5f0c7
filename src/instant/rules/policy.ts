/** What is agreed with a merchant about its payees' withdrawals, as data; a withdrawal keeps what it was opened with. */

/**
 * When a payer's deposit is credited. The payee bears the loss, so that the payee's merchant decides: at a valid proof, when the
 * payee says that the money is there, or when the payee's bank does.
 */
export const CREDIT_ON = ['proof', 'payee_confirmed', 'bank_matched'] as const;
export type CreditOn = (typeof CREDIT_ON)[number];

/** What becomes of slices that nobody has paid: an ordinary payout of the payee's, or back to the payee's wallet. */
export const ON_UNFILLED = ['psp', 'refund'] as const;
export type OnUnfilled = (typeof ON_UNFILLED)[number];

export interface InstantPolicy {
  readonly creditOn: CreditOn;
  /** So many proofs of one payer may be credited under `proof` that no payee has confirmed; the next are credited when one does. */
  readonly unconfirmedMost: number;
  /** From the assignment to the proof. */
  readonly assignmentMs: number;
  /** After an assignment that ran out its payer gets no other for so long. */
  readonly coolDownMs: number;
  /** So often a slice is given to another; after that nobody else gets it. */
  readonly reassignMost: number;
  /** So long the payee is waited for; then what the bank has matched is confirmed, and a person looks at the rest. */
  readonly confirmMs: number;
  /** After so long no slice is given to anybody any more. */
  readonly fillMs: number;
  /** One validator has so long for a proof that needs a person; then another. */
  readonly validateMs: number;
  /** Images are kept so long; their hashes for ever. */
  readonly imageDays: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const BUILT_IN_POLICY: InstantPolicy = {
  creditOn: 'proof',
  unconfirmedMost: 3,
  assignmentMs: 15 * MINUTE_MS, // to open one's bank, pay, and come back with a screenshot
  coolDownMs: 10 * MINUTE_MS, // whoever lets slices run out keeps others' money waiting
  reassignMost: 5,
  confirmMs: 24 * HOUR_MS, // a payee sleeps, and a bank may tell the next morning
  fillMs: 24 * HOUR_MS,
  validateMs: 15 * MINUTE_MS,
  imageDays: 90, // a bank takes no complaint about a payment later
};

/** Of slices, in minor units of the currency: below, nobody bothers; above, UPI takes no single payment (₹1 lakh). */
export const BATCH_LIMITS = { minMinor: 10_000n, maxMinor: 10_000_000n } as const;
/** Unless the caller says how large slices are. */
export const USUAL_BATCH_MINOR = 500_000n;

/** A payin waits so long for a slice of its amount, unless its caller says. */
export const PAYIN_WAIT_MS = 30 * MINUTE_MS;

/** Two images look alike where so few of their 64 bits differ: a re-saved or cropped one differs in less, another screenshot in more. */
export const LOOK_ALIKE_BITS = 6;

/** As it stands in `merchants.instant_policy`: what is not named there, or is nothing that it could be, is as built in. */
export function readPolicy(stored: unknown): InstantPolicy {
  const named: Readonly<Record<string, unknown>> = typeof stored === 'object' && stored !== null ? { ...stored } : {};
  const creditOn = CREDIT_ON.find((each) => each === named['creditOn']) ?? BUILT_IN_POLICY.creditOn;
  const number = (name: Exclude<keyof InstantPolicy, 'creditOn'>): number => {
    const value = named[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : BUILT_IN_POLICY[name];
  };
  return {
    creditOn,
    unconfirmedMost: number('unconfirmedMost'),
    assignmentMs: number('assignmentMs'),
    coolDownMs: number('coolDownMs'),
    reassignMost: number('reassignMost'),
    confirmMs: number('confirmMs'),
    fillMs: number('fillMs'),
    validateMs: number('validateMs'),
    imageDays: number('imageDays'),
  };
}
