-- What becomes of a slice, or of a payin, when a time is over. The deadlines stand in the rows; whoever asks too early is told when.

-- lapse_assignment(batch, epoch): the payer of this assignment has not shown a proof in time: the slice is free again for another, or, once
-- too many had it or the withdrawal is closing, for nobody. Key: the assignment.
-- Answers: stale (it does not count (any more)) · early (`until`) · reassigned · unfilled, these with `batch` and `instantPayout`.
-- Raises if there is no such batch.
CREATE OR REPLACE FUNCTION lapse_assignment(p_batch text, p_epoch int) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  v_outcome text; -- before the answer is read: it reads what was written for it
BEGIN
  b := lock_slice(p_batch);
  IF b.id IS NULL THEN RAISE EXCEPTION 'there is no batch %', p_batch; END IF;
  IF b.state <> 'assigned' OR b.epoch <> p_epoch THEN RETURN jsonb_build_object('outcome', 'stale'); END IF;
  IF b.pay_until > moment() THEN RETURN jsonb_build_object('outcome', 'early', 'until', iso_time(b.pay_until)); END IF;
  v_outcome := give_up_assignment(b, 'expired', 'system');
  RETURN answer_batch(b.id, v_outcome);
END $$;
REVOKE EXECUTE ON FUNCTION lapse_assignment(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lapse_assignment(text, int) TO oncepay_app;

-- reassign_batch(request): an operator takes a slice from its payer before the deadline; the payer is not made to wait for it.
-- Key: the assignment, `epoch`. Answers: not_found · stale (that assignment does not count (any more)) · reassigned · unfilled.
CREATE OR REPLACE FUNCTION reassign_batch(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  v_outcome text; -- before the answer is read: it reads what was written for it
BEGIN
  b := lock_slice(p_request ->> 'batchId');
  IF b.id IS NULL THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF b.state <> 'assigned' OR b.epoch <> (p_request ->> 'epoch')::int THEN RETURN jsonb_build_object('outcome', 'stale'); END IF;
  v_outcome := give_up_assignment(b, 'taken_back', p_request ->> 'actor');
  RETURN answer_batch(b.id, v_outcome);
END $$;
REVOKE EXECUTE ON FUNCTION reassign_batch(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reassign_batch(jsonb) TO oncepay_app;

-- give_up_assignment(batch, state, actor): reassigned · unfilled. Internal; the slice must be assigned and locked (lock_slice).
CREATE OR REPLACE FUNCTION give_up_assignment(b instant_batches, p_state text, p_actor text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_unfilled boolean;
  v_is_back boolean := false;
BEGIN
  SELECT w.closing IS NOT NULL OR b.assignments > (w.policy ->> 'reassignMost')::int INTO STRICT v_unfilled FROM instant_payouts w WHERE w.id = b.instant_payout_id;
  UPDATE instant_assignments x SET state = p_state, ended_at = moment() WHERE (x.batch_id, x.epoch) = (b.id, b.epoch);
  IF v_unfilled THEN v_is_back := let_go(b.id); END IF;
  PERFORM move_instant_batch(b.id, CASE WHEN v_unfilled THEN 'unfilled' ELSE p_state END, p_state || ':' || b.epoch, p_actor, '{}');
  UPDATE instant_batches x SET epoch = 0, payin_id = NULL, payer_id = NULL, pay_until = NULL WHERE x.id = b.id;
  PERFORM move_payin(b.payin_id, 'lapsed', 'lapsed', p_actor, '{}');
  IF v_is_back THEN PERFORM move_instant_payout(b.instant_payout_id, 'slice_returned', 'slice_returned:' || b.id, p_actor, jsonb_build_object('batchId', b.id)); END IF;
  IF v_unfilled THEN PERFORM end_instant_payout(b.instant_payout_id, b.id); END IF;
  RETURN CASE WHEN v_unfilled THEN 'unfilled' ELSE 'reassigned' END;
END $$;

-- lapse_confirmation(batch): the payee has said nothing to a valid proof for too long. What the payee's bank has matched is confirmed; of
-- the rest a person must say whether it was paid. Key: the slice.
-- Answers: stale (it does not wait for the payee (any more)) · early (`until`) · confirmed · in_review, these with `batch` and
-- `instantPayout` · payee_frozen · balance_limit (nothing written: ask again later). Raises if there is no such batch.
CREATE OR REPLACE FUNCTION lapse_confirmation(p_batch text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  v_outcome text; -- before the answer is read: it reads what was written for it
BEGIN
  b := lock_slice(p_batch);
  IF b.id IS NULL THEN RAISE EXCEPTION 'there is no batch %', p_batch; END IF;
  IF b.state <> 'sys_confirmed' THEN RETURN jsonb_build_object('outcome', 'stale'); END IF;
  IF b.confirm_until > moment() THEN RETURN jsonb_build_object('outcome', 'early', 'until', iso_time(b.confirm_until)); END IF;
  IF is_bank_matched(b, b.utr) THEN
    v_outcome := confirm_slice(b.id, 'confirmed', 'confirmed', 'system', '{}');
    RETURN answer_batch(b.id, v_outcome);
  END IF;
  IF NOT 'not_confirmed' = ANY (b.review_reasons) THEN
    UPDATE instant_batches x SET review_reasons = array_append(x.review_reasons, 'not_confirmed') WHERE x.id = b.id;
    PERFORM move_instant_batch(b.id, 'unconfirmed', 'unconfirmed', 'system', '{}');
  END IF;
  RETURN answer_batch(b.id, 'in_review');
END $$;
REVOKE EXECUTE ON FUNCTION lapse_confirmation(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lapse_confirmation(text) TO oncepay_app;

-- lapse_payin(payin): no slice was free for it in time. Key: the payin.
-- Answers: settled (it does not wait (any more)) · early (`until`) · expired, the first and the last with `payin`. Raises if there is no such payin.
CREATE OR REPLACE FUNCTION lapse_payin(p_payin text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p payins;
BEGIN
  SELECT * INTO STRICT p FROM payins x WHERE x.id = p_payin FOR NO KEY UPDATE;
  IF p.state <> 'waiting' THEN RETURN answer_payin(p, 'settled'); END IF;
  IF p.wait_until > moment() THEN RETURN jsonb_build_object('outcome', 'early', 'until', iso_time(p.wait_until)); END IF;
  p := move_payin(p.id, 'lapsed', 'lapsed', 'system', '{}');
  RETURN answer_payin(p, 'expired');
END $$;
REVOKE EXECUTE ON FUNCTION lapse_payin(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lapse_payin(text) TO oncepay_app;
