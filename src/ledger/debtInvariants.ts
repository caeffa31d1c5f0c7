/** What must be true of what owners owe at every committed moment: a part of the list in invariants.ts. */
import { DEBT_REPAID } from '../payouts/rules/machine.ts';
import type { Invariant } from './invariant.ts';

export const debtInvariants: readonly Invariant[] = [
  {
    name: 'credits_repay_first',
    description:
      'Nobody who owes gets new money to spend: of every credit the debt is repaid, as far as it goes, with the credit.',
    sql: `
      SELECT c.op_key, b.id AS balance, c.amount, coalesce(c.credit_debt, c.debit_debt) AS owed, r.repaid
        FROM ledger_entries c
        JOIN balances b ON b.id = coalesce(c.credit_balance, c.debit_balance) AND b.available_account = c.credit_account
        CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount), 0) AS repaid FROM ledger_entries e WHERE e.op_key = c.op_key AND e.type = 'REPAY') r
       WHERE (c.debit_debt > 0 OR c.credit_debt > 0) AND c.type <> 'RELEASE'
         AND r.repaid <> least(c.amount, coalesce(c.credit_debt, c.debit_debt))`,
  },
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
