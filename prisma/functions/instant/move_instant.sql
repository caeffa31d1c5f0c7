-- How the subjects of instant payouts go from state to state: by the edges of their machines alone, each told by one event. The rows
-- must be locked, and what the step did to the money is written before, so that the event shows what its commit leaves.
-- Raises where there is no such edge: the caller has looked.

-- move_instant_payout(withdrawal, fact, key, actor, data): seen by the payee and the payee's merchant, whose callback hears of its end.
CREATE OR REPLACE FUNCTION move_instant_payout(p_id text, p_fact text, p_key text, p_actor text, p_data jsonb) RETURNS instant_payouts LANGUAGE plpgsql AS $$
DECLARE
  w instant_payouts;
  v_from text;
  v_edge instant_payout_edges;
BEGIN
  SELECT x.state INTO STRICT v_from FROM instant_payouts x WHERE x.id = p_id;
  SELECT * INTO v_edge FROM instant_payout_edges x WHERE x.from_state = v_from AND x.fact = p_fact;
  IF NOT FOUND THEN RAISE EXCEPTION 'withdrawal % is % and cannot take %', p_id, v_from, p_fact; END IF;
  UPDATE instant_payouts x
     SET state = v_edge.to_state, sequence = x.sequence + 1, updated_at = moment(),
         completed_at = CASE WHEN instant_payout_final(v_edge.to_state) THEN moment() END,
         receipt_id = CASE WHEN instant_payout_final(v_edge.to_state) AND x.paid > 0 THEN next_receipt_id() END
   WHERE x.id = p_id RETURNING * INTO STRICT w;
  PERFORM announce('instant_payout', w.id, ARRAY[('merchant', w.merchant_id), ('user', w.user_id)]::owner_ref[], w.mode, w.sequence, v_edge.event_type,
                   p_key, p_actor, v_from, w.state, p_data, instant_payout_record(w), CASE v_edge.effect WHEN 'unlock' THEN w.callback_url END, true);
  RETURN w;
END $$;

-- move_instant_batch(batch, fact, key, actor, data): seen by the payee, the payer whose turn it is, and the merchants of both.
CREATE OR REPLACE FUNCTION move_instant_batch(p_id text, p_fact text, p_key text, p_actor text, p_data jsonb)
RETURNS instant_batches LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  v_edge instant_batch_edges;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_id;
  SELECT * INTO v_edge FROM instant_batch_edges x WHERE x.from_state = b.state AND x.fact = p_fact;
  IF NOT FOUND THEN RAISE EXCEPTION 'batch % is % and cannot take %', p_id, b.state, p_fact; END IF;
  IF instant_batch_final(v_edge.to_state) THEN -- nobody has to look at it any more
    UPDATE instant_batches x SET review_reasons = '{}', validator_id = NULL, validate_until = NULL WHERE x.id = p_id;
  END IF;
  RETURN tell_instant_batch(b, v_edge.to_state, v_edge.event_type, p_key, p_actor, p_data);
END $$;

-- tell_instant_batch(batch, to, type, key, actor, data, not to payers): its next event; where its state stays, what happened to it all
-- the same. What one payer has shown is no other payer's affair.
CREATE OR REPLACE FUNCTION tell_instant_batch(b instant_batches, p_to text, p_type text, p_key text, p_actor text, p_data jsonb, p_not_payers boolean DEFAULT false)
RETURNS instant_batches LANGUAGE plpgsql AS $$
DECLARE
  v instant_batches;
  v_audience owner_ref[];
BEGIN
  UPDATE instant_batches x SET state = p_to, sequence = x.sequence + 1, updated_at = moment() WHERE x.id = b.id RETURNING * INTO STRICT v;
  SELECT ARRAY[('merchant', w.merchant_id), ('user', w.user_id)]::owner_ref[] INTO STRICT v_audience FROM instant_payouts w WHERE w.id = v.instant_payout_id;
  SELECT v_audience || ARRAY[('merchant', p.merchant_id), ('user', p.user_id)]::owner_ref[] INTO v_audience FROM payins p WHERE p.id = v.payin_id AND NOT p_not_payers
   UNION ALL SELECT v_audience WHERE v.payin_id IS NULL OR p_not_payers;
  PERFORM announce('instant_batch', v.id, v_audience, v.mode, v.sequence, p_type, p_key, p_actor, b.state, v.state, p_data, instant_batch_record(v), NULL, true);
  RETURN v;
END $$;

-- move_payin(payin, fact, key, actor, data): seen by the payer and the payer's merchant, whose callback hears of each end.
CREATE OR REPLACE FUNCTION move_payin(p_id text, p_fact text, p_key text, p_actor text, p_data jsonb) RETURNS payins LANGUAGE plpgsql AS $$
DECLARE
  p payins;
  v_from text;
  v_edge payin_edges;
BEGIN
  SELECT x.state INTO STRICT v_from FROM payins x WHERE x.id = p_id;
  SELECT * INTO v_edge FROM payin_edges x WHERE x.from_state = v_from AND x.fact = p_fact;
  IF NOT FOUND THEN RAISE EXCEPTION 'payin % is % and cannot take %', p_id, v_from, p_fact; END IF;
  UPDATE payins x SET state = v_edge.to_state, sequence = x.sequence + 1, updated_at = moment(), completed_at = CASE WHEN payin_final(v_edge.to_state) THEN moment() END
   WHERE x.id = p_id RETURNING * INTO STRICT p;
  PERFORM tell_payin(p, v_edge.event_type, p_key, p_actor, v_from, p_data, CASE v_edge.effect WHEN 'tell' THEN p.callback_url END);
  RETURN p;
END $$;

CREATE OR REPLACE FUNCTION tell_payin(p payins, p_type text, p_key text, p_actor text, p_from text, p_data jsonb, p_callback text) RETURNS void LANGUAGE sql AS $$
  SELECT announce('payin', p.id, ARRAY[('merchant', p.merchant_id), ('user', p.user_id)]::owner_ref[], p.mode, p.sequence, p_type, p_key, p_actor, p_from, p.state,
                  p_data, payin_record(p), p_callback, true)
$$;

-- lock_slice(batch, payin): the rows that a step of this slice may write, in the order of all functions: the withdrawal, the batch, the
-- payins (the one that counts, and `payin`), their users and the payee. Balances come after, by id. Null: there is no such batch.
CREATE OR REPLACE FUNCTION lock_slice(p_batch text, p_payin text DEFAULT NULL) RETURNS instant_batches LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
BEGIN
  PERFORM 1 FROM instant_payouts w WHERE w.id = (SELECT x.instant_payout_id FROM instant_batches x WHERE x.id = p_batch) FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch FOR NO KEY UPDATE;
  PERFORM 1 FROM payins p WHERE p.id IN (b.payin_id, p_payin) ORDER BY p.id FOR NO KEY UPDATE;
  PERFORM lock_users(array_agg(u.id)) FROM (SELECT b.payee_id UNION SELECT p.user_id FROM payins p WHERE p.id IN (b.payin_id, p_payin)) u (id);
  RETURN b;
END $$;
