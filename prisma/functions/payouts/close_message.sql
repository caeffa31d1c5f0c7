-- close_message(payout, fact, …): the PSP's message that made us look is done with. `fact` is what the look-up said.
-- A message that claimed something else is stale, contradictory or forged: it is recorded as ignored, in the timeline too.
-- But it may be the look-up that is behind: what speaks of money, or of life where the look-up says dead, is asked about again
-- later (hand_on_at stays).
-- Key: ignored:<message>. Answers the payout, whose sequence may have counted up. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION close_message(p payouts, p_fact text, p_actor text, p_data jsonb) RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts := p;
  v_key text := 'ignored:' || (p_data ->> 'messageId');
BEGIN
  IF NOT p_data ? 'messageId' THEN RETURN p; END IF;
  IF claim_agrees(p_data ->> 'claim', p_fact) THEN
    PERFORM mark_message(p_data, 'applied', NULL);
    RETURN p;
  END IF;
  UPDATE psp_messages m SET state = 'ignored', handled_at = moment(),
         detail = 'claimed ' || coalesce(p_data ->> 'claim', 'nothing we know') || ', but the look-up says ' || p_fact,
         -- A payment that was returned since was paid: that is no contradiction, unless we heard of it after the return.
         hand_on_at = CASE WHEN (m.claim IN ('paid', 'failed', 'returned') OR claim_agrees('failed', p_fact)) AND NOT (m.claim = 'paid' AND p_fact = 'returned' AND m.received_at <
                             (SELECT max(e.at) FROM events e WHERE e.subject_id = p.id AND e.type = 'payout.returned')) THEN m.hand_on_at END
   WHERE m.id = p_data ->> 'messageId' AND m.state = 'received';
  IF NOT EXISTS (SELECT 1 FROM events e WHERE e.subject_id = p.id AND e.op_key = v_key) THEN
    UPDATE payouts x SET sequence = x.sequence + 1 WHERE x.id = p.id RETURNING * INTO v;
    PERFORM announce_payout(v, 'payout.fact_ignored', v_key, p_actor, v.state, p_data || jsonb_build_object('fact', p_data ->> 'claim', 'lookUp', p_fact));
  END IF;
  RETURN v;
END $$;

CREATE OR REPLACE FUNCTION mark_message(p_data jsonb, p_state text, p_detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_data ? 'messageId' THEN
    UPDATE psp_messages m SET state = p_state, detail = p_detail, handled_at = moment(), hand_on_at = NULL
     WHERE m.id = p_data ->> 'messageId' AND m.state = 'received';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION claim_agrees(p_claim text, p_fact text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(p_fact = ANY (CASE p_claim
    WHEN 'paid' THEN ARRAY['paid']
    WHEN 'failed' THEN ARRAY['failed', 'attempt_failed']
    WHEN 'returned' THEN ARRAY['returned']
    WHEN 'queued' THEN ARRAY['psp_queued']
    WHEN 'held' THEN ARRAY['psp_held']
    WHEN 'processing' THEN ARRAY['psp_processing']
  END), false)
$$;
