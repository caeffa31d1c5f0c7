-- refuse_fact: why this fact may not take its edge, or NULL. The same rule as nextState in src/domain/payout/machine.ts,
-- and what only the attempts' rows can tell.
DROP FUNCTION IF EXISTS refuse_fact(payouts, payout_edges, text, text, int); -- until there were runs
CREATE OR REPLACE FUNCTION refuse_fact(p payouts, p_edge payout_edges, p_fact text, p_origin text, p_attempt int, p_data jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_open boolean;
BEGIN
  IF p_origin = 'psp' THEN RETURN refuse_psp_fact(p, p_edge, p_fact, p_attempt); END IF;
  IF p_edge.fact IS NULL THEN RETURN 'wrong_state'; END IF;
  IF p_fact = 'outcome_overdue' AND p_attempt <> p.attempt THEN RETURN 'wrong_state'; END IF;
  IF p_fact = 'dispatched' THEN
    IF p.dispatch <> 'run' THEN RETURN 'wrong_state'; END IF;
    IF p.run_id IS NOT NULL THEN RETURN 'unchanged'; END IF; -- sent on its way once
    IF p_data ->> 'runId' IS NULL THEN RAISE EXCEPTION 'the fact dispatched names no run'; END IF;
    RETURN NULL;
  END IF;
  IF p_fact = 'attempt_started' THEN
    IF p.dispatch = 'run' AND p.run_id IS NULL THEN RETURN 'wrong_state'; END IF; -- no run has come to it yet
    -- An attempt still open was never taken or is not known to be: it goes again under its own key. A new key needs a failed one.
    v_open := EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = p.attempt AND x.state = 'open');
    IF p_attempt IS DISTINCT FROM p.attempt + (CASE WHEN v_open THEN 0 ELSE 1 END) THEN RETURN 'wrong_state'; END IF;
    IF EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.state = 'succeeded') THEN RETURN 'wrong_state'; END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION refuse_psp_fact(p payouts, p_edge payout_edges, p_fact text, p_attempt int)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  a payout_attempts;
  v_other_paid boolean;
BEGIN
  IF p_attempt IS NULL THEN RAISE EXCEPTION 'the fact % names no attempt', p_fact; END IF;
  SELECT * INTO a FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = p_attempt;
  IF NOT FOUND THEN RETURN 'unchanged'; END IF; -- it was never started: there is nothing to be known of it
  IF a.state = 'succeeded' AND p_fact = 'paid' OR a.state = 'failed' AND p_fact IN ('attempt_failed', 'failed') THEN RETURN 'unchanged'; END IF;

  IF p_fact = 'returned' THEN
    IF a.failure ->> 'code' = 'returned' THEN RETURN 'unchanged'; END IF;
    v_other_paid := EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt <> p_attempt AND x.state = 'succeeded');
    -- Of two payments one came back: the payee still has the one that we settled.
    IF a.state <> 'succeeded' OR v_other_paid THEN RETURN 'ignored'; END IF;
    RETURN CASE WHEN p_edge.fact IS NOT NULL THEN NULL WHEN p.state = 'RETURNED' THEN 'unchanged' ELSE 'ignored' END;
  END IF;

  IF p_attempt = p.attempt OR p_fact = 'paid' AND NOT state_in_flight(p.state) THEN
    IF p_edge.fact IS NOT NULL THEN RETURN NULL; END IF;
    -- Not so for `paid`: what is paid already may be another attempt.
    IF p_fact <> 'paid' AND EXISTS (SELECT 1 FROM payout_edges x WHERE x.fact = p_fact AND x.to_state = p.state) THEN RETURN 'unchanged'; END IF;
  END IF;
  -- It proves nothing: where it changes nothing there is nothing to remember.
  RETURN CASE WHEN p_fact = 'outcome_unknown' THEN 'unchanged' ELSE 'ignored' END;
END $$;
