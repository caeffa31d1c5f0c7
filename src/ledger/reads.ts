/** What anybody may ask of the ledger. What moves money is in ledger.ts and postings.ts, which few may import. */
import type { Pool } from 'pg';
import type { PayoutRecord } from '../payouts/rules/contract.ts';

export interface LedgerReads {
  /** The payout as it is now, or undefined. */
  read(payoutId: string): Promise<PayoutRecord | undefined>;
}

// Named: parsed and planned once a connection, not with every call.
const READ = { name: 'read_payout', text: 'SELECT payout_record(p) AS payout FROM payouts p WHERE p.id = $1' };

export function createLedgerReads(pool: Pool): LedgerReads {
  return {
    async read(payoutId) {
      const { rows } = await pool.query<{ payout: PayoutRecord }>({ ...READ, values: [payoutId] });
      return rows[0]?.payout;
    },
  };
}
