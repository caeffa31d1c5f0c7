-- end_paying(resolution, verification): once all users are paid, the fees are booked, once, and the market is resolved:
--   MARKET_FEE  the house's    the pool's available → the merchant's available, a credit (credit.sql)
--   MARKET_FEE  the creator's  the pool's available → the creator's available, a credit
-- Then nothing is left in the pool, to the last unit. Keys: market/<market>/run/<run>/fee/house and …/fee/creator.
-- Locks: the market, the resolution, the creator, the payouts of both that owe, the balances by id.
-- Answers, the first that applies:
--   elsewhere  nobody is being paid
--   more       users are left
--   stopped    somebody could not be paid, or a fee could not be booked: an operator is told why
--   paused     a pause holds: no fee is booked
--   completed  done
CREATE OR REPLACE FUNCTION end_paying(p_resolution text, p_verification jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
  m markets;
  k balances; -- the pool
  h balances; -- the house's, which is the merchant's
  c balances; -- the creator's
  u users;
  v_failed bigint;
  v_why text;
BEGIN
  IF r.state <> 'PAYING' THEN RETURN jsonb_build_object('outcome', 'elsewhere'); END IF;
  SELECT count(*) INTO v_failed FROM distributions x WHERE x.resolution_id = r.id AND x.state = 'failed' AND x.failure IS NOT NULL;
  IF r.paid_users + v_failed < r.users THEN RETURN jsonb_build_object('outcome', 'more'); END IF;
  IF v_failed > 0 THEN RETURN stop_resolution(r.id, 'users_failed'); END IF;
  IF is_held('markets', r.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;

  SELECT * INTO STRICT m FROM markets x WHERE x.id = r.market_id;
  IF r.creator_fee > 0 THEN SELECT * INTO STRICT u FROM lock_users(ARRAY[m.creator_user_id]); END IF;
  IF r.house_fee > 0 THEN h := open_balance(m.merchant_id, m.mode, 'merchant', m.merchant_id, m.currency); END IF;
  IF r.creator_fee > 0 THEN c := open_balance(m.merchant_id, m.mode, 'user', m.creator_user_id, m.currency); END IF;
  PERFORM lock_for_credits(array_remove(ARRAY[h.id, c.id], NULL), ARRAY[m.pool_id]);
  SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
  IF k.available <> r.fee_total THEN RAISE EXCEPTION 'resolution % leaves % in the pool, and its fees are %', r.id, k.available, r.fee_total; END IF;
  IF r.house_fee > 0 THEN SELECT * INTO STRICT h FROM balances x WHERE x.id = h.id; END IF;
  IF r.creator_fee > 0 THEN SELECT * INTO STRICT c FROM balances x WHERE x.id = c.id; END IF;
  v_why := CASE WHEN r.creator_fee > 0 AND u.frozen THEN 'creator_frozen' WHEN r.creator_fee > 0 AND over_limit(c, r.creator_fee) THEN 'creator_balance_limit'
                WHEN r.house_fee > 0 AND over_limit(h, r.house_fee) THEN 'merchant_balance_limit' END;
  IF v_why IS NOT NULL THEN RETURN stop_resolution(r.id, v_why); END IF;
  IF r.house_fee > 0 THEN PERFORM credit(fee_key(r, 'house'), 0, 'MARKET_FEE', h, k.available_account, r.house_fee, 'resolution', r.id); END IF;
  IF r.creator_fee > 0 THEN
    SELECT * INTO STRICT c FROM balances x WHERE x.id = c.id;
    PERFORM credit(fee_key(r, 'creator'), 0, 'MARKET_FEE', c, k.available_account, r.creator_fee, 'resolution', r.id);
  END IF;

  PERFORM tally_resolution(r, 1);
  UPDATE resolutions x SET fees_booked = true, verification = p_verification WHERE x.id = r.id;
  PERFORM move_resolution(r.id, 'completed', 'completed:' || r.sequence, 'system', '{}');
  PERFORM move_market(m.id, CASE r.outcome WHEN 'void' THEN 'VOID' ELSE 'RESOLVED' END,
                      CASE r.outcome WHEN 'void' THEN 'market.voided' ELSE 'market.resolved' END, 'resolved:' || r.run, 'system');
  RETURN jsonb_build_object('outcome', 'completed');
END $$;
REVOKE EXECUTE ON FUNCTION end_paying(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_paying(text, jsonb) TO oncepay_app;

-- stop_resolution(resolution, reason): it cannot go on by itself, and an operator is told why, with how many users failed by what. Answers:
-- stopped · elsewhere (it is neither planned nor paid nor undone; a window that is not over goes on).
CREATE OR REPLACE FUNCTION stop_resolution(p_resolution text, p_reason text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
BEGIN
  IF r.state NOT IN ('WAITING_FOR_FUNDS', 'PLANNING', 'PAYING', 'ROLLING_BACK') AND NOT (r.state = 'DISPUTE_WINDOW' AND r.window_until <= moment()) THEN RETURN jsonb_build_object('outcome', 'elsewhere'); END IF;
  -- Why it is rolled back stays; why that has stopped is told by the event.
  UPDATE resolutions x SET reason = p_reason WHERE x.id = r.id AND r.state <> 'ROLLING_BACK';
  PERFORM move_resolution(r.id, 'stopped', 'stopped:' || r.sequence, 'system', jsonb_strip_nulls(jsonb_build_object('reason', p_reason, 'failed', (
    SELECT jsonb_object_agg(f.failure, f.users) FROM (
      SELECT x.failure, count(*) AS users FROM distributions x
       WHERE x.resolution_id = r.id AND x.failure IS NOT NULL AND (x.state = 'failed') = (r.state = 'PAYING') GROUP BY 1) f))));
  RETURN jsonb_build_object('outcome', 'stopped');
END $$;
REVOKE EXECUTE ON FUNCTION stop_resolution(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION stop_resolution(text, text) TO oncepay_app;

-- fee_key(resolution, whose): the one name of a fee.
CREATE OR REPLACE FUNCTION fee_key(r resolutions, p_whose text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'market/' || r.market_id || '/run/' || r.run || '/fee/' || p_whose
$$;
