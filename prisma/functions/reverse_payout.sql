-- reverse_payout(payout): paid, then sent back by the bank: amount  clearing → available (REVERSE).
-- What a late settlement had booked as debt is repaid first. The fee is not given back: the transfer was made.
-- A provider's earnings are available again by what its balance gets.
-- Key: <payout>:reverse. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION reverse_payout(p payouts) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_clearing bigint := platform_account(p.mode, 'clearing', p.psp, p.currency);
  v_owed bigint;
BEGIN
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p.balance_id FOR NO KEY UPDATE;
  SELECT coalesce(sum(e.amount), 0) INTO v_owed FROM ledger_entries e
   WHERE e.op_key = p.id || ':settle' AND e.type = 'DEBT' AND e.credit_account = v_clearing;
  IF v_owed < p.amount THEN
    b := move(p.id || ':reverse', 0, 'REVERSE', b, v_clearing, b.available_account, p.amount - v_owed, p.id);
    PERFORM free_earnings(b, p.id, p.round, 'paid_out', p.amount - v_owed);
  END IF;
  IF v_owed > 0 THEN
    b := move(p.id || ':reverse', 1, 'REVERSE', b, v_clearing,
              account_for(p.mode, b.owner_kind, b.owner_id, 'debt', p.currency, p.merchant_id), v_owed, p.id);
  END IF;
END $$;
