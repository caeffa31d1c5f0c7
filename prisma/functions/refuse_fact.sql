-- refuse_fact: why this fact may not take its edge, or NULL. The same rule as nextState in src/domain/payout/machine.ts.
CREATE OR REPLACE FUNCTION refuse_fact(p payouts, p_edge payout_edges, p_fact text, p_origin text, p_attempt int)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_open boolean;
BEGIN
  IF p_origin = 'psp' THEN
    IF p_attempt > p.attempt THEN RETURN 'unchanged'; END IF; -- it was never started: there is nothing to be known of it
    IF p_fact = 'returned' THEN
      IF NOT EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = p_attempt AND x.state = 'succeeded') THEN
        RETURN 'ignored';
      END IF;
    ELSIF p_attempt <> p.attempt AND (p_fact <> 'paid' OR state_in_flight(p.state)) THEN
      RETURN 'ignored';
    END IF;
    IF p_edge.fact IS NOT NULL THEN RETURN NULL; END IF;
    IF p_attempt = p.attempt AND EXISTS (SELECT 1 FROM payout_edges x WHERE x.fact = p_fact AND x.to_state = p.state) THEN
      RETURN 'unchanged';
    END IF;
    RETURN 'ignored';
  END IF;
  IF p_edge.fact IS NULL THEN RETURN 'wrong_state'; END IF;
  IF p_fact = 'outcome_overdue' AND p_attempt <> p.attempt THEN RETURN 'wrong_state'; END IF;
  IF p_fact = 'attempt_started' THEN
    -- An attempt still open was never taken or is not known to be: it goes again under its own key. A new key needs a failed one.
    v_open := EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = p.attempt AND x.state = 'open');
    IF p_attempt <> p.attempt + (CASE WHEN v_open THEN 0 ELSE 1 END) THEN RETURN 'wrong_state'; END IF;
    IF EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.state = 'succeeded') THEN RETURN 'wrong_state'; END IF;
  END IF;
  RETURN NULL;
END $$;
