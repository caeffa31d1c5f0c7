-- announce(subject, …): writes a subject's next event, who may see it, and a delivery for each receiver that wants it, in the
-- caller's transaction: the event exists if and only if the change does. The subject's row must be locked, and its `sequence`
-- already counted up. Ids are derived from the subject's id and the sequence, so that they are the same for ever.
--   p_audience   who may see and hear it: first whose subject it is, then any others, whoever is named twice once. Operators see everything
--   p_callback   the subject's own receiver, or null
--   p_is_sent    false: for the timeline only
-- Returns the event's id.
CREATE OR REPLACE FUNCTION announce(p_kind text, p_subject text, p_audience owner_ref[], p_mode text, p_sequence int, p_type text, p_key text, p_actor text,
                                    p_from text, p_to text, p_data jsonb, p_object jsonb, p_callback text, p_is_sent boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_name text := substr(p_subject, strpos(p_subject, '_') + 1) || '_' || lpad(p_sequence::text, greatest(4, length(p_sequence::text)), '0'); -- lpad alone cuts 10000 to 1000
  v_event text := 'evt_' || v_name;
BEGIN
  WITH told AS (
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, from_state, to_state, data, object, epoch)
    VALUES (v_event, p_kind, p_subject, (p_audience[1]).kind, (p_audience[1]).id, p_mode, p_sequence, p_type, p_key, p_actor, p_from, p_to, p_data, p_object,
            (SELECT max(x.epoch) FROM epochs x))
    RETURNING epoch, xid, position)
  INSERT INTO event_audience (owner_kind, owner_id, mode, type, epoch, xid, position)
  SELECT DISTINCT o.kind, o.id, p_mode, p_type, t.epoch, t.xid, t.position -- the payer may be the payee
    FROM told t, unnest(p_audience) o WHERE (o.kind, o.id) <> ((p_audience[1]).kind, (p_audience[1]).id);
  IF NOT p_is_sent THEN RETURN v_event; END IF;

  INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url)
  SELECT 'whd_' || v_name || '_' || substr(e.id, 4), v_event, p_kind, p_subject, p_sequence, e.merchant_id, e.mode, e.id, e.id, e.url
    FROM webhook_endpoints e
   WHERE e.merchant_id IN (SELECT o.id FROM unnest(p_audience) o WHERE o.kind = 'merchant') AND e.mode = p_mode AND e.disabled_at IS NULL AND e.deleted_at IS NULL
     AND wants_event(e.event_types, p_type);
  IF p_callback IS NOT NULL THEN
    INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, url)
    SELECT 'whd_' || v_name || '_callback', v_event, p_kind, p_subject, p_sequence, o.id, p_mode, callback_receiver(o.id, p_mode, p_callback), p_callback
      FROM unnest(p_audience) o WHERE o.kind = 'merchant' LIMIT 1; -- the first is the one whose subject it is
  END IF;
  RETURN v_event;
END $$;
