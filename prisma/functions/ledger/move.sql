-- move(…): one ledger entry and what it does to the owner's balance row, which the caller has locked or locks here.
-- The only place that writes ledger_entries or changes a balance.
--   debit or credit = the balance's available or reserved account: that column goes down or up
--   debit or credit = its debt account: what the owner owes goes up or down
--   any other account: the platform's, whose balance is the sum of its entries
-- Raises on a negative balance or debt (CHECK) and on a second entry under the same (op_key, leg): both mean a bug, and
-- stop the transaction. Returns the balance after.
CREATE OR REPLACE FUNCTION move(p_key text, p_leg int, p_type text, p_balance balances, p_debit bigint, p_credit bigint, p_amount bigint, p_payout text)
RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances := p_balance;
BEGIN
  UPDATE balances x
     SET available = x.available
           - CASE WHEN p_debit = x.available_account THEN p_amount ELSE 0 END
           + CASE WHEN p_credit = x.available_account THEN p_amount ELSE 0 END,
         reserved = x.reserved
           - CASE WHEN p_debit = x.reserved_account THEN p_amount ELSE 0 END
           + CASE WHEN p_credit = x.reserved_account THEN p_amount ELSE 0 END,
         debt = x.debt
           + CASE WHEN p_debit = x.debt_account THEN p_amount ELSE 0 END
           - CASE WHEN p_credit = x.debt_account THEN p_amount ELSE 0 END,
         version = x.version + 1
   WHERE x.id = p_balance.id
   RETURNING x.* INTO STRICT b;
  INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount, payout_id, balance_id, available_after, reserved_after, debt_after)
  VALUES (p_key, p_leg, p_type, p_debit, p_credit, b.currency, p_amount, p_payout, b.id, b.available, b.reserved, b.debt);
  RETURN b;
END $$;
