-- apply_fact(payout, key, fact, actor, data): the one door through which anything that became true changes a payout.
-- One transaction: the legal edge (payout_edges), its effect on the money, the row, the event, the webhook deliveries.
-- Key: `key`, unique for the payout: the same step done again finds its first event and changes nothing.
-- Answers, the first that applies:
--   not_found             no such payout
--   already               this step was done before
--   self_approval         the admin made this payout          (approved, rejected)
--   already_decided       this admin has decided it before     (approved, rejected)
--   attempt_alive         routed, but by something that was sent money may still go out
--   unproven_attempts     a resolution names other attempts than those without proof, or none where there are several
--   stale                 the PSP was asked before something newer was told of the attempt: ask again (no event)
--   unchanged             the PSP says what we know, or nothing; another run was here first (no event)
--   wrong_state           no legal edge; a person, a clock or the engine asked: nothing is written
--   ignored               no legal edge; a PSP said so: recorded for the timeline and of its attempt
--   user_frozen           reinitiated, but it is a frozen user's: nothing moves their money
--   insufficient_balance  reinitiated, but not enough available
--   paused                nothing new may be sent while a pause holds; that the payout waits for it is written down once
--   applied               done
-- Always with `payout`: its record now.
CREATE OR REPLACE FUNCTION apply_fact(p_payout text, p_key text, p_fact text, p_actor text, p_data jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p payouts;
  j judgement;
  v_edge payout_edges;
  v_fact text := p_fact;
  v_key text := p_key;
  v_attempt int := (p_data ->> 'attempt')::int; -- which one the PSP or the engine speaks of
  v_is_psps boolean := fact_origin(p_fact) = 'psp';
  v_psp text; -- of that attempt: an earlier one may have been another's
  v_owed bigint;
  v_refusal text;
  v_pause text;
BEGIN
  -- Before the payout, as everywhere; whose it is never changes.
  IF p_fact = 'reinitiated' THEN PERFORM lock_users(ARRAY[x.owner_id]) FROM payouts x WHERE x.id = p_payout AND x.kind = 'user'; END IF;
  -- A user's is a credit also when it is released: by any fact that says that nothing was paid.
  IF p_fact = 'returned' OR EXISTS (SELECT 1 FROM payouts x WHERE x.id = p_payout AND x.kind = 'user') THEN PERFORM lock_for_payout_credit(p_payout); END IF;
  SELECT * INTO p FROM payouts x WHERE x.id = p_payout FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found', 'payout', NULL); END IF;
  IF fact_origin(p_fact) = 'person' THEN v_attempt := p.attempt; END IF; -- a person decides on the payout as it is, whatever they last saw
  v_psp := coalesce((SELECT x.psp FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = v_attempt), p.psp);
  IF v_is_psps AND p_actor LIKE 'psp:%' THEN p_actor := 'psp:' || v_psp; END IF;
  -- The PSP's name for another attempt, of this payout or any: whatever it says, it does not say it of this one. Under
  -- a key of its own, so that the true word of this attempt still counts when it comes.
  IF v_is_psps AND EXISTS (SELECT 1 FROM payout_attempts x WHERE x.psp = v_psp AND x.psp_ref = p_data ->> 'pspRef'
                              AND (x.payout_id <> p.id OR x.attempt <> v_attempt)) THEN
    v_fact := 'mismatch';
    v_key := p_key || ':foreign_reference';
    p_data := p_data - 'pspRef' - 'failure'
      || jsonb_build_object('reason', 'the PSP names a transfer that belongs to another attempt: ' || (p_data ->> 'pspRef'));
  END IF;
  -- That another transfer failed proves nothing of the one that the PSP has named for this attempt.
  IF p_fact IN ('attempt_failed', 'failed') AND v_fact = p_fact AND EXISTS (
       SELECT 1 FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = v_attempt AND x.psp_ref <> p_data ->> 'pspRef') THEN
    v_fact := 'mismatch';
    v_key := p_key || ':other_transfer';
    p_data := p_data - 'failure' || jsonb_build_object('reason', 'the PSP says failed of another transfer than it has named: ' || (p_data ->> 'pspRef'));
  END IF;
  -- Whose name a mismatch gives is not known: no look-up may go by it. An operator reads it.
  IF v_fact = 'mismatch' AND p_data ? 'pspRef' THEN p_data := p_data - 'pspRef' || jsonb_build_object('named', p_data ->> 'pspRef'); END IF;
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = p.id AND e.op_key = v_key) THEN
    RETURN fact_answer('already', close_message(p, p_fact, p_actor, p_data));
  END IF;

  IF v_is_psps THEN
    j := judge_psp_fact(p, v_fact, v_attempt, p_data);
    IF j.outcome = 'stale' THEN RETURN fact_answer('stale', p); END IF;
    IF j.outcome = 'unchanged' THEN RETURN fact_answer('unchanged', close_message(p, v_fact, p_actor, p_data)); END IF;
    IF v_attempt > p.attempt AND j.row_state IS NOT NULL THEN
      p := adopt_attempts(p, v_attempt);
      p_data := jsonb_build_object('reason', 'the books do not know this attempt') || p_data || jsonb_build_object('needsOperator', true);
    END IF;
    IF j.outcome = 'applied' OR j.row_state IS NOT NULL THEN PERFORM record_attempt(p, v_attempt, j, p_data); END IF;
    IF j.outcome = 'ignored' THEN RETURN fact_answer('ignored', ignore_fact(p, v_key, v_fact, p_actor, p_data, j)); END IF;
  ELSE
    -- Refused before: that answer stands for the request, whatever has come in since.
    SELECT r.code INTO v_refusal FROM payout_refusals r WHERE p_fact = 'reinitiated' AND r.payout_id = p_data ->> 'requestId';
    IF v_refusal IS NOT NULL THEN RETURN fact_answer(v_refusal, p); END IF;
    j := judge_our_fact(p, p_fact, v_attempt, p_data);
    IF j.outcome <> 'applied' THEN RETURN refuse_round(p, p_fact, p_data, j.outcome); END IF;
    IF p_fact = 'reinitiated' AND p.kind = 'user' AND EXISTS (SELECT 1 FROM users x WHERE x.id = p.owner_id AND x.frozen) THEN
      RETURN refuse_round(p, p_fact, p_data, 'user_frozen');
    END IF;
    IF p_fact = 'attempt_started' THEN
      LOCK TABLE pauses IN ROW SHARE MODE; -- a pause that is being begun waits for this attempt, or this attempt sees it
      v_pause := payout_pause(p);
      IF v_pause IS NOT NULL THEN RETURN fact_answer('paused', wait_for_pause(p, v_pause, v_key, p_actor)); END IF;
    END IF;
    -- The timeline says of which attempts, though the evidence may not have.
    IF p_fact IN ('resolved_paid', 'resolved_not_paid') THEN
      p_data := p_data || jsonb_build_object('attempts', resolved_attempts(p_fact, unproven_attempts(p), p_data));
    END IF;
    IF p_fact = 'routed' THEN p_data := p_data || jsonb_build_object('from', p.psp); END IF;
    PERFORM record_our_fact(p, p_fact, v_attempt, p_data);
  END IF;

  SELECT * INTO STRICT v_edge FROM payout_edges x WHERE x.from_state = p.state AND x.fact = j.edge_fact;
  CASE v_edge.effect
    WHEN 'settle' THEN PERFORM settle_payout(p, false);
    WHEN 'settle_late' THEN
      v_owed := settle_payout(p, true);
      IF v_owed > 0 THEN p_data := p_data || jsonb_build_object('debtMinor', v_owed::text, 'currency', p.currency); END IF;
    WHEN 'release' THEN PERFORM release_payout(p);
    WHEN 'reverse' THEN PERFORM reverse_payout(p);
    WHEN 'reserve' THEN
      IF NOT reserve_again(p) THEN RETURN refuse_round(p, p_fact, p_data, 'insufficient_balance'); END IF;
    ELSE NULL;
  END CASE;
  IF v_edge.effect IN ('settle', 'settle_late') THEN -- of the attempt that was paid, whichever's end settles it
    PERFORM book_psp_fee(p, (SELECT x.psp_fee FROM payout_attempts x WHERE x.payout_id = p.id AND x.attempt = paid_attempt(p)));
  END IF;
  IF j.edge_fact IN ('paid', 'cancelled', 'rejected', 'routed') THEN PERFORM close_refused(p); END IF;
  IF v_fact IN ('approved', 'rejected') THEN
    INSERT INTO approvals (subject_kind, subject_id, round, admin_id, decision, note, via)
    VALUES ('payout', p.id, p.round, p_data ->> 'adminId', v_fact, coalesce(p_data ->> 'note', p_data ->> 'reason'), coalesce(p_data ->> 'via', 'api'));
  END IF;

  IF j.edge_fact = 'paid' AND v_fact <> 'paid' THEN p_data := p_data - 'failure'; END IF; -- of the attempt that failed
  p := advance_payout(p, v_edge, CASE WHEN v_is_psps THEN j.edge_fact ELSE p_fact END, v_attempt, p_data);
  PERFORM announce_payout(p, v_edge.event_type, v_key, p_actor, v_edge.from_state, p_data - 'outcomeUntil' - 'implied');
  RETURN fact_answer('applied', close_message(p, v_fact, p_actor, p_data));
