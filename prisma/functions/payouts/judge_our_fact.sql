-- judge_our_fact(payout, fact, attempt, data): what a person's, a clock's or the engine's fact does. The same rules as
-- `tellOfOurs` in src/payouts/rules/books.ts; random walks compare the two. Reads only. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION judge_our_fact(p payouts, p_fact text, p_attempt int, p_data jsonb) RETURNS judgement LANGUAGE plpgsql STABLE AS $$
DECLARE
  j judgement;
  v_has_edge boolean := EXISTS (SELECT 1 FROM payout_edges x WHERE x.from_state = p.state AND x.fact = p_fact);
  v_unproven int[] := unproven_attempts(p);
BEGIN
  j.outcome := CASE WHEN v_has_edge THEN 'applied' ELSE 'wrong_state' END;
  j.edge_fact := p_fact;
  CASE p_fact
    WHEN 'approved', 'rejected' THEN
      IF p.maker_id = p_data ->> 'adminId' THEN j.outcome := 'self_approval';
      ELSIF EXISTS (SELECT 1 FROM approvals a WHERE a.subject_id = p.id AND a.round = p.round AND a.admin_id = p_data ->> 'adminId') THEN
        j.outcome := 'already_decided';
      ELSIF p_fact = 'rejected' AND cardinality(v_unproven) > 0 THEN j.outcome := 'wrong_state';
      END IF;
    WHEN 'cancelled', 'review_expired' THEN
      IF cardinality(v_unproven) > 0 THEN j.outcome := 'wrong_state'; END IF; -- held, and in doubt since
    WHEN 'acknowledged' THEN
      IF NOT state_final(p.state) AND EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.state = 'doubted') THEN
        j.outcome := 'wrong_state'; -- it is resolved, not seen
      END IF;
    WHEN 'routed' THEN
      -- The rule of a new key: every request that was ever sent is proven dead, and no stored message says otherwise.
      IF state_in_flight(p.state) OR v_has_edge AND (cardinality(v_unproven) > 0 OR paid_attempt(p) IS NOT NULL OR has_unread_message(p, 0)) THEN
        j.outcome := 'attempt_alive';
      ELSIF p_data ->> 'psp' IS NULL THEN RAISE EXCEPTION 'the fact routed names no PSP';
      ELSIF p_data ->> 'psp' = p.psp THEN j.outcome := 'wrong_state'; -- that one pays it already
      END IF;
    WHEN 'paused' THEN j.outcome := 'wrong_state'; -- nobody may say it: what is about to be sent meets it
    WHEN 'outcome_overdue' THEN
      IF p_attempt IS DISTINCT FROM p.attempt THEN j.outcome := 'wrong_state'; END IF;
    WHEN 'dispatched' THEN
      IF p.dispatch <> 'run' THEN j.outcome := 'wrong_state';
      ELSIF v_has_edge AND p.run_id IS NOT NULL THEN j.outcome := 'unchanged'; -- sent on its way once
      ELSIF p_data ->> 'runId' IS NULL THEN RAISE EXCEPTION 'the fact dispatched names no run';
      END IF;
    WHEN 'attempt_started' THEN
      -- An attempt still open was never taken or is not known to be: it goes again under its own key. A new key needs proof
      -- of every attempt before it. And no run, no request.
      IF p.dispatch = 'run' AND p.run_id IS NULL
         OR EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.state IN ('succeeded', 'doubted'))
         OR p_attempt IS DISTINCT FROM p.attempt + (SELECT 1 - count(*)::int FROM payout_attempts x
                                                     WHERE x.payout_id = p.id AND x.attempt = p.attempt AND x.state = 'open')
         OR has_unread_message(p, p_attempt)
      THEN j.outcome := 'wrong_state'; END IF;
    WHEN 'reinitiated' THEN
      IF cardinality(v_unproven) > 0 THEN j.outcome := 'wrong_state'; END IF; -- what is unread holds up the send
    WHEN 'resolved_paid', 'resolved_not_paid' THEN
      IF v_has_edge AND resolved_attempts(p_fact, v_unproven, p_data) IS NULL THEN j.outcome := 'unproven_attempts'; END IF;
      IF p_fact = 'resolved_not_paid' AND paid_attempt(p) IS NOT NULL THEN j.edge_fact := 'paid'; END IF;
    ELSE NULL;
  END CASE;
  RETURN j;
END $$;

-- resolved_attempts(fact, unproven, data): those that a person's evidence settles, or null. Evidence is about attempts. Where it
-- names some, they must be the ones without proof: all of them were not paid, or one was. Where it names none, one is meant.
CREATE OR REPLACE FUNCTION resolved_attempts(p_fact text, p_unproven int[], p_data jsonb) RETURNS int[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_named int[];
BEGIN
  IF jsonb_typeof(p_data -> 'attempts') = 'array' THEN
    SELECT coalesce(array_agg(DISTINCT x.value::int ORDER BY x.value::int), '{}') INTO v_named FROM jsonb_array_elements_text(p_data -> 'attempts') x;
  ELSIF cardinality(p_unproven) = 1 THEN v_named := p_unproven;
  END IF;
  RETURN CASE WHEN CASE p_fact WHEN 'resolved_not_paid' THEN v_named = p_unproven
                               ELSE cardinality(v_named) = 1 AND v_named <@ p_unproven END THEN v_named END;
END $$;
