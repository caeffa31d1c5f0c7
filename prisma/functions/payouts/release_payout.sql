-- release_payout(payout): it will not be paid: amount + fee  reserved → available (RELEASE). So are a provider's earnings.
-- Key: <payout>:release:<round>, one release for each reservation. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION release_payout(p payouts) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  b := lock_balance(p.balance_id);
  PERFORM move(p.id || ':release:' || p.round, 0, 'RELEASE', b, b.reserved_account, b.available_account, p.amount + p.fee, p.id);
  PERFORM free_earnings(b, p.id, p.round, 'reserved', p.amount + p.fee);
END $$;
