-- What the examples look at: the entries in words, what every account comes to, the payouts, and what was earned and used.
CREATE TEMP VIEW book AS
  SELECT e.op_key || ' ' || e.leg AS step, e.type, concat_ws(' ', d.purpose, CASE d.owner_kind WHEN 'bank' THEN 'bank of' END, nullif(d.owner_id, '')) AS "from",
         concat_ws(' ', c.purpose, CASE c.owner_kind WHEN 'bank' THEN 'bank of' END, nullif(c.owner_id, '')) AS "to", e.amount, coalesce(e.debit_available, e.credit_available) AS available,
         coalesce(e.debit_reserved, e.credit_reserved) AS reserved, e.credit_available AS taker
    FROM ledger_entries e JOIN accounts d ON d.id = e.debit_account JOIN accounts c ON c.id = e.credit_account
   ORDER BY e.id;
CREATE TEMP VIEW accounts_now AS
  SELECT concat_ws(' ', a.purpose, CASE a.owner_kind WHEN 'bank' THEN 'bank of' END, nullif(a.owner_id, '')) AS account,
         sum(CASE a.id WHEN e.credit_account THEN e.amount ELSE -e.amount END) AS comes_to
    FROM accounts a JOIN ledger_entries e ON a.id IN (e.debit_account, e.credit_account)
   GROUP BY a.id ORDER BY 1;
CREATE TEMP VIEW payouts_now AS SELECT id, state, round, attempt, needs_operator FROM payouts ORDER BY id;
CREATE TEMP VIEW earnings_now AS
  SELECT e.id AS earning, e.amount, e.available,
         string_agg(concat_ws(' ', u.payout_id, u.state, u.amount), ', ' ORDER BY u.payout_id, u.round, u.state) AS used
    FROM earnings e LEFT JOIN earning_uses u ON u.earning_id = e.id
   GROUP BY e.id ORDER BY e.id;
