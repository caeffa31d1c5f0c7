-- submit_proof(request): a payer shows a UTR and an image for the assignment of `payinId` in the slice `batchId`. The UTR is normalised and
-- of the form of its rail, the image looked at: the door has seen to that. One UTR proves one payment, of all merchants, for ever.
-- Where nothing speaks against it, the proof is valid; whether it credits the payer at once is the policy's affair: under `proof`, unless
-- so many of this payer's are credited that no payee has confirmed; at once where the payee's bank has told of the very payment.
-- A proof after the deadline is never lost: the slice is still free: it is honoured; else a person decides (decide_late_proof).
-- Locks: the slice's (lock_slice), the UTR (an advisory lock: a bank may tell of it right now), balances. Key: the assignment.
-- Answers, the first that applies, each but the first two with `batch` and `payin`:
--   not_assigned  the payin has, and had, no assignment of this slice; nothing written
--   utr_used      somebody, maybe the same, has shown this UTR for another assignment; nothing written
--   already       shown for this assignment before
--   proof_exists  another proof was shown for this assignment; nothing written
--   late          kept for a person to decide: the slice is another's, or closed
--   in_review     kept, and a person must look at it first: `batch.review`
--   verified      valid; the payer is credited once the payee, or the payee's bank, confirms
--   credited      valid, and the payer has the money
--   confirmed     credited, and the payee's bank had told of it: nobody is to say anything more
CREATE OR REPLACE FUNCTION submit_proof(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  w instant_payouts;
  a instant_assignments;
  f instant_proofs;
  p payins;
  v_utr text := p_request ->> 'utr';
  v_payin text := p_request ->> 'payinId';
  v_actor text := p_request ->> 'actor';
  v_reasons text[];
  v_late boolean;
  v_honoured boolean;
  v_outcome text;
BEGIN
  b := lock_slice(p_request ->> 'batchId', v_payin);
  SELECT * INTO a FROM instant_assignments x WHERE x.payin_id = v_payin AND x.batch_id = b.id;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_assigned'); END IF;
  SELECT * INTO f FROM instant_proofs x WHERE (x.batch_id, x.epoch) = (b.id, a.epoch);
  IF FOUND AND f.utr = v_utr THEN RETURN answer_slice(b.id, v_payin, 'already'); END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('utr:' || b.mode || ':' || v_utr, 0));
  IF EXISTS (SELECT 1 FROM used_utrs x WHERE (x.mode, x.utr) = (b.mode, v_utr)) THEN RETURN jsonb_build_object('outcome', 'utr_used'); END IF;
  IF f.batch_id IS NOT NULL THEN RETURN answer_slice(b.id, v_payin, 'proof_exists'); END IF;

  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = b.instant_payout_id;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = v_payin;
  v_late := a.state IN ('expired', 'taken_back');
  v_honoured := v_late AND instant_batch_free(b.state);
  v_reasons := doubts_of(b, w, p, v_utr, p_request ->> 'imageHash', p_request ->> 'imageLook', (p_request ->> 'lookAlikeBits')::int);
  INSERT INTO used_utrs (mode, utr, rail, batch_id, epoch) VALUES (b.mode, v_utr, p_request ->> 'rail', b.id, a.epoch);
  INSERT INTO instant_proofs (batch_id, epoch, payin_id, payee_id, mode, amount, rail, utr, image_hash, image_look, image_quarters, image_type, late, reasons, submitted_by)
  VALUES (b.id, a.epoch, p.id, b.payee_id, b.mode, b.amount, p_request ->> 'rail', v_utr, p_request ->> 'imageHash', p_request ->> 'imageLook',
          quarters_of(p_request ->> 'imageLook'), p_request ->> 'imageType', v_late, v_reasons, v_actor);
  UPDATE payins x SET utr = v_utr WHERE x.id = p.id RETURNING * INTO STRICT p;
  PERFORM hear_bank(b, w, v_utr);
  IF v_late AND NOT v_honoured THEN
    INSERT INTO late_proofs (payin_id, batch_id) VALUES (p.id, b.id);
    PERFORM tell_late(b, p, 'late:' || p.id, v_actor);
    PERFORM move_payin(p.id, 'proved_late', 'proved', v_actor, '{}');
    RETURN answer_slice(b.id, p.id, 'late');
  END IF;

  UPDATE instant_assignments x SET state = 'proved', ended_at = NULL WHERE (x.batch_id, x.epoch) = (b.id, a.epoch);
  UPDATE instant_batches x SET epoch = a.epoch, payin_id = p.id, payer_id = p.user_id, pay_until = a.pay_until, utr = v_utr, review_reasons = v_reasons WHERE x.id = b.id;
  PERFORM move_instant_batch(b.id, 'proved', 'proved:' || a.epoch, v_actor, jsonb_build_object('late', v_late));
  PERFORM move_payin(p.id, 'proved', 'proved', v_actor, '{}');
  v_outcome := judge_proof(b.id, v_actor); -- before the answer is read: it reads what this wrote
  RETURN answer_slice(b.id, p.id, v_outcome);
