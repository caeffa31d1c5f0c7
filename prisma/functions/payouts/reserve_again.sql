-- reserve_again: a failed payout is tried again: amount + fee  available → reserved (RESERVE, of a user's WITHDRAWAL), key <payout>:reserve:<next round>.
-- A provider's earnings are taken anew: those of the last round may have gone elsewhere.
CREATE OR REPLACE FUNCTION reserve_again(p payouts) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  b := lock_balance(p.balance_id);
  IF b.available < p.amount + p.fee THEN RETURN false; END IF;
  PERFORM move(p.id || ':reserve:' || (p.round + 1), 0, CASE p.kind WHEN 'user' THEN 'WITHDRAWAL' ELSE 'RESERVE' END, b, b.available_account, b.reserved_account, p.amount + p.fee, p.id);
  PERFORM take_earnings(b, p.id, p.round + 1, p.amount + p.fee, 'reserved');
  RETURN true;
END $$;
