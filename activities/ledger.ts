/** The ledger as activities: a function call or two each, safe to repeat by their keys, quick enough to run locally. */
import type { Pool } from 'pg';
import type { PayoutRecord } from '../src/domain/payout/contract.ts';
import { assess, type RiskRecord } from '../src/domain/risk/assess.ts';
import { BUILT_IN_POLICY } from '../src/domain/risk/policy.ts';
import { type Failpoint, failpoint } from '../src/failpoints.ts';
import type { Ledger, ReserveAnswer, ReserveRequest, RiskQuestion } from '../src/ledger/ledger.ts';
import { askedDoor } from './authority.ts';

interface Places {
  readonly before?: Failpoint;
  readonly after?: Failpoint;
}

const DECIDED: Places = { before: 'decide.before', after: 'decide.after' };

/** The facts that move money, let it go or let it through, where a kill must do no harm. */
const FACT_FAILPOINTS: Readonly<Record<string, Places>> = {
  approved: DECIDED,
  rejected: DECIDED,
  held: DECIDED,
  hold_lifted: DECIDED,
  cancelled: DECIDED,
  resolved_paid: DECIDED,
  resolved_not_paid: DECIDED,
  dispatched: { before: 'dispatch.before', after: 'dispatch.after' },
  paid: { before: 'settle.before', after: 'settle.after' },
  failed: { before: 'release.before', after: 'release.after' },
  returned: { before: 'return.before' },
};

/**
 * How often a provider's payout is assessed anew because the facts have changed meanwhile. Every change is another of its
 * payouts that went through, so that many must come in at once; beyond it the activity's next try begins afresh.
 */
const MAX_ASSESSMENTS = 200;

/** The ledger's one door, with the places where a kill must do no harm. */
export function factDoor(ledger: Ledger): Ledger['applyFact'] {
  return async (payoutId, key, fact, actor) => {
    const places = FACT_FAILPOINTS[fact.type];
    if (places?.before) await failpoint(places.before, payoutId);
    const answer = await ledger.applyFact(payoutId, key, fact, actor);
    if (places?.after) await failpoint(places.after, payoutId);
    return answer;
  };
}

export type LedgerActivities = ReturnType<typeof createLedgerActivities>;

export function createLedgerActivities({ ledger, pool }: { ledger: Ledger; pool: Pool }) {
  const applyFact = factDoor(ledger);
  return {
    async reserve(request: ReserveRequest): Promise<ReserveAnswer> {
      const answer = await reserveAssessed(ledger, request);
      await failpoint('reserve.after', request.payoutId);
      return answer;
    },

    applyFact,

    applyAsked: askedDoor({ ledger, pool }, applyFact),

    async readPayout(payoutId: string): Promise<PayoutRecord> {
      const payout = await ledger.read(payoutId);
      if (!payout) throw new Error(`no payout ${payoutId}`);
      return payout;
    },
  };
}

async function reserveAssessed(ledger: Ledger, request: ReserveRequest): Promise<ReserveAnswer> {
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
