-- record_bank_credit(request): a payee's merchant tells what the payee's bank says arrived, before or after the payer's proof. What matches
-- a proof in UTR and amount confirms it by itself; another amount does not: an unconfirmed proof goes to review, and one that counted is
-- disputed by the bank. Who said "not received" of a payment that the bank has, is overruled by an operator alone. What the books have
-- as not paid, and the bank has, is before an operator again (found_by_bank). What fits nothing (nobody has shown it, it is another amount,
-- the bank tells two amounts under one UTR) is listed for operators until one has looked (decide_bank_credit).
-- Locks: of a slice that the UTR was shown for its own (lock_slice), then the UTR (an advisory lock: a payer may show it right now).
-- Key: the merchant, the mode and the UTR.
-- Answers: duplicate (told before: the first word counts, another amount is kept beside it: `bankCreditId`, and the `batchId` that it was
-- about, if any: whoever told that slice's workflow may have ended before) · waiting (nobody has shown it) · matched · differs, these two
-- with `batch` and `instantPayout`. Each but the first with `bankCreditId`.
CREATE OR REPLACE FUNCTION record_bank_credit(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  c bank_credits;
  f instant_proofs;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_utr text := p_request ->> 'utr';
  v_actor text := 'bank:' || v_merchant;
BEGIN
  LOOP -- a proof that comes between the look and the lock is looked for again: its slice must be locked before the UTR
    BEGIN
      f := proof_of_utr(v_merchant, v_mode, v_utr);
      IF f.payin_id IS NOT NULL THEN b := lock_slice(f.batch_id, f.payin_id); END IF;
      PERFORM pg_advisory_xact_lock(hashtextextended('utr:' || v_mode || ':' || v_utr, 0));
      EXIT WHEN (proof_of_utr(v_merchant, v_mode, v_utr)).payin_id IS NOT DISTINCT FROM f.payin_id;
      RAISE EXCEPTION USING ERRCODE = 'serialization_failure';
    EXCEPTION WHEN serialization_failure THEN NULL; -- what it had locked is free again
    END;
  END LOOP;
  INSERT INTO bank_credits (id, merchant_id, mode, utr, currency, amount, credited_at)
  VALUES (p_request ->> 'bankCreditId', v_merchant, v_mode, v_utr, p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint, (p_request ->> 'creditedAt')::timestamptz)
  ON CONFLICT (merchant_id, mode, utr) DO NOTHING RETURNING * INTO c;
  IF NOT FOUND THEN
    UPDATE bank_credits x SET other_amount = (p_request ->> 'amountMinor')::bigint, other_currency = p_request ->> 'currency', decided_by = NULL, note = NULL, decided_at = NULL
     WHERE (x.merchant_id, x.mode, x.utr) = (v_merchant, v_mode, v_utr) AND (x.amount, x.currency) <> ((p_request ->> 'amountMinor')::bigint, p_request ->> 'currency')
       AND (x.other_amount, x.other_currency) IS DISTINCT FROM ((p_request ->> 'amountMinor')::bigint, p_request ->> 'currency');
    RETURN (SELECT jsonb_build_object('outcome', 'duplicate', 'bankCreditId', x.id, 'batchId', x.batch_id) FROM bank_credits x WHERE (x.merchant_id, x.mode, x.utr) = (v_merchant, v_mode, v_utr));
  END IF;
  IF f.payin_id IS NULL THEN RETURN jsonb_build_object('outcome', 'waiting', 'bankCreditId', c.id); END IF;

  IF (c.amount, c.currency) = (b.amount, b.currency) THEN
    UPDATE bank_credits x SET state = 'matched', batch_id = b.id, matched_at = moment() WHERE x.id = c.id;
    -- Not where a person must look for another reason, or the slice is over: the bank's word is kept for whoever looks.
    IF b.utr = v_utr AND (b.state = 'sys_confirmed' OR b.state = 'proof_submitted' AND b.review_reasons <@ '{balance_limit,payer_frozen,payee_frozen}') THEN
      PERFORM confirm_slice(b.id, 'confirmed', 'confirmed', v_actor, '{}');
    END IF;
    PERFORM found_by_bank(b, f.payin_id, v_actor);
    RETURN answer_batch(b.id, 'matched') || jsonb_build_object('bankCreditId', c.id);
  END IF;
  UPDATE bank_credits x SET state = 'differs', batch_id = b.id, matched_at = moment() WHERE x.id = c.id;
  IF b.utr = v_utr AND b.state IN ('proof_submitted', 'sys_confirmed') THEN
    UPDATE instant_batches x SET review_reasons = array_append(x.review_reasons, 'amount_differs') WHERE x.id = b.id RETURNING * INTO STRICT b;
    IF b.state = 'sys_confirmed' THEN PERFORM open_dispute(b, 'amount_differs', v_actor);
    ELSE PERFORM tell_instant_batch(b, b.state, 'instant-payout-batch-status-update', 'differs', v_actor, '{}');
    END IF;
  END IF;
  RETURN answer_batch(b.id, 'differs') || jsonb_build_object('bankCreditId', c.id);
END $$;
REVOKE EXECUTE ON FUNCTION record_bank_credit(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_bank_credit(jsonb) TO oncepay_app;

-- proof_of_utr(merchant, mode, utr): with which somebody has shown it for a slice of this merchant's payees; null: nobody has.
CREATE OR REPLACE FUNCTION proof_of_utr(p_merchant text, p_mode text, p_utr text) RETURNS instant_proofs LANGUAGE sql STABLE AS $$
  SELECT f.* FROM used_utrs u JOIN instant_proofs f ON (f.batch_id, f.epoch) = (u.batch_id, u.epoch)
    JOIN instant_batches b ON b.id = u.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
   WHERE (u.mode, u.utr) = (p_mode, p_utr) AND w.merchant_id = p_merchant
$$;

-- hear_bank(batch, withdrawal, utr): what the payee's bank told of a UTR that is just being shown belongs to its proof from now on.
CREATE OR REPLACE FUNCTION hear_bank(b instant_batches, w instant_payouts, p_utr text) RETURNS void LANGUAGE sql AS $$
  UPDATE bank_credits x SET state = CASE WHEN (x.amount, x.currency) = (b.amount, b.currency) THEN 'matched' ELSE 'differs' END, batch_id = b.id, matched_at = moment(),
         decided_by = NULL, note = NULL, decided_at = NULL -- whoever looked at it did not know this
   WHERE (x.merchant_id, x.mode, x.utr) = (w.merchant_id, w.mode, p_utr) AND x.state = 'waiting'
$$;

-- is_bank_matched(batch, utr): the payee's bank has told of this very payment.
CREATE OR REPLACE FUNCTION is_bank_matched(b instant_batches, p_utr text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM bank_credits c JOIN instant_payouts w ON w.id = b.instant_payout_id
                  WHERE (c.merchant_id, c.mode, c.utr) = (w.merchant_id, w.mode, p_utr) AND c.state = 'matched' AND c.batch_id = b.id)
$$;

-- found_by_bank(batch, payin, actor): an operator has said that this payin was not paid, and now the payee's bank has the very payment: it is
-- before an operator again, who decides as of a late proof. Not where the payee has given it back in cash: that is what the bank says, too.
-- The rows of the slice and the payin must be locked (lock_slice).
CREATE OR REPLACE FUNCTION found_by_bank(b instant_batches, p_payin text, p_actor text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p payins;
BEGIN
  SELECT * INTO STRICT p FROM payins x WHERE x.id = p_payin;
  IF p.state NOT IN ('failed', 'reversed') OR EXISTS (SELECT 1 FROM late_proofs x WHERE x.payin_id = p.id AND x.decision = 'refund') THEN RETURN; END IF;
  INSERT INTO late_proofs (payin_id, batch_id, was) VALUES (p.id, b.id, p.state)
  ON CONFLICT (payin_id) DO UPDATE SET was = excluded.was, decision = NULL, decided_by = NULL, note = NULL, decided_at = NULL;
  PERFORM tell_late(b, p, 'found:' || p.id, p_actor);
  PERFORM move_payin(p.id, 'found', 'found', p_actor, '{}');
END $$;

-- against_bank(batch, utr, actor, note): an operator decides against the word of the payee's bank, and knows it.
CREATE OR REPLACE FUNCTION against_bank(b instant_batches, p_utr text, p_actor text, p_note text) RETURNS void LANGUAGE sql AS $$
  UPDATE bank_credits c SET decided_by = p_actor, note = p_note, decided_at = moment()
    FROM instant_payouts w WHERE w.id = b.instant_payout_id AND (c.merchant_id, c.mode, c.utr) = (w.merchant_id, w.mode, p_utr) AND c.state = 'matched'
$$;

-- decide_bank_credit(request): an operator has looked at what a bank told and fits nothing: it is off their list, with a note why. Moves nothing.
-- Key: the bank credit. Answers: not_found · already · wrong_state (it fits) · decided.
CREATE OR REPLACE FUNCTION decide_bank_credit(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  c bank_credits;
BEGIN
  SELECT * INTO c FROM bank_credits x WHERE x.id = p_request ->> 'bankCreditId' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF c.state = 'matched' AND c.other_amount IS NULL THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  IF c.decided_at IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  UPDATE bank_credits x SET decided_by = p_request ->> 'actor', note = p_request ->> 'note', decided_at = moment() WHERE x.id = c.id;
  RETURN jsonb_build_object('outcome', 'decided');
END $$;
REVOKE EXECUTE ON FUNCTION decide_bank_credit(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_bank_credit(jsonb) TO oncepay_app;
