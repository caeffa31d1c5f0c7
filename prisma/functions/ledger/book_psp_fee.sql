-- book_psp_fee(payout, fee): what the PSP took from our money there for making the payment, our expense, not the owner's:
--   fee  psp_fees → clearing at the PSP (PSP_FEE)
-- Key: <payout>:psp_fee. It is known only where the PSP names it; nothing is booked where it does not. Of a transfer that
-- comes back and is paid again the PSP names the fee again, which it took once.
-- Internal: called by apply_fact when it has settled.
CREATE OR REPLACE FUNCTION book_psp_fee(p payouts, p_fee bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(p_fee, 0) <= 0 THEN RETURN; END IF;
  IF p.returns > 0 AND EXISTS (SELECT 1 FROM ledger_entries e WHERE e.op_key = p.id || ':psp_fee') THEN RETURN; END IF;
  PERFORM post(ARRAY[(p.id || ':psp_fee', 0, 'PSP_FEE', platform_account(p.mode, 'psp_fees', psp_of(p, 'succeeded'), p.currency),
                      platform_account(p.mode, 'clearing', psp_of(p, 'succeeded'), p.currency), p_fee, 'payout', p.id)::posting]);
END $$;
