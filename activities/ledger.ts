/** The ledger as activities: a function call or two each, safe to repeat by their keys, quick enough to run locally. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { LEDGER_REFUSED, type PayoutRecord } from '../src/domain/payout/contract.ts';
import { assess, type RiskRecord } from '../src/domain/risk/assess.ts';
import { BUILT_IN_POLICY } from '../src/domain/risk/policy.ts';
import { mayAct, type Role } from '../src/domain/roles.ts';
import { type Failpoint, failpoint } from '../src/failpoints.ts';
import type { Ledger, ReserveAnswer, ReserveRequest, RiskQuestion } from '../src/ledger/ledger.ts';

interface Places {
  readonly before?: Failpoint;
  readonly after?: Failpoint;
}

const DECIDED: Places = { before: 'decide.before', after: 'decide.after' };

/** The facts that move money, let it go or let it through, where a kill must do no harm. */
const FACT_FAILPOINTS: ReadonlyMap<string, Places> = new Map(
  Object.entries({
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
  } satisfies Record<string, Places>),
);

/**
 * How often a provider's payout is assessed anew because the facts have changed meanwhile. Every change is another of its
 * payouts that went through, so that many must come in at once; beyond it the activity's next try begins afresh.
 */
const MAX_ASSESSMENTS = 200;

/**
 * Classes of SQLSTATE that say of the call, not of the database: what it asks for can never be written (PostgreSQL, appendix
 * A). Not 42, which a roll-out that is half done mends, nor 40, 53, 57 and 08, which pass.
 */
const FOR_GOOD = ['21', '22', '23', '2F', '44', '54', 'P0'];
/** Two that raced may break a constraint that neither breaks alone; a third time it is no race. */
const TRIES = 3;
const BETWEEN_TRIES_MS = 50;

/** @throws LEDGER_REFUSED, never to be retried, where the ledger can never do it: its payout waits for an operator then. */
async function unlessForGood<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === undefined || !FOR_GOOD.includes(state.slice(0, 2))) throw error;
      if (tries < TRIES) await sleep(BETWEEN_TRIES_MS);
      else {
        log.error('a ledger call can never succeed', { error });
        // The state, not the words: PostgreSQL quotes what it was given.
        throw ApplicationFailure.create({ type: LEDGER_REFUSED, message: `SQLSTATE ${state}`, nonRetryable: true });
      }
    }
  }
}

function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The ledger's one door, with the places where a kill must do no harm. */
export function factDoor(ledger: Ledger): Ledger['applyFact'] {
  return async (payoutId, key, fact, actor) => {
    const places = FACT_FAILPOINTS.get(fact.type);
    if (places?.before) await failpoint(places.before, payoutId);
    const answer = await unlessForGood(() => ledger.applyFact(payoutId, key, fact, actor));
    if (places?.after) await failpoint(places.after, payoutId);
    return answer;
  };
}

export type LedgerActivities = ReturnType<typeof createLedgerActivities>;

export function createLedgerActivities({ ledger, pool }: { ledger: Ledger; pool: Pool }) {
  return {
    async reserve(request: ReserveRequest): Promise<ReserveAnswer> {
      const answer = await unlessForGood(() => reserveAssessed(ledger, request));
      await failpoint('reserve.after', request.payoutId);
      return answer;
    },

    applyFact: factDoor(ledger),

    async readPayout(payoutId: string): Promise<PayoutRecord> {
      const payout = await ledger.read(payoutId);
      if (!payout) throw new Error(`no payout ${payoutId}`);
      return payout;
    },

    /** May the admin that a signal names approve payouts? The door checked it for those who came over HTTP. */
    async mayApprove(adminId: string): Promise<boolean> {
      const { rows } = await pool.query<{ role: Role }>('SELECT role FROM admins WHERE id = $1 AND active', [adminId]);
      return rows[0] !== undefined && mayAct(rows[0].role, 'approver');
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
