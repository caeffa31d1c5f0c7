/** The ledger as activities: a function call or two each, safe to repeat by their keys, quick enough to run locally. */
import type { Pool } from 'pg';
import type { PayoutRecord } from '../src/domain/payout/contract.ts';
import { mayAct, type Role } from '../src/domain/roles.ts';
import { type Failpoint, failpoint } from '../src/failpoints.ts';
import { reserveAssessed } from '../src/ledger/assessed.ts';
import type { Ledger, ReserveAnswer, ReserveRequest } from '../src/ledger/ledger.ts';

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
  return {
    async reserve(request: ReserveRequest): Promise<ReserveAnswer> {
      const answer = await reserveAssessed(ledger, request);
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
