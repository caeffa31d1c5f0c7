/** The ledger as activities: one function call each, safe to repeat by their keys, quick enough to run locally. */
import type { Pool } from 'pg';
import type { Fact, FactAnswer, PayoutRecord } from '../src/domain/payout/contract.ts';
import { mayAct, type Role } from '../src/domain/roles.ts';
import type { Ledger, ReserveAnswer, ReserveRequest } from '../src/ledger/ledger.ts';

export type LedgerActivities = ReturnType<typeof createLedgerActivities>;

export function createLedgerActivities({ ledger, pool }: { ledger: Ledger; pool: Pool }) {
  return {
    reserve: (request: ReserveRequest): Promise<ReserveAnswer> => ledger.reserve(request),

    applyFact: (payoutId: string, key: string, fact: Fact, actor: string): Promise<FactAnswer> =>
      ledger.applyFact(payoutId, key, fact, actor),

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
