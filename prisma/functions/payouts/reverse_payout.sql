-- reverse_payout(payout): paid, then sent back by the bank: amount  clearing → available (REVERSE), a credit (credit.sql).
-- What is still owed for this very payout is repaid by it first, at once: clearing → debt (REVERSE, leg 1).
-- The fee is not given back: the transfer was made. A provider's earnings are available again by what its balance gets.
-- Key: <payout>:reverse, from its second return on <payout>:reverse:<n>.
-- Internal: called by apply_fact, after lock_for_payout_credit.
CREATE OR REPLACE FUNCTION reverse_payout(p payouts) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_key text := p.id || ':reverse' || CASE WHEN p.returns > 0 THEN ':' || (p.returns + 1) ELSE '' END;
  v_clearing bigint := platform_account(p.mode, 'clearing', psp_of(p, 'returned'), p.currency); -- of the attempt that came back
  v_owed bigint := least(p.debt, p.amount);
BEGIN
  b := lock_balance(p.balance_id);
  IF v_owed > 0 THEN
    b := move(v_key, 1, 'REVERSE', b, v_clearing, b.debt_account, v_owed, p.id);
    PERFORM tell_repaid(p, v_key, 'REVERSE', v_owed);
  END IF;
  IF v_owed < p.amount THEN
    PERFORM free_earnings(b, p.id, p.round, 'paid_out', p.amount - v_owed);
    PERFORM credit(v_key, 0, 'REVERSE', b, v_clearing, p.amount - v_owed, 'payout', p.id);
  END IF;
END $$;
