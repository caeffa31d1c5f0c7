-- post_earning(request): a merchant gives a provider what it earned:
--   amount  the merchant's available → the provider's available (EARNING), a credit (credit.sql)
-- Key: earning:<merchant>:<mode>:<externalId>.
-- Answers, the first that applies:
--   already               this externalId was posted before with the same money for the same provider: its id
--   mismatch              this externalId was posted before with another amount, currency or provider
--   insufficient_balance  not enough available; nothing booked, and a repeat may find more
--   balance_limit         the provider's balance would be over 10^18; nothing booked
--   posted                done: its id
-- Raises if the provider is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION post_earning(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b balances; -- the merchant's
  o balances; -- the provider's
  e earnings;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_provider text := p_request ->> 'providerId';
  v_external text := p_request ->> 'externalId';
  v_currency text := p_request ->> 'currency';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_key text := 'earning:' || v_merchant || ':' || v_mode || ':' || v_external;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM providers v WHERE v.id = v_provider AND v.merchant_id = v_merchant AND v.mode = v_mode) THEN
    RAISE EXCEPTION 'provider % is not of merchant % in mode %', v_provider, v_merchant, v_mode;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(v_key, 0)); -- one caller at a time for one externalId
  SELECT * INTO e FROM earnings x WHERE x.merchant_id = v_merchant AND x.mode = v_mode AND x.external_id = v_external;
  IF FOUND THEN
    IF (e.amount, e.currency, e.provider_id) IS DISTINCT FROM (v_amount, v_currency::char(3), v_provider) THEN
      RETURN jsonb_build_object('outcome', 'mismatch');
    END IF;
    RETURN jsonb_build_object('outcome', 'already', 'earningId', e.id);
  END IF;

  -- A look before any lock: a merchant that has nothing opens no rows for its provider.
  SELECT * INTO b FROM balances x
   WHERE x.mode = v_mode AND x.owner_kind = 'merchant' AND x.owner_id = v_merchant AND x.currency = v_currency;
  IF NOT FOUND OR b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  o := open_balance(v_merchant, v_mode, 'provider', v_provider, v_currency);
  o := lock_for_credit(o.id, ARRAY[b.id]);
  SELECT * INTO STRICT b FROM balances x WHERE x.id = b.id;
  IF b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  IF over_limit(o, v_amount) THEN RETURN jsonb_build_object('outcome', 'balance_limit'); END IF;

  INSERT INTO earnings (id, merchant_id, mode, provider_id, external_id, currency, amount, available, description)
  VALUES (p_request ->> 'earningId', v_merchant, v_mode, v_provider, v_external, v_currency, v_amount, v_amount, p_request ->> 'description');
  PERFORM credit(v_key, 0, 'EARNING', o, b.available_account, v_amount, NULL, NULL);
  RETURN jsonb_build_object('outcome', 'posted', 'earningId', p_request ->> 'earningId');
END $$;
REVOKE EXECUTE ON FUNCTION post_earning(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_earning(jsonb) TO oncepay_app;
