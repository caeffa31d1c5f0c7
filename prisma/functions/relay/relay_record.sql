-- relay_record(holder, tries, receivers): what came of each try, and how each receiver is now. Only of receivers that are still
-- this relay's under the epoch in which it began: a relay that was taken for dead may have sent, and moves nothing.
--   p_tries      [{ receiver, epoch, id, attempts, trigger, state, spends, waitMs, statusCode, error, durationMs, response, gone }]
--                state: what the delivery becomes; waitMs: until it is due again, null: as before; spends: it was a try of its
--                schedule; gone: the receiver wants nothing more, ever
--                attempts: how many the delivery had when it was taken: one that has more was written down before, and the answer was lost
--   p_receivers  [{ id, epoch, failures, failedSubject, failedMany, probes, failingForMs, probeInMs, disable, release }]
--                disable: why its endpoint is switched off; release: the lease goes
-- Answers [{ id, state }]: the deliveries as they are then.
CREATE OR REPLACE FUNCTION relay_record(p_holder text, p_tries jsonb, p_receivers jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_ours text[]; -- 'id epoch' of each
  v_states jsonb;
  v_off webhook_endpoints;
BEGIN
  SELECT array_agg(concat_ws(' ', x.id, x.lease_epoch)) INTO v_ours FROM (
    SELECT r.id, r.lease_epoch FROM receivers r
     WHERE r.lease_holder = p_holder
       AND r.id IN (SELECT t.receiver FROM jsonb_to_recordset(p_tries) t(receiver text) UNION SELECT y.id FROM jsonb_to_recordset(p_receivers) y(id text))
     ORDER BY r.id FOR UPDATE) x;

  WITH tried AS (
    SELECT t.* FROM jsonb_to_recordset(p_tries) t(receiver text, epoch int, id text, attempts int, trigger text, state text, spends boolean, "waitMs" bigint,
                                                  "statusCode" int, error text, "durationMs" int, response text, gone boolean)
     WHERE concat_ws(' ', t.receiver, t.epoch) = ANY (v_ours)
  ), locked AS (
    SELECT d.id, d.state, d.resend_from FROM webhook_deliveries d JOIN tried t ON t.id = d.id
     WHERE d.attempts = t.attempts OR t.state = 'delivered' AND d.state <> 'delivered' ORDER BY d.id FOR UPDATE OF d
  ), changed AS (
    UPDATE webhook_deliveries d
       SET attempts = d.attempts + 1, tries = d.tries + t.spends::int, updated_at = v_now,
           due_at = CASE WHEN l.resend_from IS NOT NULL AND t.trigger <> 'resend' THEN d.due_at
                         ELSE coalesce(v_now + t."waitMs" * interval '1 millisecond', d.due_at) END,
           -- Delivered stays delivered. A try that a person asked for and that came to nothing leaves it as it was; one that they
           -- asked for while another was in the air is still to be made, and what that other one came to is what it is then.
           state = CASE WHEN t.state = 'delivered' THEN t.state
                        WHEN t.trigger = 'resend' THEN coalesce(l.resend_from, l.state)
                        WHEN l.state = 'pending' AND l.resend_from IS NULL THEN t.state ELSE l.state END,
           resend_from = CASE WHEN t.trigger = 'resend' OR t.state = 'delivered' THEN NULL
                              WHEN l.resend_from = 'pending' THEN t.state ELSE l.resend_from END
      FROM tried t JOIN locked l ON l.id = t.id WHERE d.id = t.id
    RETURNING d.id, d.receiver_id, d.endpoint_id, d.subject_id, d.sequence, d.attempts, d.state, d.due_at, t.trigger, t."statusCode", t.error, t."durationMs", t.response,
              coalesce(l.resend_from, l.state) = 'pending' AS was_waited_for
  ), attempt AS (
    INSERT INTO webhook_attempts (delivery_id, endpoint_id, number, trigger, status_code, error, duration_ms, response)
    SELECT c.id, c.endpoint_id, c.attempts, c.trigger, c."statusCode", c.error, c."durationMs", c.response FROM changed c
  ), gone AS (
    UPDATE webhook_endpoints e SET disabled_at = v_now, disabled_reason = 'the receiver answered 410 Gone'
      FROM tried t WHERE t.gone AND e.id = t.receiver AND e.disabled_at IS NULL
  ), followers AS ( -- a subject's later events wait for as long as the first, and no longer
    UPDATE webhook_deliveries d SET due_at = CASE c.state WHEN 'pending' THEN c.due_at ELSE v_now END
      FROM changed c
     WHERE c.was_waited_for AND d.state = 'pending' AND d.receiver_id = c.receiver_id AND d.subject_id = c.subject_id AND d.sequence > c.sequence AND d.resend_from IS NULL
       AND CASE c.state WHEN 'pending' THEN d.due_at < c.due_at ELSE d.due_at > v_now END
       AND d.id NOT IN (SELECT x.id FROM changed x)
  )
  SELECT jsonb_agg(jsonb_build_object('id', c.id, 'state', c.state)) INTO v_states FROM changed c;

  PERFORM bring_forward(r.id)
     FROM jsonb_to_recordset(p_receivers) y(id text, epoch int, "failingForMs" bigint) JOIN receivers r ON r.id = y.id
    WHERE y."failingForMs" IS NULL AND r.failing_since IS NOT NULL AND concat_ws(' ', y.id, y.epoch) = ANY (v_ours);

  UPDATE receivers r
     SET failures = y.failures, failed_subject = y."failedSubject", failed_many = y."failedMany", probes = y.probes,
         -- As distances come and go, they grow shorter by the way: the same time is kept, or each probe would move it.
         failing_since = CASE WHEN v_now - y."failingForMs" * interval '1 millisecond' < r.failing_since + interval '1 second' THEN r.failing_since
                              ELSE v_now - y."failingForMs" * interval '1 millisecond' END,
         probe_at = v_now + y."probeInMs" * interval '1 millisecond',
         lease_until = CASE WHEN y.release THEN NULL ELSE r.lease_until END, lease_holder = CASE WHEN y.release THEN NULL ELSE r.lease_holder END
    FROM jsonb_to_recordset(p_receivers) y(id text, epoch int, failures int, "failedSubject" text, "failedMany" boolean, probes int,
                                           "failingForMs" bigint, "probeInMs" bigint, release boolean)
   WHERE r.id = y.id AND concat_ws(' ', y.id, y.epoch) = ANY (v_ours);

  FOR v_off IN
    UPDATE webhook_endpoints e SET disabled_at = v_now, disabled_reason = y.disable
      FROM jsonb_to_recordset(p_receivers) y(id text, epoch int, disable text)
     WHERE e.id = y.id AND y.disable IS NOT NULL AND e.disabled_at IS NULL AND concat_ws(' ', y.id, y.epoch) = ANY (v_ours)
    RETURNING e.*
  LOOP
    PERFORM tell_endpoint_disabled(v_off);
  END LOOP;

  RETURN coalesce(v_states, '[]');
END $$;
REVOKE EXECUTE ON FUNCTION relay_record(text, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION relay_record(text, jsonb, jsonb) TO oncepay_app;
