-- owe(key, leg, balance, creditor, amount, kind, subject): an owner should give another one more than it has, for a subject that is
-- no payout: it owes the amount, and new money of its own repays it before anything else (credit.sql). Until then the creditor
-- does not have it: nobody is paid from nothing.
--   amount  the debtor's debt → owed to the creditor (DEBT)
-- Both balances must be locked, in the order of their ids. Once for a balance and subject: again is more of the same debt. They may be
-- of two merchants. What a creditor gets back was its own: it is no new money, and repays nothing of what the creditor owes itself, so
-- that two who owe each other wait for nobody. Raises where it cannot be: a provider's balance is made of earnings.
-- Internal: called by the function that takes back what there is.
CREATE OR REPLACE FUNCTION owe(p_key text, p_leg int, p_balance balances, p_creditor balances, p_amount bigint, p_kind text, p_subject text)
RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  IF 'provider' IN (p_balance.owner_kind, p_creditor.owner_kind) THEN
    RAISE EXCEPTION 'balance % cannot owe balance %', p_balance.id, p_creditor.id;
  END IF;
  PERFORM post(ARRAY[(p_key, p_leg, 'DEBT', p_balance.debt_account, owed_account(p_creditor), p_amount, p_kind, p_subject)::posting]);
  INSERT INTO debts AS d (balance_id, creditor_id, subject_kind, subject_id, amount, owed)
  VALUES (p_balance.id, p_creditor.id, p_kind, p_subject, p_amount, p_amount)
  ON CONFLICT (balance_id, subject_id) DO UPDATE SET amount = d.amount + excluded.amount, owed = d.owed + excluded.owed;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance.id;
  RETURN b;
END $$;

-- owed_account(creditor): what others owe this owner, and it does not have yet.
CREATE OR REPLACE FUNCTION owed_account(c balances) RETURNS bigint LANGUAGE sql AS $$
  SELECT account_for(c.mode, c.owner_kind, c.owner_id, 'owed', c.currency, c.merchant_id)
$$;
