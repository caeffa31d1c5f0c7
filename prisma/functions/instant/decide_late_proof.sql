-- decide_late_proof(request): what becomes of a payer who paid when the slice was another's already, or closed; or whose payment the payee's
-- bank has, though an operator said that there was none (found_by_bank). The payee has the cash, and has been paid, or has the money back, besides;
-- what the slice still holds for a payout of the rest that has not begun comes back first (release_slice), as it would be paid twice:
--   credit  the payer is credited out of what the payee has available, and the payee owes the rest (owe.sql); where the credit was taken back
--           of a payer who owes some of it still, that was never owed, and the payee has not had it:
--             DEBT_BACK   what is owed still  owed to the payee → the payer's debt
--             WITHDRAWAL  part  the payee's available → the payee's reserved
--             SLICE       part  the payee's reserved → the payer's available, a credit of the payer's (credit.sql)
--             DEBT        the rest  the payee's debt → owed to the payer
--   refund  the payee has given the cash back: nothing moves
--   reject  it was never paid: nothing moves
-- Locks: the slice's (lock_slice), the two balances with all that a credit needs. Key: late/<payin>; of the credit late/<payin>/credit, of
-- what was never owed late/<payin>/unowed.
-- Answers, each but the first with `batch` and `payin`: not_found · already (decided so before) · wrong_state (decided otherwise) ·
--   bank_matched (of a rejection: the payee's bank has the very payment, and the operator did not say `isAgainstBank`; nothing written) ·
--   payee_frozen · balance_limit (nothing written: once it can be, decide again) · decided.
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
  v_again text;
  v_is_back boolean := false;
  v_unowed bigint := 0;
  v_part bigint;
BEGIN
  SELECT * INTO l FROM late_proofs x WHERE x.payin_id = v_payin;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  b := lock_slice(l.batch_id, v_payin);
  SELECT * INTO STRICT l FROM late_proofs x WHERE x.payin_id = v_payin;
  IF l.decision IS NOT NULL THEN RETURN answer_slice(b.id, v_payin, CASE l.decision WHEN v_decision THEN 'already' ELSE 'wrong_state' END); END IF;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = v_payin;
  v_again := CASE WHEN l.was IS NULL THEN '' ELSE ':again' END; -- of a late proof it may be the second decision
  IF v_decision = 'credit' THEN
    IF EXISTS (SELECT 1 FROM users x WHERE x.id = b.payee_id AND x.frozen) THEN RETURN answer_slice(b.id, v_payin, 'payee_frozen'); END IF;
    SELECT y.* INTO STRICT k FROM instant_payouts x JOIN balances y ON y.id = x.balance_id WHERE x.id = b.instant_payout_id;
    t := open_balance(p.merchant_id, p.mode, 'user', p.user_id, p.currency);
    PERFORM lock_for_credits(ARRAY[t.id, k.id]);
    SELECT * INTO STRICT t FROM balances x WHERE x.id = t.id;
    IF over_limit(t, p.amount) THEN RETURN answer_slice(b.id, v_payin, 'balance_limit'); END IF;
    v_is_back := holds_for_rest(b);
    IF v_is_back THEN PERFORM release_slice(b.id); END IF;
    SELECT * INTO STRICT k FROM balances x WHERE x.id = k.id;
    SELECT * INTO STRICT t FROM balances x WHERE x.id = t.id; -- the payee may have owed to the payer
    IF l.was = 'reversed' THEN v_unowed := forgive(v_key || '/unowed', t, k, b); END IF;
    v_part := least(k.available, p.amount - v_unowed);
    IF v_part > 0 THEN
      PERFORM post(ARRAY[(v_key, 0, 'WITHDRAWAL', k.available_account, k.reserved_account, v_part, 'payin', p.id)::posting]);
      PERFORM credit(v_key || '/credit', 0, 'SLICE', t, k.reserved_account, v_part, 'payin', p.id);
      SELECT * INTO STRICT k FROM balances x WHERE x.id = k.id; -- it may have been repaid out of the credit
      SELECT * INTO STRICT t FROM balances x WHERE x.id = t.id;
    END IF;
    IF v_part + v_unowed < p.amount THEN PERFORM owe(v_key, 1, k, t, p.amount - v_unowed - v_part, 'payin', p.id); END IF;
    UPDATE payins x SET receipt_id = next_receipt_id() WHERE x.id = p.id;
  END IF;
  IF v_decision = 'reject' AND is_bank_matched(b, p.utr) THEN
    IF NOT coalesce((p_request ->> 'isAgainstBank')::boolean, false) THEN RETURN answer_slice(b.id, p.id, 'bank_matched'); END IF;
    PERFORM against_bank(b, p.utr, v_actor, p_request ->> 'note');
  END IF;
  UPDATE late_proofs x SET decision = v_decision, validator_id = NULL, validate_until = NULL, decided_by = v_actor, note = p_request ->> 'note', decided_at = moment() WHERE x.payin_id = p.id;
  IF b.state = 'late_proof' AND NOT EXISTS (SELECT 1 FROM late_proofs x WHERE x.batch_id = b.id AND x.decision IS NULL) THEN
    PERFORM move_instant_batch(b.id, 'late_decided', 'late_decided:' || p.id || v_again, v_actor, jsonb_build_object('decision', v_decision));
  END IF;
  PERFORM move_payin(p.id, CASE WHEN v_decision = 'credit' THEN 'credited' ELSE coalesce('still_' || l.was, 'refused') END, 'late_decided' || v_again, v_actor,
                     jsonb_build_object('decision', v_decision));
  IF v_is_back THEN
    PERFORM move_instant_payout(b.instant_payout_id, 'slice_returned', 'slice_returned:' || b.id, v_actor, jsonb_build_object('batchId', b.id));
    PERFORM end_instant_payout(b.instant_payout_id, b.id);
  END IF;
  RETURN answer_slice(b.id, p.id, 'decided');
END $$;
REVOKE EXECUTE ON FUNCTION decide_late_proof(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_late_proof(jsonb) TO oncepay_app;

-- holds_for_rest(batch): nobody pays it any more, and no payout of the rest has been asked for yet that counts on what it holds.
CREATE OR REPLACE FUNCTION holds_for_rest(b instant_batches) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT b.money = 'held' AND instant_batch_final(b.state) AND EXISTS (SELECT 1 FROM instant_payouts w WHERE w.id = b.instant_payout_id AND w.rest_payout_id IS NULL)
$$;

-- forgive(key, debtor, creditor, batch): what the debtor still owes to the creditor for a slice turned out to be paid: it is owed no more.
-- Both balances must be locked. Returns how much that was.
CREATE OR REPLACE FUNCTION forgive(p_key text, p_debtor balances, p_creditor balances, b instant_batches) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  d debts;
BEGIN
  SELECT * INTO d FROM debts x WHERE x.balance_id = p_debtor.id AND x.creditor_id = p_creditor.id AND x.subject_id = b.id AND x.owed > 0;
  IF NOT FOUND THEN RETURN 0; END IF;
  PERFORM post(ARRAY[(p_key, 0, 'DEBT_BACK', owed_account(p_creditor), p_debtor.debt_account, d.owed, 'instant_batch', b.id)::posting]);
  UPDATE debts x SET owed = 0 WHERE x.id = d.id;
  RETURN d.owed;
END $$;
