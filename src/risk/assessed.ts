/** Takes a payout in with the assessment of its risk that its kind needs. */

import type { Ledger, ReserveAnswer, ReserveRequest, RiskQuestion } from '../ledger/ledger.ts';
import { assess, type RiskRecord } from './rules/assess.ts';
import { BUILT_IN_POLICY } from './rules/policy.ts';

/**
 * How often a provider's payout is assessed anew because the facts have changed meanwhile. Every change is another of its
 * payouts that went through, so that many must come in at once; beyond it the activity's next try begins afresh.
 */
const MAX_ASSESSMENTS = 200;

export async function reserveAssessed(ledger: Ledger, request: ReserveRequest): Promise<ReserveAnswer> {
  let answer = await ledger.reserve(request);
  for (let assessments = 0; answer.outcome === 'assess'; assessments += 1) {
    if (assessments === MAX_ASSESSMENTS) throw new Error(`the facts of payout ${request.payoutId} keep changing`);
    answer = await ledger.reserve(request, assessed(answer));
  }
  return answer;
}

function assessed({ facts, policy }: RiskQuestion): RiskRecord {
  const { version, merchantId, rules } = policy ?? BUILT_IN_POLICY;
  return { policyVersion: version, policyMerchantId: merchantId, facts, verdict: assess(facts, rules) };
}
