-- release_payout(payout): it will not be paid: amount + fee  reserved → available (RELEASE). So are a provider's earnings. A user's comes
-- back as what nobody paid of the withdrawal does (WITHDRAWAL_BACK), a credit, which repays first what the user owes (slices.sql).
-- Key: <payout>:release:<round>, one release for each reservation. Internal: called by apply_fact, of a user's after lock_for_payout_credit.
CREATE OR REPLACE FUNCTION release_payout(p payouts) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  b := lock_balance(p.balance_id);
  IF p.kind = 'user' THEN
    PERFORM credit(p.id || ':release:' || p.round, 0, 'WITHDRAWAL_BACK', b, b.reserved_account, p.amount + p.fee, 'payout', p.id);
    RETURN;
  END IF;
  PERFORM move(p.id || ':release:' || p.round, 0, 'RELEASE', b, b.reserved_account, b.available_account, p.amount + p.fee, p.id);
  PERFORM free_earnings(b, p.id, p.round, 'reserved', p.amount + p.fee);
END $$;
