/**
 * The only code that moves money: typed callers of the SQL functions in prisma/functions, one round trip and one
 * transaction each. Every call may be repeated: the same key finds its first result.
 */
import type { Pool } from 'pg';
import type {
  Fact,
  FactAnswer,
  Mode,
  PayoutRecord,
  PayoutRequest,
  RefusalCode,
  ReviewReason,
} from '../payouts/rules/contract.ts';
import type { RiskFacts, RiskRecord } from '../risk/rules/assess.ts';
import type { PolicyVersion } from '../risk/rules/policy.ts';

export interface ReserveRequest extends Omit<PayoutRequest, 'terms'> {
  readonly feeMinor: string;
  /** Until when an approver may decide, should one be needed. */
  readonly reviewUntil: string;
  /** Empty: nobody needs to look at it. */
  readonly reviewReasons: readonly ReviewReason[];
}

/** A provider's payout is taken in with an assessment of these facts by this policy; null: the one that is built in. */
export interface RiskQuestion {
  readonly outcome: 'assess';
  readonly facts: RiskFacts;
  readonly policy: PolicyVersion | null;
}

/** `notify`: a webhook of this payout waits to be sent. */
export type ReserveAnswer =
  | { readonly outcome: 'reserved' | 'already'; readonly payout: PayoutRecord; readonly notify: boolean }
  | { readonly outcome: Exclude<RefusalCode, 'not_reinitiable'> };

export interface FundRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: string;
  readonly externalId: string;
}

export interface FundAnswer {
  readonly outcome: 'funded' | 'already' | 'mismatch' | 'balance_limit';
}

export interface EarningRequest {
  readonly earningId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly providerId: string;
  readonly externalId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly description: string | null;
}

/** `earningId`: of the first that was posted under this external id. */
export type EarningAnswer =
  | { readonly outcome: 'posted' | 'already'; readonly earningId: string }
  | { readonly outcome: 'mismatch' | 'insufficient_balance' | 'balance_limit' };

export interface Ledger {
  /**
   * Takes a payout in. Key: the payout's id. A provider's needs `risk`, and asks until it is of the facts as they are.
   * See prisma/functions/payouts/reserve_payout.sql for the answers.
   */
  reserve(request: ReserveRequest, risk?: RiskRecord): Promise<ReserveAnswer | RiskQuestion>;
  /**
   * The one door for everything that became true of a payout. `key` is the step's natural key (src/payouts/rules/steps.ts),
   * `actor` who says so (`merchant:…`, `admin:…`, `psp:…`, `system`). See prisma/functions/payouts/apply_fact.sql for the answers.
   * @throws if there is no such payout: nobody may hold a fact about one that was never taken in.
   */
  applyFact(payoutId: string, key: string, fact: Fact, actor: string): Promise<FactAnswer>;
  /** Money that arrived for a merchant. Key: `externalId`. */
  fund(request: FundRequest): Promise<FundAnswer>;
  /** Money that a merchant gives to a provider of its own. Key: `externalId`. See prisma/functions/providers/post_earning.sql for the answers. */
  postEarning(request: EarningRequest): Promise<EarningAnswer>;
  /** The payout as it is now, or undefined. */
  read(payoutId: string): Promise<PayoutRecord | undefined>;
}

// Named: parsed and planned once a connection, not with every call.
const RESERVE = { name: 'reserve_payout', text: 'SELECT reserve_payout($1) AS answer' };
const APPLY_FACT = { name: 'apply_fact', text: 'SELECT apply_fact($1, $2, $3, $4, $5) AS answer' };
const FUND = { name: 'fund_balance', text: 'SELECT fund_balance($1) AS answer' };
const POST_EARNING = { name: 'post_earning', text: 'SELECT post_earning($1) AS answer' };
const READ = { name: 'read_payout', text: 'SELECT payout_record(p) AS payout FROM payouts p WHERE p.id = $1' };

export function createLedger(pool: Pool): Ledger {
  async function call<T>(statement: { name: string; text: string }, values: unknown[]): Promise<T> {
    const { rows } = await pool.query<{ answer: T }>({ ...statement, values });
    const row = rows[0];
    if (!row) throw new Error(`no answer from: ${statement.text}`);
    return row.answer;
  }

  return {
    reserve: (request, risk) => call(RESERVE, [JSON.stringify({ ...request, risk })]),

    async applyFact(payoutId, key, fact, actor) {
      const { type, ...data } = fact;
      const answer = await call<FactAnswer | { outcome: 'not_found' }>(APPLY_FACT, [
        payoutId,
        key,
        type,
        actor,
        JSON.stringify(data),
      ]);
      if (answer.outcome === 'not_found') throw new Error(`fact ${type} about an unknown payout ${payoutId}`);
      return answer;
    },

    fund: (request) => call(FUND, [JSON.stringify(request)]),

    postEarning: (request) => call(POST_EARNING, [JSON.stringify(request)]),

    async read(payoutId) {
      const { rows } = await pool.query<{ payout: PayoutRecord }>({ ...READ, values: [payoutId] });
      return rows[0]?.payout;
    },
  };
}
