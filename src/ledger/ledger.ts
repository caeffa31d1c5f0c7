/**
 * How a payout's money is moved: typed callers of the SQL functions in prisma/functions, one round trip and one
 * transaction each. Every call may be repeated: the same key finds its first result. For activities alone.
 */
import type { Pool } from 'pg';
import type { Fact, FactAnswer, PayoutRecord, PayoutRequest, RefusalCode, ReviewReason } from '../payouts/rules/contract.ts';
import type { RiskFacts, RiskRecord } from '../risk/rules/assess.ts';
import type { PolicyVersion } from '../risk/rules/policy.ts';
import { askBooks } from './calls.ts';
import { createLedgerReads, type LedgerReads } from './reads.ts';

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

export type ReserveAnswer =
  | { readonly outcome: 'reserved' | 'already'; readonly payout: PayoutRecord }
  | { readonly outcome: Exclude<RefusalCode, 'not_reinitiable' | 'user_frozen'> };

export interface Ledger extends LedgerReads {
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
}

/** @param onWritten called after each change: an event may have been written, and what it sends is due. */
export function createLedger(pool: Pool, onWritten: () => void = () => undefined): Ledger {
  async function call<T>(name: string, values: unknown[]): Promise<T> {
    const answer = await askBooks<T>(pool, name, values);
    onWritten();
    return answer;
  }

  return {
    ...createLedgerReads(pool),

    reserve: (request, risk) => call('reserve_payout', [JSON.stringify({ ...request, risk })]),

    async applyFact(payoutId, key, fact, actor) {
      const { type, ...data } = fact;
      const answer = await call<FactAnswer | { outcome: 'not_found' }>('apply_fact', [
        payoutId,
        key,
        type,
        actor,
        JSON.stringify(data),
      ]);
      if (answer.outcome === 'not_found') throw new Error(`fact ${type} about an unknown payout ${payoutId}`);
      return answer;
    },
  };
}
