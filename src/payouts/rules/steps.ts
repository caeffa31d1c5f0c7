/**
 * Step keys: the name of a step of one payout, by which the ledger knows a step done again. Made of what the decider
 * knew, never of a clock or a random: a workflow that is replayed, retried or taken over comes to the same key.
 */

/** What a key is made of. */
type StepFact = { readonly type: string; readonly attempt?: number; readonly adminId?: string };

export interface StepPlace {
  /** The number of the newest event the decider had seen. */
  readonly sequence: number;
  /** The round the decider works for; for `reinitiated` the new one. */
  readonly round: number;
}

/**
 * - `reinitiated:<round>`: a round is opened once
 * - `<fact>:<attempt>:<sequence>` for all others. They may become true again (held, lifted, held), and one that came
 *   too early and was ignored must count when it comes once more: without the sequence, its first coming would have
 *   used up the key. What is known already, under whatever key, the ledger calls unchanged.
 *
 * A person's fact ends in the person: two admins who decide at the same moment, having seen the same, are two steps.
 */
export function stepKey(fact: StepFact, at: StepPlace): string {
  const attempt = fact.attempt ?? 0;
  if (fact.type === 'reinitiated') return `reinitiated:${at.round}`;
  const key = `${fact.type}:${attempt}:${at.sequence}`;
  return fact.adminId === undefined ? key : `${key}:${fact.adminId}`;
}