END $$;
REVOKE EXECUTE ON FUNCTION submit_proof(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION submit_proof(jsonb) TO oncepay_app;

-- answer_slice(batch, payin, outcome): an answer with both as they are now.
CREATE OR REPLACE FUNCTION answer_slice(p_batch text, p_payin text, p_outcome text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', p_outcome, 'batch', (SELECT instant_batch_record(b) FROM instant_batches b WHERE b.id = p_batch),
                            'payin', (SELECT payin_record(p) FROM payins p WHERE p.id = p_payin))
$$;

-- tell_late(batch, payin, key, actor): somebody has paid a slice that nobody was to pay any more, or that another has: the payee's side hears of it.
CREATE OR REPLACE FUNCTION tell_late(b instant_batches, p payins, p_key text, p_actor text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF b.state IN ('cancelled', 'late_proof') THEN
    PERFORM move_instant_batch(b.id, 'proved_late', p_key, p_actor, jsonb_build_object('utr', p.utr));
  ELSE
    PERFORM tell_instant_batch(b, b.state, 'instant-payout-batch-late-proof', p_key, p_actor, jsonb_build_object('utr', p.utr), true);
  END IF;
END $$;

-- judge_proof(batch, actor): what a proof that was just shown comes to. A person has the word where there is a doubt.
CREATE OR REPLACE FUNCTION judge_proof(p_batch text, p_actor text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  w instant_payouts;
  v_matched boolean;
  v_outcome text;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = b.instant_payout_id;
  IF b.review_reasons <> '{}' THEN RETURN 'in_review'; END IF;
  v_matched := is_bank_matched(b, b.utr);
  IF v_matched OR w.policy ->> 'creditOn' = 'proof' AND (
       SELECT count(*) FROM instant_batches x WHERE x.payer_id = b.payer_id AND x.money = 'credited' AND x.state IN ('sys_confirmed', 'disputed'))
     < (w.policy ->> 'unconfirmedMost')::int THEN
    v_outcome := credit_slice(b.id);
    IF v_outcome <> 'credited' THEN
      UPDATE instant_batches x SET review_reasons = ARRAY[v_outcome] WHERE x.id = b.id RETURNING * INTO STRICT b;
      PERFORM tell_instant_batch(b, b.state, 'instant-payout-batch-status-update', 'review:' || b.epoch, 'system', '{}');
      RETURN 'in_review';
    END IF;
  END IF;
  UPDATE instant_batches x SET confirm_until = moment() + (w.policy ->> 'confirmMs')::bigint * interval '1 millisecond' WHERE x.id = b.id;
  PERFORM move_instant_batch(b.id, CASE v_outcome WHEN 'credited' THEN 'completed' ELSE 'verified' END, 'verified:' || b.epoch, 'system', '{}');
  IF v_outcome IS NULL THEN RETURN 'verified'; END IF;
  PERFORM tell_credited(b, 'system');
  IF NOT v_matched THEN RETURN 'credited'; END IF;
  PERFORM confirm_slice(b.id, 'confirmed', 'confirmed', 'bank:' || w.merchant_id, '{}');
  RETURN 'confirmed';
END $$;

-- doubts_of(batch, withdrawal, payin, utr, image hash, image look, bits): why a person must look at a proof first (InstantReviewReason).
CREATE OR REPLACE FUNCTION doubts_of(b instant_batches, w instant_payouts, p payins, p_utr text, p_hash text, p_look text, p_bits int) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(d.reason ORDER BY d.nth), '{}') FROM (VALUES
    (1, 'same_image', EXISTS (SELECT 1 FROM instant_proofs x WHERE x.mode = b.mode AND x.image_hash = p_hash::char(64))),
    -- Counted, not only found: for the first one that fits PostgreSQL would walk through all proofs there are.
    (2, 'similar_image', 0 < (SELECT count(*) FROM instant_proofs x WHERE x.image_quarters && quarters_of(p_look) AND x.mode = b.mode AND x.image_hash <> p_hash::char(64)
                                 AND bit_count(('x' || x.image_look)::bit(64) # ('x' || p_look)::bit(64)) <= p_bits)),
    (3, 'near_utr', EXISTS (SELECT 1 FROM instant_proofs x WHERE x.payee_id = b.payee_id AND x.amount = b.amount AND are_near(x.utr, p_utr))),
    (4, 'amount_differs', EXISTS (SELECT 1 FROM bank_credits x WHERE (x.merchant_id, x.mode, x.utr) = (w.merchant_id, w.mode, p_utr) AND (x.amount, x.currency) <> (b.amount, b.currency))),
    (5, 'payer_frozen', EXISTS (SELECT 1 FROM users x WHERE x.id = p.user_id AND x.frozen)),
    (6, 'payee_frozen', EXISTS (SELECT 1 FROM users x WHERE x.id = b.payee_id AND x.frozen))
  ) AS d (nth, reason, applies) WHERE d.applies
$$;

-- quarters_of(look): the four quarters of 64 bits, each with its place: of two looks that differ in three bits or fewer one quarter is
-- the same for certain, and of most that differ in a few more. By these an image is found that looks alike.
CREATE OR REPLACE FUNCTION quarters_of(p_look text) RETURNS int[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(65536 * n + ('x' || substr(p_look, 4 * n + 1, 4))::bit(16)::int ORDER BY n) FROM generate_series(0, 3) n
$$;

-- are_near(one, other): UTRs that differ in a single place (areNear in src/instant/rules/utr.ts; a test compares the two).
CREATE OR REPLACE FUNCTION are_near(p_one text, p_other text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT length(p_one) = length(p_other) AND 1 = (SELECT count(*) FROM generate_series(1, length(p_one)) n WHERE substr(p_one, n, 1) <> substr(p_other, n, 1))
$$;
