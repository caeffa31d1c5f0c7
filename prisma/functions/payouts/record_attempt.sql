-- record_attempt(payout, fact, attempt, judgement, data): what a PSP's word means for its attempt's own row. `told_at`: the
-- number of the event that is about to be written. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION record_attempt(p payouts, p_attempt int, j judgement, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payout_attempts x
     SET state = coalesce(j.row_state, x.state),
         proof = CASE WHEN j.row_state IS NULL THEN x.proof WHEN j.row_state = 'failed' THEN j.proof END,
         psp_ref = coalesce(p_data ->> 'pspRef', x.psp_ref),
         psp_fee = CASE WHEN j.row_state = 'succeeded' THEN (p_data ->> 'pspFeeMinor')::bigint ELSE x.psp_fee END,
         unknown_at = CASE WHEN j.is_unknown THEN p.sequence + 1 ELSE x.unknown_at END,
         told_at = p.sequence + 1,
         failure = CASE coalesce(j.row_state, '') WHEN 'failed' THEN p_data -> 'failure'
                        WHEN 'returned' THEN jsonb_build_object('code', 'returned', 'message', coalesce(p_data ->> 'reason', 'returned'), 'retryable', false)
                        WHEN '' THEN x.failure END,
         ended_at = CASE WHEN j.row_state IN ('failed', 'succeeded', 'returned') THEN moment() WHEN j.row_state IS NULL THEN x.ended_at END
   WHERE x.payout_id = p.id AND x.attempt = p_attempt;
END $$;

-- adopt_attempts(payout, attempt): rows for this attempt, which the books do not know, and for all that must have been before it.
-- `sends` is 0: we know of no request. What each became nobody has said: they are in doubt, and so is one that was in flight, for
-- it is not the newest any more.
CREATE OR REPLACE FUNCTION adopt_attempts(p payouts, p_attempt int) RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
BEGIN
  PERFORM close_refused(p);
  UPDATE payout_attempts x SET state = 'doubted' WHERE x.payout_id = p.id AND x.state = 'open' AND state_in_flight(p.state);
  INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key, state, sends, told_at)
  SELECT p.id, n, p.psp, p.id || ':' || n, 'doubted', 0, p.sequence + 1 FROM generate_series(p.attempt + 1, p_attempt) n;
  UPDATE payouts x SET attempt = p_attempt WHERE x.id = p.id RETURNING * INTO STRICT v;
  RETURN v;
END $$;

-- close_attempts(payout, attempts, proof): no money goes out by these.
CREATE OR REPLACE FUNCTION close_attempts(p payouts, p_attempts int[], p_proof text) RETURNS void LANGUAGE sql AS $$
  UPDATE payout_attempts x SET state = 'failed', proof = p_proof, told_at = p.sequence + 1, ended_at = moment()
   WHERE x.payout_id = p.id AND x.attempt = ANY (p_attempts)
$$;

-- record_our_fact: the same for a person's, a clock's and the engine's facts. An attempt is written before the PSP is called.
CREATE OR REPLACE FUNCTION record_our_fact(p payouts, p_fact text, p_attempt int, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_unproven int[] := unproven_attempts(p);
BEGIN
  CASE p_fact
    WHEN 'attempt_started' THEN
      INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key, told_at) VALUES (p.id, p_attempt, p.psp, p.id || ':' || p_attempt, p.sequence + 1)
      ON CONFLICT (payout_id, attempt) DO UPDATE SET sends = payout_attempts.sends + 1, sent_at = moment(), told_at = p.sequence + 1;
    WHEN 'resolved_not_paid' THEN PERFORM close_attempts(p, v_unproven, 'operator');
    WHEN 'resolved_paid' THEN -- what is unproven besides stays in doubt
      UPDATE payout_attempts x SET state = CASE x.attempt WHEN (p_data #>> '{attempts,0}')::int THEN 'succeeded' ELSE 'doubted' END, proof = NULL, failure = NULL,
             told_at = p.sequence + 1, ended_at = moment()
       WHERE x.payout_id = p.id AND x.attempt = ANY (v_unproven);
    ELSE NULL;
  END CASE;
END $$;

-- close_refused(payout): an attempt that was not taken, and waited to be sent again when the payout ended.
CREATE OR REPLACE FUNCTION close_refused(p payouts) RETURNS void LANGUAGE sql AS $$
  UPDATE payout_attempts x SET state = 'failed', proof = 'refused', told_at = p.sequence + 1, ended_at = moment()
   WHERE x.payout_id = p.id AND x.state = 'open' AND NOT state_in_flight(p.state)
$$;
