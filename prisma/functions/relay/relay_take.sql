-- relay_take(holder, lease, held, atmost, failing, ofone): one turn of a relay. Keeps the leases that it still has, leases receivers for which
-- something is due, and hands out what is to be sent: of each subject of a receiver the first event that is not delivered.
--   p_held    [{ id, epoch, room, busy: [subject] }]: what it holds, how many more deliveries it has room for, and of which
--             subjects it has one in its hands
--   p_atmost  how many more receivers it may lease; p_failing: of those that are failing
--   p_ofone   [most, failing]: how many of one merchant it may have, what it holds included
-- Answers { receivers: those that are its own now, deliveries, next_ms: until something else is due, or null }.
-- A receiver is leased to one relay at a time, by this database's clock. Each lease has an epoch of its own, and what was
-- begun under an earlier one does not count (relay_record). Whoever changes a receiver takes its lease away (revoke_lease).
CREATE OR REPLACE FUNCTION relay_take(p_holder text, p_lease_ms int, p_held jsonb, p_atmost int, p_failing int, p_ofone int[])
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_lease interval := p_lease_ms * interval '1 millisecond';
  v_held jsonb; -- p_held, without what is not its own any more, and with what it has leased now
  v_new text[];
  v_next timestamptz;
  v_deliveries jsonb;
BEGIN
  -- Renewed once a tenth of it is gone: each is a write.
  UPDATE receivers r SET lease_until = v_now + v_lease
    FROM (SELECT x.id FROM receivers x JOIN jsonb_to_recordset(p_held) h(id text, epoch int) ON x.id = h.id AND x.lease_epoch = h.epoch
           WHERE x.lease_holder = p_holder AND x.lease_until < v_now + v_lease * 0.9 ORDER BY x.id FOR UPDATE OF x) ours
   WHERE r.id = ours.id;

  -- Who has something due, and is nobody's, or is its own and it has not heard so. Those that are failing take part of the places
  -- only: each may hold its place for as long as a send may take. So does each merchant, whose callbackUrls may lead to a
  -- thousand servers that hang, and one merchant's come in turn with the others'.
  WITH held AS MATERIALIZED (
    SELECT r.merchant_id, r.failing_since IS NOT NULL AS is_failing, count(*) AS many
      FROM receivers r JOIN jsonb_to_recordset(p_held) h(id text, epoch int) ON h.id = r.id AND h.epoch = r.lease_epoch
     WHERE r.lease_holder = p_holder GROUP BY 1, 2
  ), free AS (
    SELECT w.*, x.is_failing, coalesce(y.many, 0) + row_number() OVER (PARTITION BY w.merchant_id, x.is_failing ORDER BY w.at) AS turn
      FROM receivers_waiting() w LEFT JOIN receivers r ON r.id = w.receiver_id
     CROSS JOIN LATERAL (SELECT r.failing_since IS NOT NULL AS is_failing) x
      LEFT JOIN held y ON y.merchant_id = w.merchant_id AND y.is_failing = x.is_failing
     WHERE w.at <= v_now AND is_free(r, p_holder, p_held, v_now)
  ), fair AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.is_failing ORDER BY f.turn, f.at) AS place
      FROM free f WHERE f.turn <= p_ofone[CASE WHEN f.is_failing THEN 2 ELSE 1 END]
  ), chosen AS (
    SELECT f.* FROM fair f WHERE NOT f.is_failing OR f.place <= p_failing ORDER BY f.is_failing, f.place LIMIT p_atmost
  ), leased AS (
    INSERT INTO receivers AS r (id, merchant_id, mode, endpoint_id, lease_holder, lease_until, lease_epoch)
    SELECT c.receiver_id, c.merchant_id, c.mode, c.endpoint_id, p_holder, v_now + v_lease, 1 FROM chosen c ORDER BY c.receiver_id
    ON CONFLICT (id) DO UPDATE SET lease_holder = excluded.lease_holder, lease_until = excluded.lease_until, lease_epoch = r.lease_epoch + 1
      WHERE is_free(r, p_holder, p_held, v_now) -- another relay may have been quicker
    RETURNING r.id
  )
  SELECT array_agg(l.id) INTO v_new FROM leased l;

  SELECT jsonb_agg(jsonb_build_object('id', r.id, 'room', coalesce(h.room, 4), 'busy', coalesce(h.busy, '{}'),
           'probe', CASE WHEN r.failing_since IS NULL THEN NULL WHEN r.probe_at > v_now THEN 'wait'
                         WHEN r.probes % 2 = 0 OR EXISTS (SELECT FROM webhook_deliveries d WHERE d.state = 'pending' AND d.receiver_id = r.id AND d.due_at = '-infinity')
                         THEN 'oldest' ELSE 'newest' END)) INTO v_held
    FROM receivers r LEFT JOIN jsonb_to_recordset(p_held) h(id text, epoch int, room int, busy text[]) ON h.id = r.id AND h.epoch = r.lease_epoch
   WHERE r.lease_holder = p_holder AND (h.id IS NOT NULL OR r.id = ANY (v_new));

  v_held := coalesce(v_held, '[]');
  PERFORM close_unwanted(v_held);
  SELECT jsonb_agg(to_jsonb(d)) INTO v_deliveries FROM deliveries_to_send(v_held, v_now) d;
  PERFORM put_off_blocked(v_held, coalesce(v_deliveries, '[]'), v_now);
  SELECT min(w.at) INTO v_next FROM receivers_waiting() w WHERE w.at > v_now;

  RETURN jsonb_build_object(
    'receivers', coalesce((
      SELECT jsonb_agg(jsonb_build_object(
               'id', r.id, 'merchantId', r.merchant_id, 'epoch', r.lease_epoch, 'isNew', r.id = ANY (coalesce(v_new, '{}')),
               'leftMs', (extract(epoch FROM r.lease_until - v_now) * 1000)::int,
               'failures', r.failures, 'failedSubject', r.failed_subject, 'failedMany', r.failed_many, 'probes', r.probes,
               'failingForMs', (extract(epoch FROM v_now - r.failing_since) * 1000)::bigint,
               'probeInMs', (extract(epoch FROM r.probe_at - v_now) * 1000)::bigint))
        FROM receivers r JOIN jsonb_to_recordset(v_held) h(id text) ON h.id = r.id), '[]'),
    'deliveries', coalesce(v_deliveries, '[]'),
    'nextMs', (extract(epoch FROM v_next - v_now) * 1000)::bigint);
