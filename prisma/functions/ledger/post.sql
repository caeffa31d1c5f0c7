-- post(postings): moves money between accounts of any owners: one entry each, one or a quarter of a million of them at once.
-- The only place that writes ledger_entries or changes a balance.
--   an owner's available or reserved account: that column of its balance goes down or up
--   an owner's debt account: what it owes goes up or down
--   any other account: the platform's, whose balance is the sum of its entries
-- An entry keeps what each side's balance was right after it, in the order given; where both sides are of one balance, on the
-- debit side. Balances are locked in the order of their ids: whoever has read one before must have locked it. All entries of a step are
-- of its one time (moment()); which of a balance's was first their ids say.
-- Raises on a negative balance or debt (CHECK), on a second entry under the same (op_key, leg), and on an account that there
-- is not: all mean a bug, and stop the transaction.
CREATE OR REPLACE FUNCTION post(p_postings posting[]) RETURNS void LANGUAGE plpgsql
  -- One plan for one entry and for very many, made once: every row is found by its primary key, however few there were at first.
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_written bigint;
  v_at timestamptz;
  v_asked timestamptz := clock_timestamp();
BEGIN
  PERFORM 1 FROM balances b
    WHERE b.id IN (SELECT a.balance_id FROM unnest(p_postings) p CROSS JOIN LATERAL (VALUES (p.debit), (p.credit)) s (account)
                     JOIN accounts a ON a.id = s.account)
    ORDER BY b.id FOR NO KEY UPDATE;
  PERFORM waited_since(v_asked);
  v_at := moment();

  WITH wanted AS (
    SELECT p.*, d.currency, d.balance_id AS debit_balance, nullif(c.balance_id, d.balance_id) AS credit_balance
      FROM unnest(p_postings) WITH ORDINALITY AS p (op_key, leg, type, debit, credit, amount, subject_kind, subject_id, nth)
      JOIN accounts d ON d.id = p.debit
      JOIN accounts c ON c.id = p.credit),
  sides AS (
    SELECT w.*, s.side, s.balance, b.available AS available_before, b.reserved AS reserved_before, b.debt AS debt_before,
           CASE b.available_account WHEN w.credit THEN w.amount WHEN w.debit THEN -w.amount ELSE 0 END AS available,
           CASE b.reserved_account WHEN w.credit THEN w.amount WHEN w.debit THEN -w.amount ELSE 0 END AS reserved,
           CASE b.debt_account WHEN w.debit THEN w.amount WHEN w.credit THEN -w.amount ELSE 0 END AS debt
      FROM wanted w CROSS JOIN LATERAL (VALUES ('debit', w.debit_balance), ('credit', w.credit_balance)) s (side, balance)
      LEFT JOIN balances b ON b.id = s.balance),
  changed AS (
    UPDATE balances b
       SET available = b.available + t.available, reserved = b.reserved + t.reserved, debt = b.debt + t.debt, version = b.version + t.entries
      FROM (SELECT s.balance, sum(s.available) AS available, sum(s.reserved) AS reserved, sum(s.debt) AS debt, count(*) AS entries
              FROM sides s WHERE s.balance IS NOT NULL GROUP BY s.balance) t
     WHERE b.id = t.balance),
  after AS (
    SELECT s.*, s.available_before + sum(s.available) OVER w AS available_after, s.reserved_before + sum(s.reserved) OVER w AS reserved_after,
           s.debt_before + sum(s.debt) OVER w AS debt_after
      FROM sides s WINDOW w AS (PARTITION BY s.balance ORDER BY s.nth))
  INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id,
                              debit_balance, debit_available, debit_reserved, debit_debt,
                              credit_balance, credit_available, credit_reserved, credit_debt, at)
  SELECT a.op_key, a.leg, a.type, a.debit, a.credit, a.currency, a.amount, a.subject_kind, a.subject_id,
         a.debit_balance, max(a.available_after) FILTER (WHERE a.side = 'debit'), max(a.reserved_after) FILTER (WHERE a.side = 'debit'),
         max(a.debt_after) FILTER (WHERE a.side = 'debit'),
         a.credit_balance, max(a.available_after) FILTER (WHERE a.side = 'credit'), max(a.reserved_after) FILTER (WHERE a.side = 'credit'),
         max(a.debt_after) FILTER (WHERE a.side = 'credit'), v_at
    FROM after a
   GROUP BY a.nth, a.op_key, a.leg, a.type, a.debit, a.credit, a.currency, a.amount, a.subject_kind, a.subject_id, a.debit_balance, a.credit_balance
   ORDER BY a.nth;
  GET DIAGNOSTICS v_written = ROW_COUNT;
  IF v_written <> cardinality(p_postings) THEN RAISE EXCEPTION 'only % of % entries name accounts that there are', v_written, cardinality(p_postings); END IF;
END $$;

-- move(…): one entry of a payout, or of none, and a balance of its sides as it is afterwards.
CREATE OR REPLACE FUNCTION move(p_key text, p_leg int, p_type text, p_balance balances, p_debit bigint, p_credit bigint, p_amount bigint, p_payout text)
RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  PERFORM post(ARRAY[(p_key, p_leg, p_type, p_debit, p_credit, p_amount, CASE WHEN p_payout IS NOT NULL THEN 'payout' END, p_payout)::posting]);
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance.id;
  RETURN b;
END $$;
