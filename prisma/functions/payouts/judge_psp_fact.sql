-- judge_psp_fact(payout, fact, attempt, data): what a PSP's word does: first what it proves, then what becomes of the attempt,
-- then of the payout. The same rules as `tellOfPsp` in src/payouts/rules/books.ts, which explains them; random walks compare
-- the two. Reads only. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION judge_psp_fact(p payouts, p_fact text, p_attempt int, p_data jsonb) RETURNS judgement LANGUAGE plpgsql STABLE AS $$
DECLARE
  j judgement;
  a payout_attempts;
  v_named boolean := p_data ->> 'pspRef' IS NOT NULL;
  v_is_reply boolean := coalesce(p_data ->> 'source', 'reply') = 'reply';
  v_word text;
  v_is_live boolean;
  v_others int[]; -- attempts besides this one by which money may still go out
  v_other_paid boolean;
  v_in_flight boolean := state_in_flight(p.state);
BEGIN
  IF p_attempt IS NULL THEN RAISE EXCEPTION 'the fact % names no attempt', p_fact; END IF;
  j.is_unknown := false;
  j.needs_operator := false;
  j.outcome := 'unchanged';
  SELECT * INTO a FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = p_attempt;
  IF NOT FOUND THEN RETURN judge_unknown_attempt(p, j, p_fact, p_attempt); END IF;
  -- Asked before something else was told of the attempt. A payment is news all the same, but for one that came back since.
  IF a.told_at > (p_data ->> 'askedAt')::int AND NOT (p_fact = 'paid' AND a.state <> 'returned') THEN
    j.outcome := 'stale';
    RETURN j;
  END IF;
  SELECT x.counts, x.proof INTO v_word, j.proof FROM payout_proofs x
   WHERE x.word = p_fact
     -- Where an earlier request may have made a transfer of its own, only a look-up, which lists all there are, speaks of it too.
     AND x.named = (v_named AND NOT (v_is_reply AND a.unknown_at IS NOT NULL))
     AND x.uncertain = (a.unknown_at IS NOT NULL OR a.psp_ref IS NOT NULL AND NOT v_named OR NOT v_is_reply);
  v_word := coalesce(v_word, p_fact);
  -- Some PSPs have no word for a return but "failed".
  IF v_word = 'paid' AND (a.state = 'succeeded' OR a.state = 'returned' AND p_data ? 'implied')
     OR v_word IN ('attempt_failed', 'failed') AND a.state IN ('failed', 'returned')
     OR v_word = 'returned' AND a.state = 'returned' THEN RETURN j; END IF;

  v_is_live := a.state = 'open' AND v_in_flight;
  v_others := array_remove(unproven_attempts(p), p_attempt);
  v_other_paid := EXISTS (SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt <> p_attempt AND x.state = 'succeeded');

  CASE v_word
    WHEN 'outcome_unknown' THEN
      IF v_is_live THEN
        j := take_edge(p, j, 'outcome_unknown', 'unchanged');
        j.is_unknown := j.outcome = 'applied';
      END IF;
    WHEN 'not_taken' THEN
      IF NOT v_is_live THEN j.outcome := 'ignored'; RETURN j; END IF;
      IF cardinality(v_others) > 0 OR v_other_paid THEN
        j.row_state := 'failed';
        j.proof := 'refused';
      END IF;
      j := take_edge(p, j, CASE WHEN cardinality(v_others) > 0 THEN 'contradicted' WHEN v_other_paid THEN 'paid' ELSE 'not_taken' END, 'ignored');
      IF j.outcome = 'ignored' THEN j.row_state := NULL; END IF;
    WHEN 'attempt_failed', 'failed' THEN
      IF NOT v_is_live AND a.state <> 'doubted' THEN -- paid, or waiting to be sent again
        j.outcome := 'ignored';
        j.needs_operator := true;
        RETURN j;
      END IF;
      j.row_state := 'failed';
      j.outcome := 'ignored';
      IF NOT v_in_flight THEN RETURN j; END IF;
      j.needs_operator := cardinality(v_others) > 0;
      IF cardinality(v_others) = 0 THEN j := take_edge(p, j, CASE WHEN v_other_paid THEN 'paid' ELSE v_word END, 'ignored');
      ELSIF v_is_live THEN j := take_edge(p, j, 'contradicted', 'ignored');
      END IF;
    WHEN 'paid' THEN
      -- Another may have been paid, too, or may yet be: then only a person, or the other's end, can sort it out.
      j.row_state := 'succeeded';
      j.outcome := 'ignored';
      j.needs_operator := true;
      IF NOT (v_in_flight AND cardinality(v_others) > 0) THEN j := take_edge(p, j, 'paid', 'ignored'); END IF;
    WHEN 'returned' THEN
      j.outcome := 'ignored';
      j.needs_operator := true;
      IF a.state <> 'succeeded' THEN RETURN j; END IF;
      j.row_state := 'returned';
      -- Of two payments one came back: the payee still has the one that we settled.
      IF NOT v_other_paid THEN j := take_edge(p, j, 'returned', 'ignored'); END IF;
    ELSE -- queued, held, under way, or a transfer that is not as we asked: it may be paid yet
      j.needs_operator := true;
      IF a.state IN ('succeeded', 'returned') THEN
        IF v_word <> 'contradicted' OR NOT p.needs_operator THEN j.outcome := 'ignored'; END IF;
      ELSIF a.state = 'doubted' THEN -- held until now, and released
        IF v_word = 'contradicted' AND NOT v_in_flight THEN j := take_edge(p, j, 'contradicted', 'unchanged'); END IF;
      ELSIF a.state = 'failed' THEN
        j.row_state := 'doubted';
        j := take_edge(p, j, 'contradicted', 'ignored');
      ELSIF a.state = 'open' AND NOT v_is_live THEN
        j.row_state := 'open';
        j := take_edge(p, j, 'contradicted', 'ignored');
      ELSIF v_is_live AND v_word <> 'contradicted' AND NOT (p.state = 'UNRESOLVED' AND cardinality(v_others) > 0) THEN
        j := take_edge(p, j, v_word, 'unchanged');
        j.is_unknown := j.outcome = 'applied' AND v_word = 'mismatch';
      END IF;
  END CASE;
  RETURN j;
