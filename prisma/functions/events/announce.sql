-- announce_all(told[]): writes the next events of subjects, who may see them, and a delivery for each receiver that wants one, in
-- the caller's transaction: an event exists if and only if its change does. One event or many thousands at once, in the order
-- given. Each subject's row must be locked, and its `sequence` already counted up. Ids are derived from the subject's id and the
-- sequence, so that they are the same for ever.
--   audience   who may see and hear it: first whose subject it is, then any others, whoever is named twice once. Operators see everything
--   callback   the subject's own receiver, or null
--   is_sent    false: for the timeline only
-- Their time is the step's (moment()), and never before that of the event before it, should the clock have been put back since.
-- Returns the events' ids, in the order given.
CREATE OR REPLACE FUNCTION announce_all(p_told told[]) RETURNS text[] LANGUAGE plpgsql
  -- One plan for one event and for very many, made once: endpoints are found by their merchant, however few there were at first.
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_events text[];
  v_calls_back boolean;
  v_at timestamptz := moment();
BEGIN
  -- The numbers are drawn here, where the order is: a row's own would have to be looked for again.
  WITH told AS MATERIALIZED (
    SELECT t.*, 'evt_' || event_name(t.subject_id, t.sequence) AS id,
           greatest(v_at, (SELECT e.at FROM events e WHERE e.subject_id = t.subject_id AND e.sequence < t.sequence ORDER BY e.sequence DESC LIMIT 1)) AS at,
           (SELECT max(x.epoch) FROM epochs x) AS epoch, pg_current_xact_id() AS xid, nextval('events_position_seq') AS position
      FROM unnest(p_told) t),
  written AS (
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, from_state, to_state, data, object,
                        at, epoch, xid, position)
    SELECT t.id, t.subject_kind, t.subject_id, (t.audience[1]).kind, (t.audience[1]).id, t.mode, t.sequence, t.type, t.op_key, t.actor,
           t.from_state, t.to_state, t.data, t.object, t.at, t.epoch, t.xid, t.position
      FROM told t),
  others AS (
    INSERT INTO event_audience (owner_kind, owner_id, mode, type, epoch, xid, position)
    SELECT o.kind, o.id, t.mode, t.type, t.epoch, t.xid, t.position
      FROM told t CROSS JOIN LATERAL unnest(t.audience) WITH ORDINALITY o (kind, id, nth)
     WHERE o.nth > 1 AND o.nth = array_position(t.audience, (o.kind, o.id)::owner_ref)), -- the payer may be the payee
  delivered AS (
    INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url)
    SELECT 'whd_' || substr(t.id, 5) || '_' || substr(e.id, 4), t.id, t.subject_kind, t.subject_id, t.sequence, e.merchant_id, e.mode, e.id, e.id, e.url
      FROM told t CROSS JOIN LATERAL unnest(t.audience) WITH ORDINALITY o (kind, id, nth)
      JOIN webhook_endpoints e ON e.merchant_id = o.id AND e.mode = t.mode
     WHERE t.is_sent AND o.kind = 'merchant' AND o.nth = array_position(t.audience, (o.kind, o.id)::owner_ref)
       AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND wants_event(e.event_types, t.type))
  SELECT array_agg(t.id), bool_or(t.is_sent AND t.callback IS NOT NULL) INTO v_events, v_calls_back FROM told t;

  IF v_calls_back THEN -- few have one, and the others are not to pay for its plan
    INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, url)
    SELECT 'whd_' || n.name || '_callback', 'evt_' || n.name, t.subject_kind, t.subject_id, t.sequence, o.id, t.mode,
           callback_receiver(o.id, t.mode, t.callback), t.callback
      FROM unnest(p_told) t CROSS JOIN LATERAL event_name(t.subject_id, t.sequence) n (name)
     CROSS JOIN LATERAL ( -- the first is the one whose subject it is
       SELECT a.id FROM unnest(t.audience) WITH ORDINALITY a (kind, id, nth) WHERE a.kind = 'merchant' ORDER BY a.nth LIMIT 1) o
     WHERE t.is_sent AND t.callback IS NOT NULL;
  END IF;
  RETURN v_events;
END $$;

-- announce(subject, …): the same of one event. Returns its id.
CREATE OR REPLACE FUNCTION announce(p_kind text, p_subject text, p_audience owner_ref[], p_mode text, p_sequence int, p_type text, p_key text, p_actor text,
                                    p_from text, p_to text, p_data jsonb, p_object jsonb, p_callback text, p_is_sent boolean)
RETURNS text LANGUAGE sql AS $$
  SELECT (announce_all(ARRAY[(p_kind, p_subject, p_audience, p_mode, p_sequence, p_type, p_key, p_actor, p_from, p_to, p_data, p_object,
                              p_callback, p_is_sent)::told]))[1]
$$;

-- event_name(subject, sequence): what the ids of an event and of its deliveries have in common.
CREATE OR REPLACE FUNCTION event_name(p_subject text, p_sequence int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT substr(p_subject, strpos(p_subject, '_') + 1) || '_' || lpad(p_sequence::text, greatest(4, length(p_sequence::text)), '0') -- lpad alone cuts 10000 to 1000
$$;
