-- owe_all(debts, creditor): owners should give another one more than they have, for subjects that are no payouts: each owes its amount, and new
-- money of its own repays it before anything else (credit.sql). Until then the creditor does not have it: nobody is paid from nothing.
--   amount  the debtor's debt → owed to the creditor (DEBT)
-- They may be of two merchants. A creditor that itself owes is one as well: what it is repaid is its own money that comes back, like a released
-- reserve, and repays nothing, so that two who owe each other wait for nobody.
-- All balances must be locked, in the order of their ids. Once for a balance and subject, and each balance once in a call: again is more of the
-- same debt. Raises where it cannot be: a provider's balance is made of earnings.
-- Internal: called by the function that takes back what there is.
CREATE OR REPLACE FUNCTION owe_all(p_debts posting[], p_creditor balances) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM unnest(p_debts) p JOIN accounts a ON a.id = p.debit WHERE 'provider' IN (a.owner_kind, p_creditor.owner_kind) OR a.purpose <> 'debt';
  IF FOUND THEN RAISE EXCEPTION 'a balance that cannot owe balance %', p_creditor.id; END IF;
  PERFORM post(p_debts);
  INSERT INTO debts AS d (balance_id, creditor_id, subject_kind, subject_id, amount, owed)
  SELECT a.balance_id, p_creditor.id, p.subject_kind, p.subject_id, p.amount, p.amount
    FROM unnest(p_debts) p JOIN accounts a ON a.id = p.debit ORDER BY a.balance_id
  ON CONFLICT (balance_id, subject_id) DO UPDATE SET amount = d.amount + excluded.amount, owed = d.owed + excluded.owed;
END $$;

-- owe(key, leg, balance, creditor, amount, kind, subject): the same of one.
CREATE OR REPLACE FUNCTION owe(p_key text, p_leg int, p_balance balances, p_creditor balances, p_amount bigint, p_kind text, p_subject text)
RETURNS void LANGUAGE sql AS $$
  SELECT owe_all(ARRAY[(p_key, p_leg, 'DEBT', p_balance.debt_account, owed_account(p_creditor), p_amount, p_kind, p_subject)::posting], p_creditor)
$$;

-- owed_account(creditor): what others owe this owner, and it does not have yet.
CREATE OR REPLACE FUNCTION owed_account(c balances) RETURNS bigint LANGUAGE sql AS $$
  SELECT account_for(c.mode, c.owner_kind, c.owner_id, 'owed', c.currency, c.merchant_id)
$$;
