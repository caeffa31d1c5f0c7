-- settle_payout(payout, late): the PSP has paid.
--   in time: amount  reserved → clearing at the PSP (SETTLE) · fee  reserved → fees (FEE)
--   late:    the money was released before we learned of the payment: it is taken from `available`; what is not
--            there any more is booked as the owner's debt (DEBT), never as a negative balance
--   again:   paid, sent back, and paid once more: late, and the amount alone, for a return gives no fee back
-- The PSP is that of the attempt that was paid.
-- A provider's earnings are paid out: in time those it reserved, late the oldest of what is there.
-- Key: <payout>:settle, after its nth return <payout>:settle:<n+1>. A second settlement, by whatever way, meets the primary key.
-- Returns what is owed for it now that was not before. Internal: called by apply_fact, which holds the payout's row.
CREATE OR REPLACE FUNCTION settle_payout(p payouts, p_late boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_key text := p.id || ':settle' || CASE WHEN p.returns > 0 THEN ':' || (p.returns + 1) ELSE '' END;
  v_fee bigint := CASE WHEN p.returns > 0 THEN 0 ELSE p.fee END;
  v_clearing bigint := platform_account(p.mode, 'clearing', psp_of(p, 'succeeded'), p.currency);
  v_fees bigint;
  v_there bigint;
  v_owed bigint;
BEGIN
  b := lock_balance(p.balance_id);
  IF v_fee > 0 THEN v_fees := platform_account(p.mode, 'fees', '', p.currency); END IF;

  IF NOT p_late AND p.returns = 0 THEN
    b := move(v_key, 0, 'SETTLE', b, b.reserved_account, v_clearing, p.amount, p.id);
    IF v_fee > 0 THEN b := move(v_key, 1, 'FEE', b, b.reserved_account, v_fees, v_fee, p.id); END IF;
    PERFORM pay_out_earnings(b, p.id, p.round, p.amount + v_fee);
    RETURN 0;
  END IF;

  v_owed := p.amount + v_fee - least(b.available, p.amount + v_fee);
  PERFORM take_earnings(b, p.id, p.round, p.amount + v_fee - v_owed, 'paid_out');
  v_there := least(b.available, p.amount);
  IF v_there > 0 THEN b := move(v_key, 0, 'SETTLE', b, b.available_account, v_clearing, v_there, p.id); END IF;
  IF v_there < p.amount THEN b := move(v_key, 1, 'DEBT', b, b.debt_account, v_clearing, p.amount - v_there, p.id); END IF;
  v_there := least(b.available, v_fee);
  IF v_there > 0 THEN b := move(v_key, 2, 'FEE', b, b.available_account, v_fees, v_there, p.id); END IF;
  IF v_there < v_fee THEN b := move(v_key, 3, 'DEBT', b, b.debt_account, v_fees, v_fee - v_there, p.id); END IF;
  UPDATE payouts x SET debt = x.debt + v_owed WHERE x.id = p.id AND v_owed > 0;
  RETURN v_owed;
END $$;
