-- What the examples look at: the entries in words, the balances, and what every account comes to.
CREATE TEMP VIEW book AS
  SELECT e.op_key || ' ' || e.leg AS step, e.type, concat_ws(' ', d.purpose, nullif(d.owner_id, '')) AS "from",
         concat_ws(' ', c.purpose, nullif(c.owner_id, '')) AS "to", e.amount, e.available_after AS available, e.reserved_after AS reserved
    FROM ledger_entries e JOIN accounts d ON d.id = e.debit_account JOIN accounts c ON c.id = e.credit_account
   ORDER BY e.id;
CREATE TEMP VIEW accounts_now AS
  SELECT concat_ws(' ', a.purpose, nullif(a.owner_id, '')) AS account,
         coalesce(sum(CASE a.id WHEN e.credit_account THEN e.amount ELSE -e.amount END), 0) AS comes_to
    FROM accounts a LEFT JOIN ledger_entries e ON a.id IN (e.debit_account, e.credit_account)
   GROUP BY a.id ORDER BY 1;
CREATE TEMP VIEW payouts_now AS SELECT id, state, round, attempt, needs_operator FROM payouts ORDER BY id;
