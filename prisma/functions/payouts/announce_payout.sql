-- announce_payout(payout, …): its next event (announce.sql), seen by its merchant and by its owner, who may be the same, and
-- of a provider's payout a notification for each person it concerns.
CREATE OR REPLACE FUNCTION announce_payout(p payouts, p_type text, p_key text, p_actor text, p_from text, p_data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_is_sent boolean := p_type NOT IN ('payout.fact_ignored', 'payout.acknowledged', 'payout.parked', 'payout.debt_repaid');
  v_audience owner_ref[] := ARRAY[('merchant', p.merchant_id), (p.owner_kind, p.owner_id)];
  v_event text := announce('payout', p.id, v_audience, p.mode, p.sequence, p_type, p_key, p_actor, p_from, p.state, p_data, payout_record(p),
                           p.callback_url, v_is_sent);
BEGIN
  IF v_is_sent AND p.kind = 'provider' THEN PERFORM notify_event(p, v_event, p_type, p_data); END IF;
END $$;
