-- decide_late_proof(request): what becomes of a payer who paid when the slice was another's already, or closed. The payee has the cash, and
-- has been paid, or has the money back, besides:
--   credit  the payer is credited out of what the payee has available, and the payee owes the rest (owe.sql):
--             WITHDRAWAL  part  the payee's available → the payee's reserved
--             SLICE       part  the payee's reserved → the payer's available, a credit of the payer's (credit.sql)
--             DEBT        the rest  the payee's debt → owed to the payer
--   refund  the payee has given the cash back: nothing moves
--   reject  it was never paid: nothing moves
-- Locks: the slice's (lock_slice), the two balances with all that a credit needs. Key: late/<payin>; of the credit late/<payin>/credit.
-- Answers, each but the first with `batch` and `payin`: not_found · already (decided so before) · wrong_state (decided otherwise) ·
--   payer_frozen · payee_frozen · balance_limit (nothing written: once it can be, decide again) · decided.
CREATE OR REPLACE FUNCTION decide_late_proof(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  l late_proofs;
  b instant_batches;
  p payins;
  t balances; -- the payer's
  k balances; -- the payee's
  v_payin text := p_request ->> 'payinId';
  v_decision text := p_request ->> 'decision';
  v_actor text := p_request ->> 'actor';
  v_key text := 'late/' || (p_request ->> 'payinId');
  v_part bigint;
BEGIN
  SELECT * INTO l FROM late_proofs x WHERE x.payin_id = v_payin;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  b := lock_slice(l.batch_id, v_payin);
  SELECT * INTO STRICT l FROM late_proofs x WHERE x.payin_id = v_payin;
  IF l.decision IS NOT NULL THEN RETURN answer_slice(b.id, v_payin, CASE l.decision WHEN v_decision THEN 'already' ELSE 'wrong_state' END); END IF;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = v_payin;
  IF v_decision = 'credit' THEN
    IF EXISTS (SELECT 1 FROM users x WHERE x.id = p.user_id AND x.frozen) THEN RETURN answer_slice(b.id, v_payin, 'payer_frozen'); END IF;
    IF EXISTS (SELECT 1 FROM users x WHERE x.id = b.payee_id AND x.frozen) THEN RETURN answer_slice(b.id, v_payin, 'payee_frozen'); END IF;
    SELECT y.* INTO STRICT k FROM instant_payouts x JOIN balances y ON y.id = x.balance_id WHERE x.id = b.instant_payout_id;
    t := open_balance(p.merchant_id, p.mode, 'user', p.user_id, p.currency);
    t := lock_for_credit(t.id, ARRAY[k.id]);
    SELECT * INTO STRICT k FROM balances x WHERE x.id = k.id;
    IF over_limit(t, p.amount) THEN RETURN answer_slice(b.id, v_payin, 'balance_limit'); END IF;
    v_part := least(k.available, p.amount);
    IF v_part > 0 THEN
      PERFORM post(ARRAY[(v_key, 0, 'WITHDRAWAL', k.available_account, k.reserved_account, v_part, 'payin', p.id)::posting]);
      PERFORM credit(v_key || '/credit', 0, 'SLICE', t, k.reserved_account, v_part, 'payin', p.id);
      SELECT * INTO STRICT k FROM balances x WHERE x.id = k.id; -- it may have been repaid out of the credit
      SELECT * INTO STRICT t FROM balances x WHERE x.id = t.id;
    END IF;
    IF v_part < p.amount THEN PERFORM owe(v_key, 1, k, t, p.amount - v_part, 'payin', p.id); END IF;
    UPDATE payins x SET receipt_id = next_receipt_id() WHERE x.id = p.id;
  END IF;
  UPDATE late_proofs x SET decision = v_decision, decided_by = v_actor, note = p_request ->> 'note', decided_at = moment() WHERE x.payin_id = p.id;
  IF b.state = 'late_proof' AND NOT EXISTS (SELECT 1 FROM late_proofs x WHERE x.batch_id = b.id AND x.decision IS NULL) THEN
    PERFORM move_instant_batch(b.id, 'late_decided', 'late_decided:' || p.id, v_actor, jsonb_build_object('decision', v_decision));
  END IF;
  PERFORM move_payin(p.id, CASE v_decision WHEN 'credit' THEN 'credited' ELSE 'refused' END, 'late_decided', v_actor, jsonb_build_object('decision', v_decision));
  RETURN answer_slice(b.id, p.id, 'decided');
END $$;
REVOKE EXECUTE ON FUNCTION decide_late_proof(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_late_proof(jsonb) TO oncepay_app;
