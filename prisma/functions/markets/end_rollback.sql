-- end_rollback(resolution): once all users are undone, the fees come back, and the market can be resolved again:
--   MARKET_FEE_BACK  the house's, as far as it is there     the merchant's available → the pool's available
--   MARKET_FEE_BACK  the creator's, as far as it is there   the creator's available → the pool's available
--   DEBT and COVER   the rest of the creator's              as of a user (unpay_users.sql)
-- What neither has is `missing` of the market. Keys: market/<market>/run/<run>/fee/house/back and …/fee/creator/back.
-- Locks: the market, the resolution, the creator, the balances by id.
-- Answers, the first that applies: elsewhere (nobody is being undone) · more (users are left) · stopped (somebody could not be
-- undone: an operator is told why) · paused (a pause holds: no fee comes back) · rolled_back.
CREATE OR REPLACE FUNCTION end_rollback(p_resolution text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
  m markets;
  k balances; -- the pool
  h balances; -- the merchant's
  c balances; -- the creator's
  u users;
  v_failed bigint;
  v_house bigint := 0;   -- as far as it is there
  v_creator bigint := 0;
  v_owed bigint := 0;
  v_cover bigint := 0;
BEGIN
  IF r.state <> 'ROLLING_BACK' THEN RETURN jsonb_build_object('outcome', 'elsewhere'); END IF;
  SELECT count(*) INTO v_failed FROM distributions x WHERE x.resolution_id = r.id AND x.state <> 'failed' AND x.failure IS NOT NULL;
  IF r.undone_users + v_failed < r.paid_users THEN RETURN jsonb_build_object('outcome', 'more'); END IF;
  IF v_failed > 0 THEN RETURN stop_resolution(r.id, 'users_failed'); END IF;
  IF is_held('markets', r.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;

  SELECT * INTO STRICT m FROM markets x WHERE x.id = r.market_id;
  IF r.fees_booked AND r.fee_total > 0 THEN
    IF r.creator_fee > 0 THEN
      SELECT * INTO STRICT u FROM lock_users(ARRAY[m.creator_user_id]);
      IF u.frozen THEN RETURN stop_resolution(r.id, 'creator_frozen'); END IF;
      c := open_balance(m.merchant_id, m.mode, 'user', m.creator_user_id, m.currency);
    END IF;
    h := open_balance(m.merchant_id, m.mode, 'merchant', m.merchant_id, m.currency);
    PERFORM 1 FROM balances x WHERE x.id IN (h.id, c.id, m.pool_id) ORDER BY x.id FOR NO KEY UPDATE;
    SELECT * INTO STRICT h FROM balances x WHERE x.id = h.id;
    SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
    v_house := least(r.house_fee, h.available);
    IF r.creator_fee > 0 THEN
      SELECT * INTO STRICT c FROM balances x WHERE x.id = c.id;
      v_creator := least(r.creator_fee, c.available);
      v_owed := r.creator_fee - v_creator;
      v_cover := least(v_owed, h.available - v_house);
    END IF;
    PERFORM post(moves) FROM (
      SELECT array_agg((v.key, v.leg, v.type, v.debit, k.available_account, v.amount, 'resolution', r.id)::posting ORDER BY v.nth) AS moves
        FROM (VALUES (1, fee_key(r, 'house') || '/back', 0, 'MARKET_FEE_BACK', h.available_account, v_house),
                     (2, fee_key(r, 'creator') || '/back', 0, 'MARKET_FEE_BACK', c.available_account, v_creator),
                     (3, fee_key(r, 'creator') || '/back', 2, 'COVER', h.available_account, v_cover)) AS v (nth, key, leg, type, debit, amount)
       WHERE v.amount > 0) x WHERE moves IS NOT NULL;
    IF v_owed > 0 THEN PERFORM owe(fee_key(r, 'creator') || '/back', 1, c, h, v_owed, 'resolution', r.id); END IF;
    UPDATE markets x SET missing = x.missing + (r.fee_total - v_house - v_creator - v_cover), updated_at = moment() WHERE x.id = m.id RETURNING * INTO STRICT m;
  END IF;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
  IF k.available + m.missing <> m.staked THEN RAISE EXCEPTION 'resolution % leaves % in the pool, and % is missing, of %', r.id, k.available, m.missing, m.staked; END IF;
  IF r.fees_booked THEN PERFORM tally_resolution(r, -1); END IF; -- it had come to its end
  UPDATE resolutions x SET fees_booked = false WHERE x.id = r.id;
  PERFORM move_resolution(r.id, 'rolled_back', 'rolled_back', 'system', jsonb_build_object('missingMinor', m.missing::text));
  RETURN jsonb_build_object('outcome', 'rolled_back');
END $$;
REVOKE EXECUTE ON FUNCTION end_rollback(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_rollback(text) TO oncepay_app;