END $$;

-- take_edge(payout, judgement, fact, otherwise): it takes the edge of this fact; `otherwise` where there is none.
CREATE OR REPLACE FUNCTION take_edge(p payouts, j judgement, p_fact text, p_otherwise text) RETURNS judgement LANGUAGE plpgsql STABLE AS $$
BEGIN
  j.edge_fact := p_fact;
  j.outcome := CASE WHEN EXISTS (SELECT 1 FROM payout_edges x WHERE x.from_state = p.state AND x.fact = p_fact) THEN 'applied' ELSE p_otherwise END;
  RETURN j;
END $$;

-- judge_unknown_attempt(payout, judgement, fact, attempt): of one that the books never started, or have forgotten since they were
-- restored from a backup. Money that is out by it, or may be, counts as any other attempt's (adopt_attempts): nothing is sent
-- and nothing released before its end is known. No backup forgets a hundred attempts: such a number is only written down.
CREATE OR REPLACE FUNCTION judge_unknown_attempt(p payouts, j judgement, p_fact text, p_attempt int) RETURNS judgement LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_attempt < 1 OR p_fact IN ('outcome_unknown', 'not_taken', 'attempt_failed', 'failed') THEN RETURN j; END IF;
  j.outcome := 'ignored';
  j.needs_operator := true;
  IF p_attempt > p.attempt + 100 THEN RETURN j; END IF;
  j.row_state := CASE p_fact WHEN 'paid' THEN 'succeeded' ELSE 'doubted' END;
  RETURN take_edge(p, j, CASE WHEN p_fact = 'paid' AND NOT state_in_flight(p.state) THEN 'paid' ELSE 'contradicted' END, 'ignored');
END $$;