END $$;
REVOKE EXECUTE ON FUNCTION apply_fact(text, text, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION apply_fact(text, text, text, text, jsonb) TO oncepay_app;

-- refuse_round: the answer to a person's, a clock's or the engine's fact that has no place; to a request for another round for good.
CREATE OR REPLACE FUNCTION refuse_round(p payouts, p_fact text, p_data jsonb, p_outcome text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF p_fact = 'reinitiated' AND p_data ->> 'requestId' IS NOT NULL THEN
    INSERT INTO payout_refusals (payout_id, merchant_id, mode, code) VALUES (p_data ->> 'requestId', p.merchant_id, p.mode, p_outcome)
    ON CONFLICT (payout_id) DO NOTHING;
  END IF;
  RETURN fact_answer(p_outcome, p);
END $$;

-- ignore_fact: a PSP's word that has no place here, written into the timeline; where it contradicts the books, an operator is asked.
CREATE OR REPLACE FUNCTION ignore_fact(p payouts, p_key text, p_fact text, p_actor text, p_data jsonb, j judgement)
RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
BEGIN
  UPDATE payouts x SET sequence = x.sequence + 1, updated_at = moment(), needs_operator = x.needs_operator OR j.needs_operator
   WHERE x.id = p.id RETURNING * INTO STRICT v;
  PERFORM announce_payout(v, 'payout.fact_ignored', p_key, p_actor, v.state, (p_data - 'outcomeUntil' - 'implied') || jsonb_build_object('fact', p_fact));
  PERFORM mark_message(p_data, 'ignored', p_fact || ' has no place in state ' || v.state);
  RETURN v;
END $$;

CREATE OR REPLACE FUNCTION fact_answer(p_outcome text, p payouts) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('outcome', p_outcome, 'payout', payout_record(p));
END $$;
