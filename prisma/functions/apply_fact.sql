-- apply_fact(payout, key, fact, actor, data): the one door through which anything that became true changes a payout.
-- One transaction: the legal edge (payout_edges), its effect on the money, the row, the event, the webhook deliveries.
-- Key: `key`, unique for the payout: the same step done again finds its first event and changes nothing.
-- Answers, the first that applies:
--   not_found             no such payout
--   already               this step was done before
--   self_approval         the admin made this payout          (approved, rejected)
--   already_decided       this admin has decided it before     (approved, rejected)
--   unchanged             the PSP says what we know, or nothing; another run was here first (no event)
--   wrong_state           no legal edge; a person, a clock or the engine asked: nothing is written
--   ignored               no legal edge; a PSP said so: recorded for the timeline, nothing changes
--   insufficient_balance  reinitiated, but not enough available
--   applied               done
-- Always with `payout` (its record now) and `notify` (a webhook waits to be sent).
CREATE OR REPLACE FUNCTION apply_fact(p_payout text, p_key text, p_fact text, p_actor text, p_data jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p payouts;
  v_edge payout_edges;
  v_outcome text;
  v_fact text := p_fact;
  v_key text := p_key;
  v_attempt int := (p_data ->> 'attempt')::int; -- which one the PSP or the engine speaks of
  v_paid_attempt int;
  v_origin text := fact_origin(p_fact);
  v_said text; -- what a PSP's message is compared with
  v_owed bigint;
BEGIN
  IF p_fact = 'returned' THEN PERFORM lock_for_return(p_payout); END IF;
  SELECT * INTO p FROM payouts x WHERE x.id = p_payout FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found', 'notify', false, 'payout', NULL); END IF;
  IF v_origin = 'person' THEN v_attempt := p.attempt; END IF; -- a person decides on the payout as it is, whatever they last saw
  -- The PSP's name for another attempt, of this payout or any: whatever it says, it does not say it of this one. Under
  -- a key of its own, so that the true word of this attempt still counts when it comes.
  IF v_origin = 'psp' AND EXISTS (SELECT 1 FROM payout_attempts x WHERE x.psp = p.psp AND x.psp_ref = p_data ->> 'pspRef'
                                     AND (x.payout_id <> p.id OR x.attempt <> v_attempt)) THEN
    v_fact := 'mismatch';
    v_key := p_key || ':foreign_reference';
    p_data := p_data - 'pspRef' - 'failure'
      || jsonb_build_object('reason', 'the PSP names a transfer that belongs to another attempt: ' || (p_data ->> 'pspRef'));
  END IF;
  IF EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.id AND e.op_key = v_key) THEN
    RETURN fact_answer('already', close_message(p, p_fact, p_actor, p_data));
  END IF;

  IF v_fact IN ('approved', 'rejected') THEN
    IF p.maker_id = p_data ->> 'adminId' THEN RETURN fact_answer('self_approval', p); END IF;
    IF EXISTS (SELECT 1 FROM approvals a WHERE a.payout_id = p.id AND a.round = p.round AND a.admin_id = p_data ->> 'adminId') THEN
      RETURN fact_answer('already_decided', p);
    END IF;
  END IF;

  -- "Not taken" speaks of this request only. If an earlier one under the same key may have been taken, nothing is proven.
  IF v_fact = 'not_taken' AND EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.id AND e.type = 'payout.outcome_unknown'
                                         AND (e.data ->> 'attempt')::int = v_attempt) THEN
    v_fact := 'outcome_unknown';
  END IF;
  -- A reply speaks of the request that began with the event `begunAt`. Where that one's outcome was given up as unknown
  -- since (its worker was taken for dead), somebody may have asked again, and only a payment is still news.
  IF v_fact IN ('attempt_failed', 'failed') AND EXISTS (SELECT 1 FROM events e WHERE e.payout_id = p.id AND e.type = 'payout.outcome_unknown'
                                         AND (e.data ->> 'attempt')::int = v_attempt AND e.sequence > (p_data ->> 'begunAt')::int) THEN
    v_fact := 'outcome_unknown';
  END IF;

  SELECT * INTO v_edge FROM payout_edges x WHERE x.from_state = p.state AND x.fact = v_fact;
  v_outcome := refuse_fact(p, v_edge, v_fact, v_origin, v_attempt, p_data);
  IF v_outcome IS NOT NULL THEN
    IF v_outcome <> 'ignored' THEN
      RETURN fact_answer(v_outcome, close_message(p, v_fact, p_actor, p_data));
    END IF;
    PERFORM record_other_attempt(p, v_fact, v_attempt, p_data);
    UPDATE payouts x SET sequence = x.sequence + 1, updated_at = now(),
           needs_operator = x.needs_operator OR v_fact IN ('paid', 'failed', 'mismatch', 'returned')
     WHERE x.id = p.id RETURNING * INTO p;
    PERFORM announce(p, 'payout.fact_ignored', v_key, p_actor, p.state, p_data || jsonb_build_object('fact', v_fact));
    PERFORM mark_message(p_data, 'ignored', v_fact || ' has no place in state ' || p.state);
    RETURN fact_answer('ignored', p);
  END IF;

  v_said := v_fact;
  -- The attempt in flight failed, but an earlier one was paid meanwhile: then the payout is paid, not to be tried again.
  IF v_fact IN ('attempt_failed', 'failed', 'resolved_not_paid', 'not_taken') THEN
    SELECT x.attempt INTO v_paid_attempt FROM payout_attempts x
     WHERE x.payout_id = p.id AND x.state = 'succeeded' AND x.attempt < p.attempt;
    IF FOUND THEN
      UPDATE payout_attempts x SET state = 'failed', failure = p_data -> 'failure', ended_at = now() WHERE x.payout_id = p.id AND x.attempt = p.attempt;
      v_fact := 'paid';
      v_attempt := v_paid_attempt;
      p_data := p_data - 'pspRef' - 'failure'; -- these speak of the attempt that failed
      SELECT * INTO STRICT v_edge FROM payout_edges x WHERE x.from_state = p.state AND x.fact = v_fact;
    END IF;
  END IF;

  CASE v_edge.effect
    WHEN 'settle' THEN PERFORM settle_payout(p, false);
    WHEN 'settle_late' THEN
      v_owed := settle_payout(p, true);
      IF v_owed > 0 THEN p_data := p_data || jsonb_build_object('debtMinor', v_owed::text, 'currency', p.currency); END IF;
    WHEN 'release' THEN PERFORM release_payout(p);
    WHEN 'reverse' THEN PERFORM reverse_payout(p);
    WHEN 'reserve' THEN
      IF NOT reserve_again(p) THEN RETURN fact_answer('insufficient_balance', p); END IF;
    ELSE NULL;
  END CASE;
  IF v_edge.effect IN ('settle', 'settle_late') THEN PERFORM book_psp_fee(p, (p_data ->> 'pspFeeMinor')::bigint); END IF;
  PERFORM record_attempt(p, v_fact, coalesce(v_attempt, p.attempt), p_data);
  IF v_fact IN ('approved', 'rejected') THEN
    INSERT INTO approvals (payout_id, round, admin_id, decision, note, via)
    VALUES (p.id, p.round, p_data ->> 'adminId', v_fact, coalesce(p_data ->> 'note', p_data ->> 'reason'), coalesce(p_data ->> 'via', 'api'));
  END IF;

  p := advance_payout(p, v_edge, v_fact, v_attempt, p_data);
  PERFORM announce(p, v_edge.event_type, v_key, p_actor, v_edge.from_state, p_data);
  RETURN fact_answer('applied', close_message(p, v_said, p_actor, p_data));
END $$;
REVOKE EXECUTE ON FUNCTION apply_fact(text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION apply_fact(text, text, text, text, jsonb) TO oncepay_app;

CREATE OR REPLACE FUNCTION fact_answer(p_outcome text, p payouts) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('outcome', p_outcome, 'notify', has_pending_delivery(p.id), 'payout', payout_record(p));
END $$;
