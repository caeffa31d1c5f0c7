-- assign_validator(batch): who of the operators looks at a slice that needs a person, and at each late proof of it: the one with the fewest,
-- for so long as the policy says; then another one, and all anew once each has had it. Nobody who is party to it: who has the address
-- of the payee's merchant, or of the payer's, is of that house. Key: none; asked again while somebody's time runs, it is theirs.
-- Locks: the slice, its late proofs by payin.
-- Answers: assigned (`validatorId` of the slice, or else of its first late proof; `until`, the first of all) · none (there is no operator)
-- · not_needed. Raises if there is no such batch.
CREATE OR REPLACE FUNCTION assign_validator(p_batch text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  l late_proofs;
  v_needed boolean;
  v_for interval;
  v_first text;
  v_until timestamptz;
  t record;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  v_needed := needs_validator(b);
  -- Before any lock: most looks at a slice find nothing.
  IF NOT v_needed AND NOT EXISTS (SELECT 1 FROM late_proofs x WHERE x.batch_id = b.id AND x.decision IS NULL) THEN RETURN jsonb_build_object('outcome', 'not_needed'); END IF;
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch FOR NO KEY UPDATE;
  v_needed := needs_validator(b);
  SELECT (w.policy ->> 'validateMs')::bigint * interval '1 millisecond' INTO STRICT v_for FROM instant_payouts w WHERE w.id = b.instant_payout_id;
  IF v_needed THEN
    t := next_turn(b.validator_id, b.validate_until, b.validators_before, v_for, parties_to(b, b.payin_id));
    UPDATE instant_batches x SET validator_id = t.validator, validate_until = t.until, validators_before = t.before WHERE x.id = b.id;
    v_first := t.validator;
    v_until := t.until;
  END IF;
  FOR l IN SELECT * FROM late_proofs x WHERE x.batch_id = b.id AND x.decision IS NULL ORDER BY x.payin_id FOR NO KEY UPDATE LOOP
    v_needed := true;
    t := next_turn(l.validator_id, l.validate_until, l.validators_before, v_for, parties_to(b, l.payin_id));
    UPDATE late_proofs x SET validator_id = t.validator, validate_until = t.until, validators_before = t.before WHERE x.payin_id = l.payin_id;
    v_first := coalesce(v_first, t.validator);
    v_until := least(v_until, t.until);
  END LOOP;
  IF NOT v_needed THEN RETURN jsonb_build_object('outcome', 'not_needed'); END IF; -- decided meanwhile
  IF v_first IS NULL THEN RETURN jsonb_build_object('outcome', 'none'); END IF;
  RETURN jsonb_build_object('outcome', 'assigned', 'validatorId', v_first, 'until', iso_time(v_until));
END $$;
REVOKE EXECUTE ON FUNCTION assign_validator(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assign_validator(text) TO oncepay_app;

CREATE OR REPLACE FUNCTION needs_validator(b instant_batches) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT NOT instant_batch_final(b.state) AND (b.review_reasons <> '{}' OR b.state = 'disputed')
$$;

-- parties_to(batch, payin): the houses of both sides, by their addresses.
CREATE OR REPLACE FUNCTION parties_to(b instant_batches, p_payin text) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(lower(m.email)), '{}') FROM merchants m
   WHERE m.email IS NOT NULL AND m.id IN (SELECT w.merchant_id FROM instant_payouts w WHERE w.id = b.instant_payout_id UNION SELECT p.merchant_id FROM payins p WHERE p.id = p_payin)
$$;

-- next_turn(validator, until, before, for, parties): whose turn it is now, until when, and whose is over. Null: there is nobody.
CREATE OR REPLACE FUNCTION next_turn(p_validator text, p_until timestamptz, p_before text[], p_for interval, p_parties text[],
                                     OUT validator text, OUT until timestamptz, OUT before text[]) LANGUAGE plpgsql AS $$
BEGIN
  validator := p_validator;
  until := p_until;
  before := p_before;
  IF p_validator IS NOT NULL AND p_until > moment() THEN RETURN; END IF;
  before := array_remove(p_before || p_validator, NULL);
  validator := next_validator(before, p_parties);
  IF validator IS NULL THEN
    before := array_remove(ARRAY[p_validator], NULL); -- each has had it: from the beginning, but not the same at once
    validator := coalesce(next_validator(before, p_parties), next_validator('{}', p_parties));
  END IF;
  until := CASE WHEN validator IS NOT NULL THEN moment() + p_for END;
END $$;

CREATE OR REPLACE FUNCTION next_validator(p_not text[], p_parties text[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT a.id FROM admins a
   WHERE a.active AND a.role IN ('operator', 'approver', 'admin') AND a.id <> ALL (p_not) AND coalesce(lower(a.email) <> ALL (p_parties), true)
   ORDER BY (SELECT count(*) FROM instant_batches b WHERE b.validator_id = a.id) + (SELECT count(*) FROM late_proofs l WHERE l.validator_id = a.id), a.id LIMIT 1
$$;
