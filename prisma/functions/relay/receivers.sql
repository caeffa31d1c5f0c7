-- know_receiver(receiver): an endpoint that nobody has sent to has no row to be locked. With this, a relay that leases it at
-- this moment for the first time waits for its change, or the change for the relay.
CREATE OR REPLACE FUNCTION know_receiver(p_receiver text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO receivers (id, merchant_id, mode, endpoint_id) SELECT e.id, e.merchant_id, e.mode, e.id FROM webhook_endpoints e WHERE e.id = p_receiver
  ON CONFLICT (id) DO NOTHING
$$;

-- revoke_lease(receiver): whoever sends to it now has lost it: what they read of it is old, and what they do does not count. The
-- next relay begins anew. For whoever changes a receiver from outside.
CREATE OR REPLACE FUNCTION revoke_lease(p_receiver text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT know_receiver(p_receiver);
  UPDATE receivers r SET lease_epoch = r.lease_epoch + 1, lease_holder = NULL, lease_until = NULL WHERE r.id = p_receiver
$$;
REVOKE EXECUTE ON FUNCTION revoke_lease(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoke_lease(text) TO oncepay_app;

-- revoke_callback_leases(merchant, mode): the same for all its callbackUrls of which something waits: their secret is another one.
-- After the change, in a transaction of its own: who leases one from now on reads the new one. One that a relay leases at this
-- moment for the first time has no row yet that is seen: with the insert, it is waited for.
CREATE OR REPLACE FUNCTION revoke_callback_leases(p_merchant text, p_mode text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_waiting text[];
BEGIN
  SELECT array_agg(w.receiver_id ORDER BY w.receiver_id) INTO v_waiting FROM receivers_waiting() w
   WHERE w.merchant_id = p_merchant AND w.mode = p_mode AND w.endpoint_id IS NULL;
  INSERT INTO receivers (id, merchant_id, mode) SELECT v, p_merchant, p_mode FROM unnest(v_waiting) v ON CONFLICT (id) DO NOTHING;
  PERFORM FROM receivers r WHERE r.id = ANY (v_waiting) ORDER BY r.id FOR UPDATE;
  UPDATE receivers r SET lease_epoch = r.lease_epoch + 1, lease_holder = NULL, lease_until = NULL
   WHERE r.id = ANY (v_waiting) AND r.lease_holder IS NOT NULL;
END $$;
REVOKE EXECUTE ON FUNCTION revoke_callback_leases(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoke_callback_leases(text, text) TO oncepay_app;

-- bring_forward(receiver): it answers again, or is said to, so what was put off while it did not is tried now, and not only
-- when its own next try would be. For that it gets a try more, or a receiver that comes and goes would use them up. What was
-- answered 429 or 503 keeps its time: there the receiver has said "not now", and maybe until when.
CREATE OR REPLACE FUNCTION bring_forward(p_receiver text) RETURNS void LANGUAGE sql AS $$
  WITH put_off AS (
    SELECT d.id FROM webhook_deliveries d
     WHERE d.state = 'pending' AND d.receiver_id = p_receiver AND d.due_at > now() AND d.resend_from IS NULL
       AND NOT EXISTS (SELECT FROM webhook_attempts a WHERE a.delivery_id = d.id AND a.number = d.attempts AND a.status_code IN (429, 503))
     ORDER BY d.due_at LIMIT 500 -- some ten milliseconds; few are put off before it is failing, and none afterwards
       FOR UPDATE SKIP LOCKED
  )
  UPDATE webhook_deliveries d SET due_at = now(), updated_at = now(),
         tries = CASE WHEN d.created_at > now() - interval '5 days' THEN greatest(d.tries - 1, 0) ELSE d.tries END -- or it would never be given up
    FROM put_off p WHERE d.id = p.id
$$;

-- forget_failing(receiver): whatever it did, it is tried as if it had never failed: a person has mended it, or says so.
CREATE OR REPLACE FUNCTION forget_failing(p_receiver text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT know_receiver(p_receiver);
  UPDATE receivers r SET failures = 0, failed_subject = NULL, failed_many = false, failing_since = NULL, probes = 0, probe_at = NULL,
                         lease_epoch = r.lease_epoch + 1, lease_holder = NULL, lease_until = NULL
   WHERE r.id = p_receiver;
  SELECT bring_forward(p_receiver)
$$;
REVOKE EXECUTE ON FUNCTION forget_failing(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_failing(text) TO oncepay_app;

-- resend_delivery(delivery): one try at once, besides any schedule, also of what is delivered; a failing receiver is asked now.
-- Asked for twice before it was made, it is one try.
CREATE OR REPLACE FUNCTION resend_delivery(p_delivery text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_receiver text;
BEGIN
  SELECT d.receiver_id INTO v_receiver FROM webhook_deliveries d WHERE d.id = p_delivery;
  PERFORM FROM receivers r WHERE r.id = v_receiver FOR UPDATE; -- first, as the relay does: or each could wait for the other
  UPDATE webhook_deliveries d SET resend_from = coalesce(d.resend_from, d.state), state = 'pending', due_at = '-infinity', updated_at = now()
   WHERE d.id = p_delivery;
  UPDATE receivers r SET probe_at = now() WHERE r.id = v_receiver AND r.failing_since IS NOT NULL;
  PERFORM revoke_lease(v_receiver) FROM receivers r WHERE r.id = v_receiver AND r.failing_since IS NOT NULL; -- its relay knows another time
END $$;
REVOKE EXECUTE ON FUNCTION resend_delivery(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resend_delivery(text) TO oncepay_app;
