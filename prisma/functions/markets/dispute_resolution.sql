-- dispute_resolution(request): a participant says that the outcome is wrong, while that may be said: it is not paid before a person who is
-- not the resolver has decided (decide_resolution.sql). While they decide, others may say so, too.
-- Locks: the market, its newest resolution. Key: the user, once for a resolution, whatever its outcome is by then.
-- Answers, the first that applies:
--   already           said before, of this outcome and with these words
--   not_participant   has staked nothing here
--   already_disputed  said before, otherwise
--   wrong_state       no window is open, by the clock of the books
--   disputed          done
-- Raises if the market is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION dispute_resolution(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  r resolutions;
  d resolution_disputes;
  v_user text := p_request ->> 'userId';
  v_reason text := p_request ->> 'reason';
  v_data jsonb := jsonb_build_object('userId', v_user, 'reason', v_reason);
BEGIN
  SELECT * INTO m FROM markets x WHERE x.id = p_request ->> 'marketId' FOR NO KEY UPDATE;
  IF NOT FOUND OR (m.merchant_id, m.mode) <> (p_request ->> 'merchantId', p_request ->> 'mode') THEN
    RAISE EXCEPTION 'market % is not of merchant % in mode %', p_request ->> 'marketId', p_request ->> 'merchantId', p_request ->> 'mode';
  END IF;
  SELECT * INTO r FROM resolutions x WHERE x.market_id = m.id AND x.run = m.run FOR NO KEY UPDATE;
  SELECT * INTO d FROM resolution_disputes x WHERE x.resolution_id = r.id AND x.user_id = v_user;
  IF d.round = r.round AND d.reason = v_reason THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF NOT EXISTS (SELECT 1 FROM market_participants x WHERE x.market_id = m.id AND x.user_id = v_user) THEN RETURN jsonb_build_object('outcome', 'not_participant'); END IF;
  IF d.user_id IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'already_disputed'); END IF;
  IF r.id IS NULL OR NOT (r.state = 'DISPUTED' OR r.state = 'DISPUTE_WINDOW' AND r.window_until > moment()) THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;

  INSERT INTO resolution_disputes (resolution_id, user_id, round, reason) VALUES (r.id, v_user, r.round, v_reason);
  IF r.state = 'DISPUTE_WINDOW' THEN
    PERFORM move_resolution(r.id, 'disputed', 'disputed:' || v_user, 'user:' || v_user, v_data);
  ELSE
    PERFORM note_resolution(r.id, 'resolution.disputed', 'disputed:' || v_user, 'user:' || v_user, v_data, true, true);
  END IF;
  RETURN jsonb_build_object('outcome', 'disputed');
END $$;
REVOKE EXECUTE ON FUNCTION dispute_resolution(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dispute_resolution(jsonb) TO oncepay_app;

-- end_window(resolution): nobody has said no in time, by the clock of the books. Answers: stopped (no window is open) · early · done.
CREATE OR REPLACE FUNCTION end_window(p_resolution text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
BEGIN
  IF r.state <> 'DISPUTE_WINDOW' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF r.window_until > moment() THEN RETURN jsonb_build_object('outcome', 'early'); END IF;
  PERFORM move_resolution(r.id, 'window_over', 'window_over:' || r.round, 'system', '{}');
  RETURN jsonb_build_object('outcome', 'done');
END $$;
REVOKE EXECUTE ON FUNCTION end_window(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_window(text) TO oncepay_app;
