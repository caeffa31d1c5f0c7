-- open_resolution(request): an admin says what came true, and the market is frozen: from this commit on no stake comes in. A pool that
-- reaches the merchant's review limit waits for a second admin; any other can be disputed at once.
-- Locks: the market. Key: the resolution's id.
-- Answers, the first that applies:
--   already       opened before
--   wrong_state   another resolution is under way, or the market is resolved: of two at once one wins
--   paused        a pause holds: nothing new is begun
--   plan_changed  what would be paid is not what the admin saw: `planHash` is what it is now
--   opened        done
-- Raises if there is no such market or option: the door has looked.
CREATE OR REPLACE FUNCTION open_resolution(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  r resolutions;
  v_hash text;
  v_is_reviewed boolean;
  v_actor text := 'admin:' || (p_request ->> 'adminId');
BEGIN
  SELECT * INTO STRICT m FROM markets x WHERE x.id = p_request ->> 'marketId' FOR NO KEY UPDATE;
  SELECT * INTO r FROM resolutions x WHERE x.id = p_request ->> 'resolutionId';
  IF FOUND THEN RETURN jsonb_build_object('outcome', 'already', 'resolution', resolution_record(r)); END IF;
  IF m.state NOT IN ('OPEN', 'UNRESOLVED') THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  IF is_held('markets', m.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  v_hash := market_plan(m.id, p_request ->> 'outcome') ->> 'planHash';
  IF v_hash <> p_request ->> 'planHash' THEN RETURN jsonb_build_object('outcome', 'plan_changed', 'planHash', v_hash); END IF;

  v_is_reviewed := needs_review(m);
  INSERT INTO resolutions (id, market_id, merchant_id, mode, currency, run, state, outcome, evidence, resolved_by, plan_hash, window_until, sequence)
  VALUES (p_request ->> 'resolutionId', m.id, m.merchant_id, m.mode, m.currency, m.run + 1, CASE WHEN v_is_reviewed THEN 'IN_REVIEW' ELSE 'DISPUTE_WINDOW' END,
          p_request ->> 'outcome', p_request ->> 'evidence', p_request ->> 'adminId', v_hash, CASE WHEN v_is_reviewed THEN NULL ELSE window_end(m.id) END, 1)
  RETURNING * INTO STRICT r;
  UPDATE markets x SET run = r.run WHERE x.id = m.id;
  PERFORM move_market(m.id, 'RESOLVING', 'market.resolving', 'resolving:' || r.run, v_actor);
  PERFORM announce('resolution', r.id, ARRAY[('merchant', r.merchant_id)::owner_ref], r.mode, r.sequence,
                   CASE WHEN v_is_reviewed THEN 'resolution.in_review' ELSE 'resolution.dispute_window' END, 'opened', v_actor, NULL, r.state,
                   jsonb_build_object('outcome', r.outcome), resolution_record(r), NULL, true);
  RETURN jsonb_build_object('outcome', 'opened', 'resolution', resolution_record(r));
END $$;
REVOKE EXECUTE ON FUNCTION open_resolution(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_resolution(jsonb) TO oncepay_app;

-- needs_review(market): does its pool reach the merchant's review limit? Whatever it is to be paid for, two admins say so then.
CREATE OR REPLACE FUNCTION needs_review(m markets) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce(m.staked >= (SELECT (x.review_limits ->> m.currency)::bigint FROM merchants x WHERE x.id = m.merchant_id), false)
$$;
