/** Another policy tried on payouts that were decided: from the facts they kept, by the same function. */
import { assess, type RiskRecord, type RiskVerdict } from './assess.ts';
import type { RiskPolicy } from './policy.ts';

export interface Redecided {
  readonly was: RiskVerdict;
  readonly wouldBe: RiskVerdict;
  /** Another decision, or the same for other reasons. */
  readonly differs: boolean;
}

export function redecide({ facts, verdict }: RiskRecord, policy: RiskPolicy): Redecided {
  const wouldBe = assess(facts, policy);
  return { was: verdict, wouldBe, differs: codesOf(verdict) !== codesOf(wouldBe) };
}

/** The rules' order is always the same. No reasons means APPROVE, so the decision is in it. */
const codesOf = ({ reasons }: RiskVerdict): string => reasons.map(({ code }) => code).join(' ');
