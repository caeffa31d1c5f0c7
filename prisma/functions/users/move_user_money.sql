-- move_user_money(request): money between a merchant and a user of its own, as the merchant says:
--   USER_CREDIT  amount  the merchant's available → the user's available, a credit of the user's (credit.sql)
--   USER_DEBIT   amount  the user's available → the merchant's available, a credit of the merchant's
-- The user's event tells the balance after it. Key: user_money:<merchant>:<mode>:<externalId>, whoever's and whichever it is.
-- Answers, the first that applies:
--   already               this externalId moved the same money of the same user in the same direction before
--   mismatch              this externalId moved other money before
--   user_frozen           nothing booked, and a repeat may find the user free
--   insufficient_balance  the giver has not enough available; nothing booked, and a repeat may find more
--   balance_limit         the taker's balance would be over 10^18; nothing booked
--   moved                 done
-- Raises if the user is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION move_user_money(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  u users;
  g balances; -- the giver's
  t balances; -- the taker's
  b balances; -- the user's
  e ledger_entries;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_user text := p_request ->> 'userId';
  v_type text := p_request ->> 'type';
  v_currency text := p_request ->> 'currency';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_key text := 'user_money:' || v_merchant || ':' || v_mode || ':' || (p_request ->> 'externalId');
  v_giver owner_ref := ('merchant', v_merchant);
  v_taker owner_ref := ('user', v_user);
BEGIN
  IF v_type = 'USER_DEBIT' THEN
    v_giver := ('user', v_user);
    v_taker := ('merchant', v_merchant);
  ELSIF v_type <> 'USER_CREDIT' THEN RAISE EXCEPTION 'nobody moves a user''s money as %', v_type;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(v_key, 0)); -- one caller at a time for one externalId
  SELECT * INTO u FROM lock_users(ARRAY[v_user]);
  IF NOT FOUND OR (u.merchant_id, u.mode) <> (v_merchant, v_mode) THEN
    RAISE EXCEPTION 'user % is not of merchant % in mode %', v_user, v_merchant, v_mode;
  END IF;
  SELECT * INTO e FROM ledger_entries x WHERE x.op_key = v_key AND x.leg = 0;
  IF FOUND THEN
    RETURN jsonb_build_object('outcome', CASE WHEN (e.type, e.amount, e.currency, e.subject_id) = (v_type, v_amount, v_currency::char(3), v_user)
                                              THEN 'already' ELSE 'mismatch' END);
  END IF;
  IF u.frozen THEN RETURN jsonb_build_object('outcome', 'user_frozen'); END IF;

  -- A look before any lock: who has nothing opens no rows for the taker.
  SELECT * INTO g FROM balances x
   WHERE x.mode = v_mode AND x.owner_kind = v_giver.kind AND x.owner_id = v_giver.id AND x.currency = v_currency;
  IF NOT FOUND OR g.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  t := open_balance(v_merchant, v_mode, v_taker.kind, v_taker.id, v_currency);
  t := lock_for_credit(t.id, ARRAY[g.id]);
  SELECT * INTO STRICT g FROM balances x WHERE x.id = g.id;
  IF g.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  IF over_limit(t, v_amount) THEN RETURN jsonb_build_object('outcome', 'balance_limit'); END IF;

  t := credit(v_key, 0, v_type, t, g.available_account, v_amount, 'user', v_user);
  SELECT * INTO STRICT e FROM ledger_entries x WHERE x.op_key = v_key AND x.leg = 0;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = CASE v_taker.kind WHEN 'user' THEN t.id ELSE g.id END;
  PERFORM announce_user(v_user, CASE v_type WHEN 'USER_CREDIT' THEN 'user.credited' ELSE 'user.debited' END, v_key, 'merchant:' || v_merchant,
                        user_state(u), jsonb_build_object('amountMinor', v_amount::text, 'currency', v_currency),
                        jsonb_build_object('transaction', user_transaction(e, b.id), 'balance', balance_record(b)));
  RETURN jsonb_build_object('outcome', 'moved');
END $$;
REVOKE EXECUTE ON FUNCTION move_user_money(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION move_user_money(jsonb) TO oncepay_app;
