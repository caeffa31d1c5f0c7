-- announce(payout, …): writes the payout's next event, a delivery for each receiver that wants it and a notification for
-- each person it concerns, in the caller's transaction: the event exists if and only if the change does. The payout's row
-- must be locked, and its `sequence` already counted up. Ids are derived from the payout's id and the sequence, so that
-- they are the same for ever.
CREATE OR REPLACE FUNCTION announce(p payouts, p_type text, p_key text, p_actor text, p_from text, p_data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_event text := 'evt_' || substr(p.id, 4) || '_' || lpad(p.sequence::text, greatest(4, length(p.sequence::text)), '0'); -- lpad alone cuts 10000 to 1000
BEGIN
  INSERT INTO events (id, payout_id, merchant_id, mode, sequence, type, op_key, actor, from_state, to_state, data, object)
  VALUES (v_event, p.id, p.merchant_id, p.mode, p.sequence, p_type, p_key, p_actor, p_from, p.state, p_data, payout_record(p));

  IF p_type IN ('payout.fact_ignored', 'payout.acknowledged', 'payout.parked', 'payout.debt_repaid') THEN RETURN; END IF; -- for the timeline only

  INSERT INTO webhook_deliveries (id, event_id, payout_id, endpoint_id, url)
  SELECT 'whd_' || substr(v_event, 5) || '_' || substr(e.id, 4), v_event, p.id, e.id, e.url
    FROM webhook_endpoints e
   WHERE e.merchant_id = p.merchant_id AND e.mode = p.mode AND e.disabled_at IS NULL AND e.deleted_at IS NULL
     AND EXISTS (SELECT 1 FROM unnest(e.event_types) t WHERE t = p_type OR right(t, 1) = '*' AND starts_with(p_type, left(t, -1)));
  IF p.callback_url IS NOT NULL THEN
    INSERT INTO webhook_deliveries (id, event_id, payout_id, url)
    VALUES ('whd_' || substr(v_event, 5) || '_callback', v_event, p.id, p.callback_url);
  END IF;
  IF p.kind = 'provider' THEN PERFORM notify_event(p, v_event, p_type, p_data); END IF;
END $$;

-- has_pending_delivery(payout): is there a webhook or a notification to send? The workflow asks with every step, so that
-- none is forgotten.
CREATE OR REPLACE FUNCTION has_pending_delivery(p_payout text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.payout_id = p_payout AND d.state = 'pending')
      OR EXISTS (SELECT 1 FROM notifications n WHERE n.payout_id = p_payout AND n.state = 'pending')
$$;
