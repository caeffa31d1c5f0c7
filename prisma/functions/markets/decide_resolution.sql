-- decide_resolution(request): what a person says of a resolution (Decision in src/ledger/distributions.ts):
--   approve · reject      of one in review: its window opens, or it is over and the market can be resolved again
--   uphold · overturn     of one that is disputed: it goes on, or begins again with another outcome, by who says so, and a new window:
--                         first in review, where the pool reaches the merchant's limit
--   rollback              of one that is paid, in whole or in part: all of it is taken back (unpay_users.sql)
--   retry                 of one that has stopped: it is planned again, or those who failed are paid, or undone, again
--   acknowledge           an operator has seen what there was to see
-- Locks: the market, the resolution. Key: the caller's own, once for a resolution; a signal's, which is its words, once for an outcome.
-- Answers, the first that applies:
--   already              said before under this key
--   already_rolled_back  a second rollback: it is, or is being done
--   already_decided      somebody has approved or rejected it before
--   wrong_state          there is nothing of the kind to decide
--   self_approval        who said what came true decides neither of it nor against it
--   done
-- Raises if there is no such resolution, or no such outcome: the door has looked.
CREATE OR REPLACE FUNCTION decide_resolution(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_request ->> 'resolutionId');
  v_said jsonb := p_request -> 'decision';
  v_kind text := v_said ->> 'kind';
  v_admin text := p_request ->> 'adminId';
  v_actor text := 'admin:' || v_admin;
  v_key text := 'decision:' || (p_request ->> 'key') || CASE p_request ->> 'via' WHEN 'signal' THEN ':' || r.round ELSE '' END;
  v_fact text := decided_fact(v_kind);
  v_data jsonb := v_said - 'kind' || jsonb_build_object('adminId', v_admin, 'via', p_request ->> 'via');
BEGIN
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = r.id AND e.op_key = v_key) THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF v_kind = 'acknowledge' THEN
    PERFORM note_resolution(r.id, 'resolution.acknowledged', v_key, v_actor, v_data, false, false);
    RETURN jsonb_build_object('outcome', 'done');
  END IF;
  IF v_kind = 'rollback' AND r.state IN ('ROLLING_BACK', 'ROLLING_BACK_STOPPED', 'ROLLED_BACK') THEN RETURN jsonb_build_object('outcome', 'already_rolled_back'); END IF;
  IF v_kind IN ('approve', 'reject') AND EXISTS (SELECT 1 FROM approvals a WHERE a.subject_id = r.id AND a.round = r.round) THEN
    RETURN jsonb_build_object('outcome', 'already_decided');
  END IF;
  IF NOT EXISTS (SELECT 1 FROM resolution_edges x WHERE x.from_state = r.state AND x.fact = v_fact) THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  IF v_kind <> 'retry' AND v_admin = r.resolved_by THEN RETURN jsonb_build_object('outcome', 'self_approval'); END IF;

  IF v_kind = 'overturn' AND (SELECT needs_review(m) FROM markets m WHERE m.id = r.market_id) THEN v_fact := 'overturned_to_review'; END IF;
  CASE v_kind
    WHEN 'approve', 'reject' THEN
      INSERT INTO approvals (subject_kind, subject_id, round, admin_id, decision, note, via)
      VALUES ('resolution', r.id, r.round, v_admin, v_fact, coalesce(v_said ->> 'note', v_said ->> 'reason'), p_request ->> 'via');
      UPDATE resolutions x SET reason = v_said ->> 'reason' WHERE x.id = r.id AND v_kind = 'reject';
    WHEN 'overturn' THEN
      UPDATE resolutions x SET outcome = v_said ->> 'to', resolved_by = v_admin, round = x.round + 1,
                               plan_hash = market_plan(x.market_id, v_said ->> 'to') ->> 'planHash' WHERE x.id = r.id;
      v_data := v_data || jsonb_build_object('outcome', v_said ->> 'to', 'outcomeBefore', r.outcome);
    WHEN 'rollback' THEN
      UPDATE resolutions x SET reason = v_said ->> 'reason', rolled_back_by = v_admin WHERE x.id = r.id;
    WHEN 'retry' THEN
      UPDATE distributions x SET failure = NULL
       WHERE x.resolution_id = r.id AND x.failure IS NOT NULL AND (x.state = 'failed') = (r.state = 'PAYING_STOPPED'); -- who was never paid needs no undoing
      UPDATE resolutions x SET reason = NULL WHERE x.id = r.id AND r.state IN ('PLANNING_STOPPED', 'PAYING_STOPPED');
    ELSE NULL;
  END CASE;
  PERFORM move_resolution(r.id, v_fact, v_key, v_actor, v_data);
  RETURN jsonb_build_object('outcome', 'done');
END $$;
REVOKE EXECUTE ON FUNCTION decide_resolution(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_resolution(jsonb) TO oncepay_app;

-- decided_fact(kind): what a decision is in the machine's words (src/markets/rules/machine.ts).
CREATE OR REPLACE FUNCTION decided_fact(p_kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'uphold' THEN 'upheld' WHEN 'overturn' THEN 'overturned'
                     WHEN 'rollback' THEN 'rollback_asked' WHEN 'retry' THEN 'retried' END
$$;
