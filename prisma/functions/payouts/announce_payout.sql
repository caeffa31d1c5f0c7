-- announce_payout(payout, …): its next event (announce.sql), seen by its merchant and by its owner, who may be the same, and
-- of a provider's payout a notification for each person it concerns. The event keeps the payout's record and, under `beside`, what
-- lies beside it: whoever looks back sees what there was to see (RecordedPayout in src/payouts/rules/recorded.ts).
CREATE OR REPLACE FUNCTION announce_payout(p payouts, p_type text, p_key text, p_actor text, p_from text, p_data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_is_sent boolean := p_type NOT IN ('payout.fact_ignored', 'payout.acknowledged', 'payout.parked', 'payout.paused', 'payout.look_up_asked', 'payout.routed', 'payout.debt_repaid');
  v_audience owner_ref[] := ARRAY[('merchant', p.merchant_id), (p.owner_kind, p.owner_id)];
  v_event text := announce('payout', p.id, v_audience, p.mode, p.sequence, p_type, p_key, p_actor, p_from, p.state, p_data, payout_record(p) || jsonb_build_object('beside', payout_beside(p)),
                           p.callback_url, v_is_sent);
BEGIN
  IF v_is_sent AND p.kind = 'provider' THEN PERFORM notify_event(p, v_event, p_type, p_data); END IF;
END $$;

-- payout_beside(payout): its attempts as they are now, what its owner owes for it, and who made it.
CREATE OR REPLACE FUNCTION payout_beside(p payouts) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_attempts jsonb := '[]';
BEGIN
  IF p.attempt > 0 THEN
    SELECT coalesce(jsonb_agg(jsonb_build_object('attempt', a.attempt, 'psp', a.psp, 'state', a.state, 'proof', a.proof, 'pspRef', a.psp_ref, 'pspFeeMinor', a.psp_fee::text,
             'sends', a.sends, 'startedAt', iso_time(a.started_at), 'sentAt', iso_time(a.sent_at), 'endedAt', iso_time(a.ended_at), 'failure', a.failure)
             ORDER BY a.attempt), '[]')
      INTO v_attempts FROM payout_attempts a WHERE a.payout_id = p.id;
  END IF;
  RETURN jsonb_build_object('attempts', v_attempts, 'debtMinor', p.debt::text, 'makerId', p.maker_id);
END $$;
