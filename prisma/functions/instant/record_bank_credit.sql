-- record_bank_credit(request): a payee's merchant tells what the payee's bank says arrived, before or after the payer's proof. What matches
-- a proof in UTR and amount confirms it by itself; another amount does not: an unconfirmed proof goes to review, and one that counted is
-- disputed by the bank. Who said "not received" of a payment that the bank has, is overruled by an operator alone.
-- Locks: of a slice that the UTR was shown for its own (lock_slice), then the UTR (an advisory lock: a payer may show it right now).
-- Key: the merchant, the mode and the UTR.
-- Answers: duplicate (told before, whatever the amount: `bankCreditId`, and the `batchId` that it was about, if any: whoever told that
-- slice's workflow may have ended before) · waiting (nobody has shown it) · matched · differs, these two with
-- `batch` and `instantPayout`. Each but the first with `bankCreditId`.
CREATE OR REPLACE FUNCTION record_bank_credit(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  c bank_credits;
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_utr text := p_request ->> 'utr';
  v_actor text := 'bank:' || v_merchant;
  v_batch text;
  v_again text;
BEGIN
  LOOP -- a proof that comes between the look and the lock is looked for again: its slice must be locked before the UTR
    BEGIN
      v_batch := batch_of_utr(v_merchant, v_mode, v_utr);
      IF v_batch IS NOT NULL THEN b := lock_slice(v_batch); END IF;
      PERFORM pg_advisory_xact_lock(hashtextextended('utr:' || v_mode || ':' || v_utr, 0));
      v_again := batch_of_utr(v_merchant, v_mode, v_utr);
      EXIT WHEN v_again IS NOT DISTINCT FROM v_batch;
      RAISE EXCEPTION USING ERRCODE = 'serialization_failure';
    EXCEPTION WHEN serialization_failure THEN NULL; -- what it had locked is free again
    END;
  END LOOP;
  INSERT INTO bank_credits (id, merchant_id, mode, utr, currency, amount, credited_at)
  VALUES (p_request ->> 'bankCreditId', v_merchant, v_mode, v_utr, p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint, (p_request ->> 'creditedAt')::timestamptz)
  ON CONFLICT (merchant_id, mode, utr) DO NOTHING RETURNING * INTO c;
  IF NOT FOUND THEN
    RETURN (SELECT jsonb_build_object('outcome', 'duplicate', 'bankCreditId', x.id, 'batchId', x.batch_id) FROM bank_credits x WHERE (x.merchant_id, x.mode, x.utr) = (v_merchant, v_mode, v_utr));
  END IF;
  IF v_batch IS NULL THEN RETURN jsonb_build_object('outcome', 'waiting', 'bankCreditId', c.id); END IF;

  IF (c.amount, c.currency) = (b.amount, b.currency) THEN
    UPDATE bank_credits x SET state = 'matched', batch_id = b.id, matched_at = moment() WHERE x.id = c.id;
    -- Not where a person must look for another reason, or the slice is over: the bank's word is kept for whoever looks.
    IF b.utr = v_utr AND (b.state = 'sys_confirmed' OR b.state = 'proof_submitted' AND b.review_reasons <@ '{balance_limit,payer_frozen,payee_frozen}') THEN
      PERFORM confirm_slice(b.id, 'confirmed', 'confirmed', v_actor, '{}');
    END IF;
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

-- batch_of_utr(merchant, mode, utr): for which slice of this merchant's payees somebody has shown it; null: nobody has.
CREATE OR REPLACE FUNCTION batch_of_utr(p_merchant text, p_mode text, p_utr text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT u.batch_id FROM used_utrs u JOIN instant_batches b ON b.id = u.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
   WHERE (u.mode, u.utr) = (p_mode, p_utr) AND w.merchant_id = p_merchant
$$;
