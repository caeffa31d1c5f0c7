-- confirm_batch(request): the payee says that the money of a slice is there. Key: the slice.
-- Answers, the first that applies, each but the first with `batch` and `instantPayout`:
--   not_found · already (confirmed, or an operator has approved it) · wrong_state (no proof was shown, or it is over otherwise)
--   payee_frozen · balance_limit   the payer cannot be credited now; nothing written
--   confirmed
CREATE OR REPLACE FUNCTION confirm_batch(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  v_outcome text;
BEGIN
  b := lock_slice(p_request ->> 'batchId');
  IF b.id IS NULL THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF b.state IN ('confirmed', 'admin_approved') THEN RETURN answer_batch(b.id, 'already'); END IF;
  IF NOT instant_batch_proven(b.state) THEN RETURN answer_batch(b.id, 'wrong_state'); END IF;
  v_outcome := confirm_slice(b.id, 'confirmed', 'confirmed', p_request ->> 'actor', '{}'); -- before the answer is read: it reads what this wrote
  RETURN answer_batch(b.id, v_outcome);
END $$;
REVOKE EXECUTE ON FUNCTION confirm_batch(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION confirm_batch(jsonb) TO oncepay_app;

-- answer_batch(batch, outcome): an answer with the slice and its withdrawal as they are now.
CREATE OR REPLACE FUNCTION answer_batch(p_batch text, p_outcome text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', p_outcome, 'batch', instant_batch_record(b), 'instantPayout', instant_payout_record(w))
    FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id WHERE b.id = p_batch
$$;

-- dispute_batch(request): the payee says that the money of a slice is not there. Nothing moves until an operator has decided. Key: the slice.
-- Answers, each but the first with `batch` and `instantPayout`: not_found · already · wrong_state (no proof was shown, or the last word on
-- it is said: who has confirmed cannot take it back) · disputed.
CREATE OR REPLACE FUNCTION dispute_batch(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
BEGIN
  b := lock_slice(p_request ->> 'batchId');
  IF b.id IS NULL THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF b.state = 'disputed' THEN RETURN answer_batch(b.id, 'already'); END IF;
  IF NOT instant_batch_proven(b.state) THEN RETURN answer_batch(b.id, 'wrong_state'); END IF;
  PERFORM open_dispute(b, p_request ->> 'reason', p_request ->> 'actor');
  RETURN answer_batch(b.id, 'disputed');
END $$;
REVOKE EXECUTE ON FUNCTION dispute_batch(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dispute_batch(jsonb) TO oncepay_app;

CREATE OR REPLACE FUNCTION open_dispute(b instant_batches, p_reason text, p_actor text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO instant_disputes (batch_id, reason, opened_by) VALUES (b.id, p_reason, p_actor);
  PERFORM move_instant_batch(b.id, 'disputed', 'disputed', p_actor, jsonb_build_object('reason', p_reason));
  PERFORM move_instant_payout(b.instant_payout_id, 'disputed', 'disputed:' || b.id, p_actor, jsonb_build_object('batchId', b.id));
END $$;

-- decide_batch(request): an operator has the last word on a slice for which a proof was shown, disputed or not: `approve`: it was paid, and
-- who was not credited is; `reject`: it was not: what was credited goes back, as far as it is there, and the payer owes the rest; what is
-- still held comes back to the payee, or goes the way of the rest. Key: the slice.
-- Answers, each but the first with `batch` and `instantPayout`: not_found · already (the same was decided) · wrong_state ·
--   bank_matched (of a rejection: the payee's bank has the very payment, and the operator did not say `isAgainstBank`; nothing written) ·
--   payee_frozen · balance_limit (of an approval: nothing written; once it can be, decide again) · approved · rejected.
CREATE OR REPLACE FUNCTION decide_batch(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  v_decision text := p_request ->> 'decision';
  v_actor text := p_request ->> 'actor';
  v_outcome text;
  v_is_back boolean;
BEGIN
  b := lock_slice(p_request ->> 'batchId');
  IF b.id IS NULL THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF b.state = (CASE v_decision WHEN 'approve' THEN 'admin_approved' ELSE 'rejected' END) THEN RETURN answer_batch(b.id, 'already'); END IF;
  IF NOT instant_batch_proven(b.state) THEN RETURN answer_batch(b.id, 'wrong_state'); END IF;
  IF v_decision = 'approve' THEN
    v_outcome := confirm_slice(b.id, 'approved', 'decided', v_actor, jsonb_build_object('note', p_request ->> 'note'));
    RETURN answer_batch(b.id, CASE v_outcome WHEN 'confirmed' THEN 'approved' ELSE v_outcome END);
  END IF;

  IF is_bank_matched(b, b.utr) THEN
    IF NOT coalesce((p_request ->> 'isAgainstBank')::boolean, false) THEN RETURN answer_batch(b.id, 'bank_matched'); END IF;
    PERFORM against_bank(b, b.utr, v_actor, p_request ->> 'note');
  END IF;
  IF b.money = 'credited' THEN
    PERFORM take_back_slice(b.id);
  ELSE
    v_is_back := let_go(b.id);
    UPDATE instant_assignments x SET state = 'refused', ended_at = moment() WHERE (x.batch_id, x.epoch) = (b.id, b.epoch);
  END IF;
  UPDATE instant_disputes x SET decision = 'reject', decided_by = v_actor, note = p_request ->> 'note', decided_at = moment() WHERE x.batch_id = b.id AND x.decision IS NULL;
  PERFORM move_instant_batch(b.id, 'rejected', 'decided', v_actor, jsonb_build_object('note', p_request ->> 'note'));
  PERFORM move_payin(b.payin_id, CASE b.money WHEN 'credited' THEN 'reversed' ELSE 'refused' END, 'decided', v_actor, '{}');
  IF b.money = 'credited' THEN
    PERFORM move_instant_payout(b.instant_payout_id, 'slice_reversed', 'slice_reversed:' || b.id, v_actor, jsonb_build_object('batchId', b.id));
  ELSIF v_is_back THEN
    PERFORM move_instant_payout(b.instant_payout_id, 'slice_returned', 'slice_returned:' || b.id, v_actor, jsonb_build_object('batchId', b.id));
  END IF;
  PERFORM end_instant_payout(b.instant_payout_id, b.id);
  RETURN answer_batch(b.id, 'rejected');
END $$;
REVOKE EXECUTE ON FUNCTION decide_batch(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_batch(jsonb) TO oncepay_app;
