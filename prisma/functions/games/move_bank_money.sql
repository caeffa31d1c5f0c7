-- move_bank_money(request): money between a merchant and its bank, out of which its games pay:
--   BANK_DEPOSIT   amount  the merchant's available → the bank's available
--   BANK_WITHDRAW  amount  the bank's available → the merchant's available, a credit of the merchant's (credit.sql)
-- What games hold of the bank is reserved, and cannot be withdrawn. Key: bank:<merchant>:<mode>:<name>.
-- Answers, the first that applies: already · mismatch (other money has this name) · insufficient_balance (the giver's; nothing
-- booked, and a repeat may find more) · balance_limit (the taker's would be over 10^18) · moved.
CREATE OR REPLACE FUNCTION move_bank_money(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g balances; -- the giver's
  t balances; -- the taker's
  e ledger_entries;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_type text := p_request ->> 'type';
  v_currency text := p_request ->> 'currency';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_key text := 'bank:' || v_merchant || ':' || v_mode || ':' || (p_request ->> 'name');
  v_giver text := CASE v_type WHEN 'BANK_DEPOSIT' THEN 'merchant' WHEN 'BANK_WITHDRAW' THEN 'bank' END;
  v_taker text := CASE v_type WHEN 'BANK_DEPOSIT' THEN 'bank' WHEN 'BANK_WITHDRAW' THEN 'merchant' END;
BEGIN
  IF v_giver IS NULL THEN RAISE EXCEPTION 'nobody moves a bank''s money as %', v_type; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(v_key, 0)); -- one caller at a time for one name
  SELECT * INTO e FROM ledger_entries x WHERE x.op_key = v_key AND x.leg = 0;
  IF FOUND THEN
    RETURN jsonb_build_object('outcome', CASE WHEN (e.type, e.amount, e.currency) = (v_type, v_amount, v_currency::char(3)) THEN 'already' ELSE 'mismatch' END);
  END IF;
  -- A look before any lock: who has nothing opens no rows for the taker.
  SELECT * INTO g FROM balances x
   WHERE x.mode = v_mode AND x.owner_kind = v_giver AND x.owner_id = v_merchant AND x.currency = v_currency;
  IF NOT FOUND OR g.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  t := open_balance(v_merchant, v_mode, v_taker, v_merchant, v_currency);
  t := lock_for_credit(t.id, ARRAY[g.id]);
  SELECT * INTO STRICT g FROM balances x WHERE x.id = g.id;
  IF g.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  IF over_limit(t, v_amount) THEN RETURN jsonb_build_object('outcome', 'balance_limit'); END IF;
  PERFORM credit(v_key, 0, v_type, t, g.available_account, v_amount, NULL, NULL);
  RETURN jsonb_build_object('outcome', 'moved');
END $$;
REVOKE EXECUTE ON FUNCTION move_bank_money(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION move_bank_money(jsonb) TO oncepay_app;
