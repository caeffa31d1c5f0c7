-- What an endpoint has missed, sent again: src/webhooks/useCases/recover.ts asks recover_from once, then recover_step until it
-- is through. Places are as src/events/place.ts has them.

-- recover_from(since): a place in the order of events with nothing before it that happened since then. That order has no
-- index by time, but times rise with it: the events of an epoch are halved until what is left is one transaction.
CREATE OR REPLACE FUNCTION recover_from(p_since timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- An event has the time at which its transaction began, and its number is younger by up to the longest transaction (ten seconds, src/db/pool.ts).
  v_sought timestamptz := p_since - interval '1 minute';
  v_epoch int;
  v_at timestamptz;
  v_low numeric; -- from here on the first event is too old
  v_high numeric; -- from here on it is not, or there is none
  v_middle numeric;
BEGIN
  FOR v_epoch IN SELECT x.epoch FROM epochs x ORDER BY x.epoch DESC LOOP
    SELECT e.xid::text::numeric, e.at INTO v_low, v_at FROM events e WHERE e.epoch = v_epoch ORDER BY e.xid, e.position LIMIT 1;
    CONTINUE WHEN NOT FOUND OR v_at >= v_sought;
    SELECT e.xid::text::numeric + 1 INTO v_high FROM events e WHERE e.epoch = v_epoch ORDER BY e.xid DESC, e.position DESC LIMIT 1;
    WHILE v_high - v_low > 1 LOOP
      v_middle := div(v_low + v_high, 2);
      SELECT e.at INTO v_at FROM events e WHERE e.epoch = v_epoch AND e.xid >= v_middle::text::xid8 ORDER BY e.xid, e.position LIMIT 1;
      IF FOUND AND v_at < v_sought THEN v_low := v_middle; ELSE v_high := v_middle; END IF;
    END LOOP;
    RETURN concat_ws('-', v_epoch, v_low, 0);
  END LOOP;
  RETURN '0-0-0';
END $$;
GRANT EXECUTE ON FUNCTION recover_from(timestamptz) TO oncepay_app;

-- recover_step(endpoint, types, since, until, after, before): of the next events that its merchant hears (of these types, from
-- since to until, in places after the one and before the other), those that were given up go out again, and so do those that
-- it wants and was never given: it was switched off, or younger. What is delivered or waits stays as it is. Tries begin anew.
-- Answers { deliveries: how many, after: the place to go on from, or null: it is through }. Again: what waits is not counted twice.
-- Deliveries are locked in the order of their ids, as relay_record does, and only then are new ones made.
-- Rows are looked up one by one: how few of them there are, the planner cannot know.
CREATE OR REPLACE FUNCTION recover_step(p_endpoint text, p_types text[], p_since timestamptz, p_until timestamptz, p_after text, p_before text)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_endpoint webhook_endpoints;
  v_epoch int := split_part(p_after, '-', 1);
  v_xid xid8 := split_part(p_after, '-', 2);
  v_position bigint := split_part(p_after, '-', 3);
  v_end_epoch int := split_part(p_before, '-', 1);
  v_end_xid xid8 := split_part(p_before, '-', 2);
  v_last text;
  v_events text[];
  v_failed text[];
  v_made int;
BEGIN
  SELECT e.* INTO v_endpoint FROM webhook_endpoints e WHERE e.id = p_endpoint AND e.disabled_at IS NULL AND e.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN jsonb_build_object('deliveries', 0, 'after', NULL); END IF; -- switched off meanwhile

  WITH heard AS MATERIALIZED (
    SELECT n.xid, n.position FROM unnest(p_types) t CROSS JOIN LATERAL ( -- those of each type lie in order in the index
      SELECT s.xid, s.position FROM event_seen_by s
       WHERE s.owner_kind = 'merchant' AND s.owner_id = v_endpoint.merchant_id AND s.mode = v_endpoint.mode AND s.type = t AND s.epoch = v_epoch
         AND (s.xid, s.position) > (v_xid, v_position)
       ORDER BY s.xid, s.position LIMIT 250) n
     ORDER BY n.xid, n.position LIMIT 250 -- with a write for each some ten milliseconds
  ), subjects AS MATERIALIZED (
    SELECT e.subject_id, max(e.sequence) AS sequence
      FROM heard h CROSS JOIN LATERAL (SELECT x.* FROM events x WHERE x.epoch = v_epoch AND x.xid = h.xid AND x.position = h.position LIMIT 1) e
     GROUP BY e.subject_id
  )
  SELECT (SELECT concat_ws('-', v_epoch, h.xid, h.position) FROM heard h ORDER BY h.xid DESC, h.position DESC LIMIT 1), array_agg(e.id)
    INTO v_last, v_events
    -- A subject's earlier events go with it, though their places be later (see follow.ts): sent in a later step, they would come too late.
    FROM subjects x CROSS JOIN LATERAL (SELECT y.* FROM events y WHERE y.subject_id = x.subject_id AND y.sequence <= x.sequence OFFSET 0) e
   CROSS JOIN LATERAL (
     SELECT FROM event_seen_by s
      WHERE s.owner_kind = 'merchant' AND s.owner_id = v_endpoint.merchant_id AND s.mode = v_endpoint.mode
        AND s.type = e.type AND s.epoch = e.epoch AND s.xid = e.xid AND s.position = e.position LIMIT 1) seen
   WHERE (e.epoch, e.xid, e.position) > (v_epoch, v_xid, v_position) AND (e.epoch, e.xid) < (v_end_epoch, v_end_xid)
     AND e.at BETWEEN p_since AND p_until AND e.type = ANY (p_types);
  IF v_last IS NULL THEN -- on to the epoch after it
    SELECT concat_ws('-', min(x.epoch), 0, 0) INTO v_last FROM epochs x WHERE x.epoch > v_epoch AND x.epoch <= v_end_epoch HAVING min(x.epoch) IS NOT NULL;
    RETURN jsonb_build_object('deliveries', 0, 'after', v_last);
  END IF;

  SELECT array_agg(f.id) INTO v_failed FROM (
    SELECT d.id FROM webhook_deliveries d
     WHERE d.id = ANY (ARRAY(SELECT delivery_to(v, p_endpoint) FROM unnest(v_events) v)) AND coalesce(d.resend_from, d.state) = 'failed'
     ORDER BY d.id FOR UPDATE) f;
  UPDATE webhook_deliveries d
     SET state = 'pending', tries = 0, updated_at = now(), due_at = CASE WHEN d.resend_from IS NULL THEN now() ELSE d.due_at END,
         resend_from = CASE WHEN d.resend_from IS NOT NULL THEN 'pending' END -- the try that a person has asked for is made first
   WHERE d.id = ANY (v_failed);

  INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url)
  SELECT delivery_to(e.id, p_endpoint), e.id, e.subject_kind, e.subject_id, e.sequence, v_endpoint.merchant_id, v_endpoint.mode, p_endpoint, p_endpoint, v_endpoint.url
    FROM events e WHERE e.id = ANY (v_events) AND wants_event(v_endpoint.event_types, e.type)
   ORDER BY 1
  ON CONFLICT (id) DO NOTHING; -- it has one: announced, or made by a resend or another recovery
  GET DIAGNOSTICS v_made = ROW_COUNT;

  RETURN jsonb_build_object('deliveries', coalesce(cardinality(v_failed), 0) + v_made,
                            -- What is after the end is left alone; the rest of a step that has come there had nothing in it.
                            'after', CASE WHEN (v_epoch, split_part(v_last, '-', 2)::xid8) < (v_end_epoch, v_end_xid) THEN v_last END);
END $$;
REVOKE EXECUTE ON FUNCTION recover_step(text, text[], timestamptz, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recover_step(text, text[], timestamptz, timestamptz, text, text) TO oncepay_app;

-- delivery_to(event, endpoint): the id of that delivery, as announce names it.
CREATE OR REPLACE FUNCTION delivery_to(p_event text, p_endpoint text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'whd_' || substr(p_event, 5) || '_' || substr(p_endpoint, 4)
$$;
