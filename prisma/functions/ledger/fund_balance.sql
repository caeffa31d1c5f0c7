-- fund_balance(request): money that arrived for a merchant: amount  funding → available (FUND), a credit (credit.sql).
-- Key: fund:<merchant>:<mode>:<externalId>.
-- Answers: already (same externalId, same money) · mismatch (same externalId, other amount or currency)
--   · balance_limit (the balance would be over 10^18; nothing is booked, and a repeat may find room) · funded.
CREATE OR REPLACE FUNCTION fund_balance(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b balances;
  e ledger_entries;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_currency text := p_request ->> 'currency';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_key text := 'fund:' || v_merchant || ':' || v_mode || ':' || (p_request ->> 'externalId');
BEGIN
  -- One caller at a time for one externalId, also when two name different currencies, hence different balance rows.
  PERFORM pg_advisory_xact_lock(hashtextextended(v_key, 0));
  SELECT * INTO e FROM ledger_entries x WHERE x.op_key = v_key AND x.leg = 0;
  IF FOUND THEN
    RETURN jsonb_build_object('outcome', CASE WHEN e.amount = v_amount AND e.currency = v_currency THEN 'already' ELSE 'mismatch' END);
  END IF;
  b := open_balance(v_merchant, v_mode, 'merchant', v_merchant, v_currency);
  b := lock_for_credit(b.id);
  IF over_limit(b, v_amount) THEN RETURN jsonb_build_object('outcome', 'balance_limit'); END IF;
  PERFORM credit(v_key, 0, 'FUND', b, platform_account(v_mode, 'funding', '', v_currency), v_amount, NULL, NULL);
  RETURN jsonb_build_object('outcome', 'funded');
END $$;
REVOKE EXECUTE ON FUNCTION fund_balance(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fund_balance(jsonb) TO oncepay_app;