END $$;
REVOKE EXECUTE ON FUNCTION relay_take(text, int, jsonb, int, int, int[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay_take(text, int, jsonb, int, int, int[]) TO oncepay_app;

-- is_free(receiver, holder, held, now): may this relay lease it?
CREATE OR REPLACE FUNCTION is_free(r receivers, p_holder text, p_held jsonb, p_now timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT r.lease_until IS NULL OR r.lease_until < p_now
      OR r.lease_holder = p_holder AND NOT EXISTS (SELECT FROM jsonb_to_recordset(p_held) h(id text, epoch int) WHERE h.id = r.id AND h.epoch = r.lease_epoch)
$$;

-- receivers_waiting(): each receiver with something to send, and from when: what is due first, or while it is failing the next
-- probe. Not those that are paused. One look into the index for each, however much waits for it.
CREATE OR REPLACE FUNCTION receivers_waiting() RETURNS TABLE (receiver_id text, merchant_id text, mode text, endpoint_id text, at timestamptz)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE each AS (
    (SELECT d.receiver_id AS id FROM webhook_deliveries d WHERE d.state = 'pending' ORDER BY d.receiver_id LIMIT 1)
    UNION ALL
    SELECT n.id FROM each x CROSS JOIN LATERAL
      (SELECT d.receiver_id AS id FROM webhook_deliveries d WHERE d.state = 'pending' AND d.receiver_id > x.id ORDER BY d.receiver_id LIMIT 1) n
  )
  SELECT x.id, d.merchant_id, d.mode, d.endpoint_id, greatest(d.due_at, r.probe_at)
    FROM each x
   CROSS JOIN LATERAL (SELECT p.* FROM webhook_deliveries p WHERE p.state = 'pending' AND p.receiver_id = x.id ORDER BY p.due_at LIMIT 1) d
    LEFT JOIN receivers r ON r.id = x.id
    LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id
   WHERE e.paused_at IS NULL OR e.disabled_at IS NOT NULL OR e.deleted_at IS NOT NULL
$$;

-- close_unwanted(held): nothing is sent to an endpoint that is switched off or gone; and what a callbackUrl's server has not
-- taken for five days, all of which it did not answer, it never will: an endpoint would be switched off by then. But for one
-- that nobody has asked for a day (src/relay/rules/health.ts): it is asked first.
-- Some at a time, so that it is no long transaction.
CREATE OR REPLACE FUNCTION close_unwanted(p_held jsonb) RETURNS void LANGUAGE sql AS $$
  WITH ended AS MATERIALIZED ( -- an endpoint's receiver has its id
    SELECT e.id, CASE WHEN e.deleted_at IS NOT NULL THEN 'endpoint_deleted' ELSE 'endpoint_disabled' END AS why, now() AS made_before
      FROM jsonb_to_recordset(p_held) h(id text) JOIN webhook_endpoints e ON e.id = h.id
     WHERE e.deleted_at IS NOT NULL OR e.disabled_at IS NOT NULL
       FOR SHARE OF e -- who switches it on waits for this: a recovery right after finds all that was closed
  ), off AS MATERIALIZED (
    SELECT * FROM ended
    UNION ALL
    SELECT r.id, 'expired', now() - interval '5 days'
      FROM jsonb_to_recordset(p_held) h(id text) JOIN receivers r ON r.id = h.id
     WHERE r.endpoint_id IS NULL AND r.failing_since < now() - interval '5 days' AND r.probe_at > now() - interval '1 day'
  ), unwanted AS (
    SELECT d.id, off.why FROM off JOIN webhook_deliveries d ON d.receiver_id = off.id AND d.state = 'pending' AND d.created_at <= off.made_before
     LIMIT 500 -- some ten milliseconds
       FOR UPDATE OF d SKIP LOCKED
  ), closed AS (
    UPDATE webhook_deliveries d SET state = CASE d.resend_from WHEN 'delivered' THEN 'delivered' ELSE 'failed' END, resend_from = NULL,
           attempts = d.attempts + 1, updated_at = now()
      FROM unwanted u WHERE d.id = u.id RETURNING d.id, d.endpoint_id, d.attempts, u.why
  )
  INSERT INTO webhook_attempts (delivery_id, endpoint_id, number, trigger, error, duration_ms) SELECT c.id, c.endpoint_id, c.attempts, 'auto', c.why, 0 FROM closed c
$$;

-- put_off_blocked(held, handed, now): what has come since its subject's first one was put off waits as long as that.
CREATE OR REPLACE FUNCTION put_off_blocked(p_held jsonb, p_handed jsonb, p_now timestamptz) RETURNS void LANGUAGE sql AS $$
  WITH idle AS (
    SELECT h.id FROM jsonb_to_recordset(p_held) h(id text, room int)
     WHERE h.room > (SELECT count(*) FROM jsonb_to_recordset(p_handed) x("receiverId" text) WHERE x."receiverId" = h.id)
  ), blocked AS (
    SELECT d.id, f.due_at
      FROM idle i
     CROSS JOIN LATERAL (SELECT x.* FROM webhook_deliveries x WHERE x.state = 'pending' AND x.receiver_id = i.id AND x.due_at <= p_now ORDER BY x.due_at LIMIT 500) d
     CROSS JOIN LATERAL (SELECT b.due_at FROM webhook_deliveries b
                          WHERE b.state = 'pending' AND b.receiver_id = i.id AND b.subject_id = d.subject_id AND b.sequence < d.sequence
                          ORDER BY b.sequence LIMIT 1) f
     WHERE f.due_at > p_now AND d.resend_from IS NULL
  )
  UPDATE webhook_deliveries d SET due_at = b.due_at FROM blocked b WHERE d.id = b.id
$$;

-- deliveries_to_send(held, now): what is due of each receiver, as much as there is room for, with all that a send needs.
-- Of a failing receiver one at most: what is due longest, or shortest, in turn. What a person has asked for (due since for ever, see resend_delivery) waits for no order.
-- The LIMIT 1 of single rows keep them look-ups: how many deliveries come, the planner cannot know.
CREATE OR REPLACE FUNCTION deliveries_to_send(p_held jsonb, p_now timestamptz)
RETURNS TABLE (id text, "receiverId" text, "subjectKind" text, "subjectId" text, sequence int, attempts int, tries int, "resendFrom" text, url text, secret text, "previousSecret" text,
               "eventId" text, type text, at timestamptz, mode text, object jsonb)
LANGUAGE sql STABLE AS $$
  SELECT d.id, d.receiver_id, d.subject_kind, d.subject_id, d.sequence, d.attempts, d.tries, d.resend_from, s.url, s.secret,
         CASE WHEN s.previous_until > p_now THEN s.previous_secret END, v.id, v.type, v.at, v.mode, v.object
    FROM jsonb_to_recordset(p_held) h(id text, room int, busy text[], probe text)
   CROSS JOIN LATERAL (
     (SELECT x.* FROM deliveries_due(h.id, h.busy, p_now) x WHERE h.probe IS NULL LIMIT h.room)
     UNION ALL
     (SELECT x.* FROM deliveries_due(h.id, h.busy, p_now) x WHERE h.probe = 'oldest' AND h.busy = '{}' LIMIT 1)
     UNION ALL
     (SELECT x.* FROM webhook_deliveries x
       WHERE h.probe = 'newest' AND h.busy = '{}' AND x.state = 'pending' AND x.receiver_id = h.id AND x.due_at <= p_now AND x.sequence = first_waiting(x)
       ORDER BY x.due_at DESC LIMIT 1)
   ) d
   CROSS JOIN LATERAL (SELECT e.* FROM events e WHERE e.id = d.event_id LIMIT 1) v
   CROSS JOIN LATERAL (
     (SELECT e.url, e.secret, e.previous_secret, e.previous_until FROM webhook_endpoints e
       WHERE e.id = d.endpoint_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND e.paused_at IS NULL)
     UNION ALL
     (SELECT d.url, coalesce(c.secret, m.webhook_secret), c.previous_secret, c.previous_until
        FROM merchants m LEFT JOIN callback_secrets c ON c.merchant_id = m.id AND c.mode = d.mode
       WHERE d.endpoint_id IS NULL AND m.id = d.merchant_id)
     LIMIT 1) s
$$;

-- deliveries_due(receiver, busy, now): those that may go now: of each subject the first that waits. First what has waited longest.
CREATE OR REPLACE FUNCTION deliveries_due(p_receiver text, p_busy text[], p_now timestamptz) RETURNS SETOF webhook_deliveries LANGUAGE sql STABLE AS $$
  SELECT d.* FROM webhook_deliveries d
   WHERE d.state = 'pending' AND d.receiver_id = p_receiver AND d.due_at <= p_now AND NOT d.subject_id = ANY (p_busy)
     AND (d.resend_from IS NOT NULL
          OR d.sequence = first_waiting(d))
   ORDER BY d.due_at
$$;

-- first_waiting(delivery): the number of the first event of its subject that waits for its receiver.
CREATE OR REPLACE FUNCTION first_waiting(d webhook_deliveries) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT b.sequence FROM webhook_deliveries b
   WHERE b.state = 'pending' AND b.receiver_id = d.receiver_id AND b.subject_id = d.subject_id ORDER BY b.sequence LIMIT 1
$$;
