-- dispute_distribution(request): a merchant says, for a user, that what the user was paid is wrong. Nothing of it changes until a person who is
-- not the resolver has decided (decide_distribution), and operators are told.
-- Locks: the market, the resolution. Key: the distribution, once.
-- Answers, the first that applies:
--   already           said before, with these words
--   already_disputed  said before, with others
--   wrong_state       it was not paid, or is being, or was, taken back
--   disputed          done
-- Raises if the distribution is not of this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION dispute_distribution(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions;
  d distributions;
  v_reason text := p_request ->> 'reason';
BEGIN
  SELECT * INTO STRICT d FROM distributions x WHERE x.id = p_request ->> 'distributionId';
  r := lock_resolution(d.resolution_id);
  IF (r.merchant_id, r.mode) <> (p_request ->> 'merchantId', p_request ->> 'mode') THEN
    RAISE EXCEPTION 'distribution % is not of merchant % in mode %', d.id, p_request ->> 'merchantId', p_request ->> 'mode';
  END IF;
  SELECT * INTO STRICT d FROM distributions x WHERE x.id = d.id;
  IF d.dispute_reason = v_reason THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF d.dispute_reason IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'already_disputed'); END IF;
  IF d.state <> 'completed' OR r.state NOT IN ('PAYING', 'PAYING_STOPPED', 'COMPLETED') THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  UPDATE distributions x SET state = 'disputed', dispute_reason = v_reason WHERE x.id = d.id;
  PERFORM note_resolution(r.id, 'resolution.disputed', 'distribution_disputed:' || d.user_id, 'user:' || d.user_id,
                          jsonb_build_object('distributionId', d.id, 'userId', d.user_id, 'reason', v_reason), true, true);
  RETURN jsonb_build_object('outcome', 'disputed');
END $$;
REVOKE EXECUTE ON FUNCTION dispute_distribution(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dispute_distribution(jsonb) TO oncepay_app;

-- decide_distribution(request): uphold: it was paid as it should be. overturn: the whole resolution is rolled back (decide_resolution), since what
-- one user gets follows from what all do.
-- Locks: the market, the resolution. Key: the caller's own, once for a resolution.
-- Answers, the first that applies: already · already_rolled_back · wrong_state (nobody disputes it; or overturned, while others are still being
-- paid) · self_approval · done.
CREATE OR REPLACE FUNCTION decide_distribution(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions;
  d distributions;
  v_admin text := p_request ->> 'adminId';
  v_key text := 'decision:' || (p_request ->> 'key');
BEGIN
  SELECT * INTO STRICT d FROM distributions x WHERE x.id = p_request ->> 'distributionId';
  r := lock_resolution(d.resolution_id);
  SELECT * INTO STRICT d FROM distributions x WHERE x.id = d.id;
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = r.id AND e.op_key = v_key) THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF d.state <> 'disputed' THEN RETURN jsonb_build_object('outcome', CASE d.state WHEN 'rolled_back' THEN 'already_rolled_back' ELSE 'wrong_state' END); END IF;
  IF p_request ->> 'kind' = 'overturn' THEN
    RETURN decide_resolution(p_request - 'distributionId' - 'kind' || jsonb_build_object(
      'resolutionId', r.id, 'decision', jsonb_build_object('kind', 'rollback', 'reason', d.dispute_reason, 'distributionId', d.id)));
  END IF;
  IF v_admin = r.resolved_by THEN RETURN jsonb_build_object('outcome', 'self_approval'); END IF;
  IF r.state NOT IN ('PAYING', 'PAYING_STOPPED', 'COMPLETED') THEN RETURN jsonb_build_object('outcome', 'already_rolled_back'); END IF;
  UPDATE distributions x SET state = 'completed' WHERE x.id = d.id;
  PERFORM note_resolution(r.id, 'resolution.upheld', v_key, 'admin:' || v_admin,
                          jsonb_build_object('distributionId', d.id, 'userId', d.user_id, 'adminId', v_admin, 'via', p_request ->> 'via'),
                          awaits_operator(r.id, r.state), true);
  RETURN jsonb_build_object('outcome', 'done');
END $$;
REVOKE EXECUTE ON FUNCTION decide_distribution(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_distribution(jsonb) TO oncepay_app;
