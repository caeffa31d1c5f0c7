-- record_attempt: what the fact means for the attempt's own row. Written before the PSP is called (attempt_started).
CREATE OR REPLACE FUNCTION record_attempt(p payouts, p_fact text, p_attempt int, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_fact = 'attempt_started' THEN
    INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key) VALUES (p.id, p_attempt, p.psp, p.id || ':' || p_attempt)
    ON CONFLICT (payout_id, attempt) DO UPDATE SET sends = payout_attempts.sends + 1, sent_at = now();
    RETURN;
  END IF;
  UPDATE payout_attempts x
     SET psp_ref = coalesce(p_data ->> 'pspRef', x.psp_ref),
         state = CASE WHEN p_fact IN ('paid', 'resolved_paid') THEN 'succeeded'
                      WHEN p_fact IN ('attempt_failed', 'failed', 'resolved_not_paid') THEN 'failed' ELSE x.state END,
         failure = CASE WHEN p_fact IN ('attempt_failed', 'failed') THEN p_data -> 'failure'
                        WHEN p_fact IN ('paid', 'resolved_paid') THEN NULL ELSE x.failure END,
         ended_at = CASE WHEN p_fact IN ('paid', 'resolved_paid', 'attempt_failed', 'failed', 'resolved_not_paid') THEN now() ELSE x.ended_at END
   WHERE x.payout_id = p.id AND x.attempt = p_attempt
     AND (p_data ? 'pspRef' OR p_fact IN ('paid', 'resolved_paid', 'attempt_failed', 'failed', 'resolved_not_paid'));
  -- An attempt that was not taken and waited to go again, when the payout ends (cancelled, rejected, an earlier one paid): close it.
  IF p_fact IN ('cancelled', 'rejected', 'paid') THEN
    UPDATE payout_attempts x SET state = 'failed', ended_at = now() WHERE x.payout_id = p.id AND x.state = 'open';
  END IF;
END $$;

-- record_other_attempt: what an ignored fact of the PSP still tells of its attempt, so that the payout's next fact counts it.
--   paid      while another is in flight, or beside one that is paid: no third attempt is ever started
--   returned  one of two payments, or one that was never settled: no longer paid, so the other one's settlement stands
CREATE OR REPLACE FUNCTION record_other_attempt(p payouts, p_fact text, p_attempt int, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_fact = 'paid' THEN
    UPDATE payout_attempts x SET state = 'succeeded', psp_ref = coalesce(p_data ->> 'pspRef', x.psp_ref), failure = NULL, ended_at = now()
     WHERE x.payout_id = p.id AND x.attempt = p_attempt;
  ELSIF p_fact = 'returned' THEN
    UPDATE payout_attempts x SET state = 'failed', ended_at = now(),
           failure = jsonb_build_object('code', 'returned', 'message', coalesce(p_data ->> 'reason', 'returned'), 'retryable', false)
     WHERE x.payout_id = p.id AND x.attempt = p_attempt AND x.state = 'succeeded';
  END IF;
END $$;

-- advance_payout: the payout's row after its edge.
CREATE OR REPLACE FUNCTION advance_payout(p payouts, p_edge payout_edges, p_fact text, p_attempt int, p_data jsonb)
RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
BEGIN
  UPDATE payouts x
     SET state = p_edge.to_state,
         sequence = x.sequence + 1,
         updated_at = now(),
         attempt = CASE WHEN p_fact = 'attempt_started' THEN p_attempt ELSE x.attempt END,
         returns = x.returns + CASE WHEN p_edge.effect = 'reverse' THEN 1 ELSE 0 END,
         round = x.round + CASE WHEN p_fact = 'reinitiated' THEN 1 ELSE 0 END,
         -- Our own funds at the PSP were short: that attempt is spent, but it is not one of those the payout may have.
         attempts_before = CASE WHEN p_fact = 'reinitiated' THEN x.attempt
                                WHEN p_fact = 'attempt_failed' AND p_data #>> '{failure,class}' = 'D' THEN x.attempts_before + 1 ELSE x.attempts_before END,
         next_attempt_at = CASE WHEN p_edge.to_state = 'RETRY_WAIT' THEN (p_data ->> 'nextAttemptAt')::timestamptz END,
         run_id = CASE WHEN p_fact = 'dispatched' THEN p_data ->> 'runId' ELSE x.run_id END,
         psp_reference = CASE WHEN p_attempt IS NULL THEN x.psp_reference -- not about an attempt
                              ELSE (SELECT a.psp_ref FROM payout_attempts a WHERE a.payout_id = x.id AND a.attempt = p_attempt) END,
         hold = CASE WHEN p_fact = 'psp_held' THEN jsonb_build_object('reason', coalesce(p_data ->> 'reason', 'held by the PSP'), 'source', 'psp')
                     WHEN p_fact = 'held' THEN jsonb_build_object('reason', p_data ->> 'reason', 'source', coalesce(p_data ->> 'holdSource', 'operator')) END,
         failure = CASE WHEN p_edge.to_state NOT IN ('FAILED', 'REJECTED', 'CANCELLED') THEN NULL
                        WHEN p_data ? 'failure' THEN (p_data -> 'failure') - 'class'
                        ELSE jsonb_build_object('code', p_fact, 'message', coalesce(p_data ->> 'reason', fact_message(p_fact)), 'retryable', p_fact = 'resolved_not_paid') END,
         needs_operator = CASE WHEN p_edge.to_state = 'UNRESOLVED' OR p_edge.effect = 'settle_late' OR (p_data ->> 'needsOperator')::boolean
                                 OR (SELECT count(*) FROM payout_attempts a WHERE a.payout_id = x.id AND a.state = 'succeeded') > 1 THEN true
                               WHEN p_edge.from_state = 'UNRESOLVED' OR p_fact = 'attempt_started' THEN false ELSE x.needs_operator END,
         completed_at = CASE WHEN p_edge.to_state = 'RETURNED' THEN x.completed_at -- it was paid then
                             WHEN state_final(p_edge.to_state) THEN now() END
   WHERE x.id = p.id RETURNING * INTO STRICT v;
  RETURN v;
END $$;

CREATE OR REPLACE FUNCTION fact_message(p_fact text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_fact WHEN 'review_expired' THEN 'nobody decided within the review window'
                     WHEN 'cancelled' THEN 'cancelled before it was sent'
                     WHEN 'resolved_not_paid' THEN 'an operator found that it was not paid' ELSE p_fact END
$$;
