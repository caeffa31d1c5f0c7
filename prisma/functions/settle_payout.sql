-- settle_payout(payout, late): the PSP has paid.
--   in time: amount  reserved → clearing at the PSP (SETTLE) · fee  reserved → fees (FEE)
--   late:    the money was released before we learned of the payment: it is taken from `available`; what is not
--            there any more is booked as the owner's debt, never as a negative balance
-- A provider's earnings are paid out: in time those it reserved, late the oldest of what is there.
-- Key: <payout>:settle. A second settlement of a payout, by whatever way, meets the primary key.
-- Internal: called by apply_fact, which holds the payout's row.
CREATE OR REPLACE FUNCTION settle_payout(p payouts, p_late boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_key text := p.id || ':settle';
  v_clearing bigint := platform_account(p.mode, 'clearing', p.psp, p.currency);
  v_fees bigint;
  v_debt bigint;
  v_there bigint;
BEGIN
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p.balance_id FOR NO KEY UPDATE;
  IF p.fee > 0 THEN v_fees := platform_account(p.mode, 'fees', '', p.currency); END IF;

  IF NOT p_late THEN
    b := move(v_key, 0, 'SETTLE', b, b.reserved_account, v_clearing, p.amount, p.id);
    IF p.fee > 0 THEN b := move(v_key, 1, 'FEE', b, b.reserved_account, v_fees, p.fee, p.id); END IF;
    PERFORM pay_out_earnings(b, p.id, p.round, p.amount + p.fee);
    RETURN;
  END IF;

  v_debt := account_for(p.mode, b.owner_kind, b.owner_id, 'debt', p.currency, p.merchant_id);
  PERFORM take_earnings(b, p.id, p.round, least(b.available, p.amount + p.fee), 'paid_out');
  v_there := least(b.available, p.amount);
  IF v_there > 0 THEN b := move(v_key, 0, 'SETTLE', b, b.available_account, v_clearing, v_there, p.id); END IF;
  IF v_there < p.amount THEN b := move(v_key, 1, 'DEBT', b, v_debt, v_clearing, p.amount - v_there, p.id); END IF;
  v_there := least(b.available, p.fee);
  IF v_there > 0 THEN b := move(v_key, 2, 'FEE', b, b.available_account, v_fees, v_there, p.id); END IF;
  IF v_there < p.fee THEN b := move(v_key, 3, 'DEBT', b, v_debt, v_fees, p.fee - v_there, p.id); END IF;
END $$;
