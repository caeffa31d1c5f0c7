-- advance_payout(payout, edge, fact, attempt, data): the payout's row after its edge; its attempts' rows are written already.
-- Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION advance_payout(p payouts, p_edge payout_edges, p_fact text, p_attempt int, p_data jsonb)
RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
  v_paid int := paid_attempt(p);
  v_about int := CASE WHEN p_edge.fact IN ('paid', 'resolved_paid') THEN v_paid ELSE p_attempt END;
  v_wants_operator boolean := p_edge.to_state = 'UNRESOLVED' OR p_edge.effect = 'settle_late' OR p_fact = 'parked'
    OR coalesce((p_data ->> 'needsOperator')::boolean, false)
    OR EXISTS (SELECT 1 FROM payout_attempts a WHERE a.payout_id = p.id AND a.state = 'doubted')
    OR (SELECT count(*) FROM payout_attempts a WHERE a.payout_id = p.id AND a.state = 'succeeded')
       > CASE WHEN p_edge.to_state = 'SUCCEEDED' THEN 1 ELSE 0 END; -- a payment that the payout has not settled with
BEGIN
  IF p_edge.effect = 'note' THEN
    UPDATE payouts x
       SET sequence = x.sequence + 1,
           updated_at = moment(),
           needs_operator = CASE p_fact WHEN 'parked' THEN true WHEN 'acknowledged' THEN false ELSE x.needs_operator END,
           paused_by = CASE p_fact WHEN 'paused' THEN p_data ->> 'by' WHEN 'routed' THEN NULL ELSE x.paused_by END,
           psp = CASE p_fact WHEN 'routed' THEN p_data ->> 'psp' ELSE x.psp END,
           psp_reference = CASE p_fact WHEN 'routed' THEN NULL ELSE x.psp_reference END
     WHERE x.id = p.id RETURNING * INTO STRICT v;
    RETURN v;
  END IF;
  UPDATE payouts x
     SET state = p_edge.to_state,
         sequence = x.sequence + 1,
         updated_at = moment(),
         attempt = CASE WHEN p_fact = 'attempt_started' THEN p_attempt ELSE x.attempt END,
         round = x.round + CASE WHEN p_fact = 'reinitiated' THEN 1 ELSE 0 END,
         returns = x.returns + CASE WHEN p_edge.effect = 'reverse' THEN 1 ELSE 0 END,
         -- Our own funds at the PSP were short: that attempt is spent, but it is not one of those the payout may have.
         attempts_before = CASE WHEN p_fact = 'reinitiated' THEN x.attempt
                                WHEN p_fact = 'attempt_failed' AND p_data #>> '{failure,class}' = 'D' THEN x.attempts_before + 1 ELSE x.attempts_before END,
         next_attempt_at = CASE WHEN p_edge.to_state = 'RETRY_WAIT' THEN (p_data ->> 'nextAttemptAt')::timestamptz END,
         -- Once for each attempt: whatever is heard meanwhile, an operator is asked at that time.
         outcome_until = CASE WHEN p_fact = 'attempt_started' AND p_attempt > x.attempt THEN NULL
                              WHEN p_edge.to_state = 'UNKNOWN'
                              THEN coalesce(x.outcome_until, (p_data ->> 'outcomeUntil')::timestamptz)
                              ELSE x.outcome_until END,
         dispatch = CASE WHEN p_fact = 'hurried' AND x.run_id IS NULL THEN 'now' ELSE x.dispatch END,
         run_id = CASE WHEN p_fact = 'dispatched' THEN p_data ->> 'runId' ELSE x.run_id END,
         psp_reference = CASE WHEN v_about IS NULL THEN x.psp_reference -- not about an attempt
                              ELSE (SELECT a.psp_ref FROM payout_attempts a WHERE a.payout_id = x.id AND a.attempt = v_about) END,
         hold = CASE WHEN p_fact = 'psp_held' THEN jsonb_build_object('reason', coalesce(p_data ->> 'reason', 'held by the PSP'), 'source', 'psp')
                     WHEN p_fact = 'held' THEN jsonb_build_object('reason', p_data ->> 'reason', 'source', coalesce(p_data ->> 'holdSource', 'operator')) END,
         failure = CASE WHEN p_edge.to_state NOT IN ('FAILED', 'REJECTED', 'CANCELLED') THEN NULL
                        WHEN p_data ? 'failure' THEN (p_data -> 'failure') - 'class'
                        ELSE jsonb_build_object('code', p_fact, 'message', coalesce(p_data ->> 'reason', fact_message(p_fact)), 'retryable', p_fact = 'resolved_not_paid') END,
         needs_operator = CASE WHEN v_wants_operator THEN true
                               -- That the books have forgotten attempts only a person can have seen to.
                               WHEN (p_edge.from_state = 'UNRESOLVED' OR p_fact = 'attempt_started') AND (fact_origin(p_fact) = 'person'
                                 OR NOT EXISTS (SELECT 1 FROM payout_attempts a WHERE a.payout_id = p.id AND a.sends = 0)) THEN false
                               ELSE x.needs_operator END,
         paused_by = NULL,
         let_go_at = NULL,
         completed_at = CASE WHEN p_edge.to_state = 'RETURNED' THEN x.completed_at -- it was paid then
                             WHEN state_final(p_edge.to_state) THEN moment() END
   WHERE x.id = p.id RETURNING * INTO STRICT v;
  RETURN v;
END $$;

CREATE OR REPLACE FUNCTION fact_message(p_fact text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_fact WHEN 'review_expired' THEN 'nobody decided within the review window'
                     WHEN 'cancelled' THEN 'cancelled before it was sent'
                     WHEN 'resolved_not_paid' THEN 'an operator found that it was not paid' ELSE p_fact END
$$;
