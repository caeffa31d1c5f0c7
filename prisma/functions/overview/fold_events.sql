-- The figures of the overview are kept, not counted: what events say is folded into totals, each event once. Which events that were
-- is one row (folded_events), which moves on in the transaction of the totals.

-- moves_between(after, up to): of the events between two places those that begin something or move it to another state, with what
-- the totals need of each. A flow that is to have figures has its subjects' kind here, and which of its states are final.
--   outcome  created, or the final state it came to; null: it is still under way
--   took     how long it was from its beginning to SUCCEEDED, as a step of took_step
--   word     what became of a request at the PSP: asked, refused, unknown, paid, failed
CREATE OR REPLACE FUNCTION moves_between(p_epoch int, p_xid xid8, p_position bigint, p_to_epoch int, p_to_xid xid8, p_to_position bigint)
RETURNS TABLE (merchant_id text, mode text, flow text, currency text, from_state text, to_state text, amount numeric, at timestamptz,
               outcome text, took int, psp text, word text) LANGUAGE sql STABLE AS $$
  SELECT m.object ->> 'merchantId', m.mode,
         CASE WHEN m.subject_kind = 'payout' AND m.object ->> 'kind' <> 'merchant' THEN (m.object ->> 'kind') || '-' ELSE '' END || m.subject_kind || 's',
         m.object ->> 'currency', m.from_state, m.to_state, coalesce((m.object ->> 'amountMinor')::numeric, 0), m.at,
         CASE WHEN m.is_new THEN 'created'
              WHEN CASE m.subject_kind WHEN 'payout' THEN state_final(m.to_state) WHEN 'game' THEN game_final(m.to_state) WHEN 'resolution' THEN resolution_final(m.to_state)
                WHEN 'market' THEN m.to_state IN ('RESOLVED', 'VOID') END THEN m.to_state END,
         CASE WHEN m.to_state = 'SUCCEEDED' AND NOT m.is_new THEN took_step(m.at - (m.object ->> 'createdAt')::timestamptz) ELSE 0 END,
         m.object ->> 'psp',
         CASE WHEN m.object ->> 'psp' IS NULL THEN NULL
              WHEN m.to_state = 'SUBMITTING' THEN 'asked'
              WHEN m.to_state = 'UNKNOWN' THEN 'unknown'
              WHEN m.to_state = 'SUCCEEDED' THEN 'paid'
              WHEN m.from_state = 'SUBMITTING' AND m.to_state = 'QUEUED' THEN 'refused'
              WHEN state_in_flight(m.from_state) AND m.to_state IN ('FAILED', 'RETRY_WAIT') THEN 'failed' END
    FROM (SELECT e.subject_kind, e.object, e.mode, e.to_state, e.at, e.sequence = 1 AS is_new, CASE WHEN e.sequence > 1 THEN e.from_state END AS from_state
            FROM events e
           WHERE (e.epoch, e.xid, e.position) > (p_epoch, p_xid, p_position) AND (e.epoch, e.xid, e.position) <= (p_to_epoch, p_to_xid, p_to_position)
             AND e.subject_kind IN ('payout', 'game', 'market', 'resolution') AND (e.sequence = 1 OR e.from_state <> e.to_state)) m
$$;

-- took_step(how long): steps of a tenth, from a millisecond on: near enough for a median, few enough to keep. The same as in
-- src/overview/rules/figures.ts; a test compares the two.
CREATE OR REPLACE FUNCTION took_step(p_took interval) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(ln(greatest(extract(epoch FROM p_took) * 1000, 1)) / ln(1.1))::int
$$;

-- fold_events(most): the next events, at most so many, into the totals: of each merchant, and of all ('' for the merchant). Answers how
-- many; none: there are none that are settled (src/events/follow.ts), or somebody else is at it. All or nothing, each event once.
CREATE OR REPLACE FUNCTION fold_events(p_most int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  c folded_events;
  l record;
BEGIN
  SELECT * INTO c FROM folded_events x WHERE x.id = 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN 0; END IF;
  SELECT s.* INTO l FROM (
    SELECT e.epoch, e.xid, e.position, row_number() OVER (ORDER BY e.epoch, e.xid, e.position)::int AS nth FROM events e
     WHERE (e.epoch, e.xid, e.position) > (c.epoch, c.xid, c.position) AND (e.epoch, e.xid) < (SELECT h.epoch, h.xid FROM event_horizon h)
     ORDER BY e.epoch, e.xid, e.position LIMIT p_most) s ORDER BY s.nth DESC LIMIT 1;
  IF NOT FOUND THEN RETURN 0; END IF;

  WITH moved AS MATERIALIZED (
    SELECT * FROM moves_between(c.epoch, c.xid, c.position, l.epoch, l.xid, l.position)
  ), states AS (
    INSERT INTO state_totals AS t (merchant_id, mode, flow, currency, state, count, amount)
    SELECT o.id, m.mode, m.flow, m.currency, s.state, sum(s.n), sum(s.n * m.amount)
      FROM moved m, LATERAL (VALUES (m.from_state, -1), (m.to_state, 1)) s (state, n), LATERAL (VALUES (''), (m.merchant_id)) o (id)
     WHERE s.state IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (merchant_id, mode, flow, currency, state) DO UPDATE SET count = t.count + excluded.count, amount = t.amount + excluded.amount
  ), periods AS (
    INSERT INTO period_totals AS t (merchant_id, mode, span, began_at, flow, currency, outcome, took, count, amount)
    SELECT o.id, m.mode, p.span, date_trunc(p.span, m.at, 'UTC'), m.flow, m.currency, m.outcome, m.took, count(*), sum(m.amount)
      FROM moved m, (VALUES ('hour'), ('day')) p (span), LATERAL (VALUES (''), (m.merchant_id)) o (id)
     WHERE m.outcome IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (merchant_id, mode, span, began_at, flow, currency, outcome, took) DO UPDATE SET count = t.count + excluded.count, amount = t.amount + excluded.amount
  )
  INSERT INTO psp_totals AS t (began_at, psp, mode, word, count)
  SELECT date_trunc('hour', m.at, 'UTC'), m.psp, m.mode, m.word, count(*) FROM moved m WHERE m.word IS NOT NULL GROUP BY 1, 2, 3, 4
  ON CONFLICT (began_at, psp, mode, word) DO UPDATE SET count = t.count + excluded.count;
  UPDATE folded_events x SET epoch = l.epoch, xid = l.xid, position = l.position WHERE x.id = 1;
  RETURN l.nth;
END $$;
REVOKE EXECUTE ON FUNCTION fold_events(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_events(int) TO oncepay_app;

-- drop_old_hours(kept): hours that nobody looks at any more; what they came to stands in their days. Answers how many rows.
CREATE OR REPLACE FUNCTION drop_old_hours(p_kept interval) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_dropped int;
BEGIN
  DELETE FROM period_totals x WHERE x.span = 'hour' AND x.began_at < now() - p_kept;
  GET DIAGNOSTICS v_dropped = ROW_COUNT;
  DELETE FROM psp_totals x WHERE x.began_at < now() - p_kept;
  RETURN v_dropped;
END $$;
REVOKE EXECUTE ON FUNCTION drop_old_hours(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_old_hours(interval) TO oncepay_app;
