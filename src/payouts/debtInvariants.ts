/** What must be true of what owners owe for payouts: a part of the list in invariants.ts. */
import type { Invariant } from '../ledger/invariant.ts';
import { DEBT_REPAID } from './rules/machine.ts';

export const debtInvariants: readonly Invariant[] = [
  {
    name: 'repayments_are_told',
    description: 'The timeline of a payout that its owner owed for tells every repayment, once and with its amount.',
    sql: `
      WITH repaid AS (SELECT subject_id, op_key, amount FROM ledger_entries WHERE subject_kind = 'payout' AND (type = 'REPAY' OR type = 'REVERSE' AND leg = 1)),
      told AS (SELECT subject_id, op_key, data ->> 'repaidMinor' AS amount FROM events WHERE type = '${DEBT_REPAID}')
      SELECT coalesce(r.subject_id, t.subject_id) AS payout, r.op_key, r.amount, t.amount AS told
        FROM repaid r FULL JOIN told t ON t.subject_id = r.subject_id AND t.op_key = 'debt_repaid:' || r.op_key
       WHERE r.amount::text IS DISTINCT FROM t.amount`,
  },
];
