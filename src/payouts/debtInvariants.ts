/** What must be true of what owners owe for payouts: a part of the list in invariants.ts. */
import type { Invariant } from '../ledger/invariant.ts';
import { DEBT_REPAID } from './rules/machine.ts';

export const debtInvariants: readonly Invariant[] = [
  {
    name: 'debts_are_of_payouts',
    description: 'What an owner owes is what it owes for its payouts, one by one.',
    sql: `
      WITH owed AS (SELECT balance_id, sum(debt) AS debt FROM payouts WHERE debt > 0 GROUP BY balance_id),
      owing AS (SELECT id, debt FROM balances WHERE debt > 0)
      SELECT coalesce(b.id, o.balance_id) AS balance, b.debt, o.debt AS of_payouts
        FROM owing b FULL JOIN owed o ON o.balance_id = b.id WHERE b.debt IS DISTINCT FROM o.debt`,
  },
  {
    name: 'repayments_are_told',
    description: 'The timeline of a payout that its owner owed for tells every repayment, once and with its amount.',
    sql: `
      WITH repaid AS (SELECT subject_id, op_key, amount FROM ledger_entries WHERE type = 'REPAY' OR type = 'REVERSE' AND leg = 1),
      told AS (SELECT subject_id, op_key, data ->> 'repaidMinor' AS amount FROM events WHERE type = '${DEBT_REPAID}')
      SELECT coalesce(r.subject_id, t.subject_id) AS payout, r.op_key, r.amount, t.amount AS told
        FROM repaid r FULL JOIN told t ON t.subject_id = r.subject_id AND t.op_key = 'debt_repaid:' || r.op_key
       WHERE r.amount::text IS DISTINCT FROM t.amount`,
  },
];
