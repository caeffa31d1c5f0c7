-- pause_over(flow, merchant, psp): a pause that holds over this now, the oldest; null: none. `psp` is null where none is asked.
-- Whatever is to be begun asks it after it has locked the table (LOCK TABLE pauses IN ROW SHARE MODE), in another statement: then
-- it is over before `begin_pause` answers, or sees its pause (is_held, below). What only looks asks without.
CREATE OR REPLACE FUNCTION pause_over(p_flow text, p_merchant text, p_psp text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT x.id FROM pauses x
   WHERE x.resumed_at IS NULL AND (x.until IS NULL OR x.until > now())
     AND CASE x.scope_kind WHEN 'all' THEN true WHEN 'flow' THEN x.scope_name = p_flow WHEN 'merchant' THEN x.scope_name = p_merchant
                           WHEN 'psp' THEN x.scope_name = p_psp END
   ORDER BY x.id LIMIT 1
$$;
REVOKE EXECUTE ON FUNCTION pause_over(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pause_over(text, text, text) TO oncepay_app;

-- is_held(flow, merchant): whether one holds over what this transaction is about to begin. Asked with the subject locked, and before any
-- user or balance is: who waits for a row while a pause waits for them must not be waited for by one who asks this. Internal.
CREATE OR REPLACE FUNCTION is_held(p_flow text, p_merchant text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE pauses IN ROW SHARE MODE;
  RETURN pause_over(p_flow, p_merchant, NULL) IS NOT NULL;
END $$;

-- payout_pause(payout): the same of a payout, whose kind says which flow it is of (`flow` in src/payouts/rules/kinds.ts).
CREATE OR REPLACE FUNCTION payout_pause(p payouts) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT pause_over(CASE p.kind WHEN 'merchant' THEN 'payouts' WHEN 'provider' THEN 'providers' WHEN 'user' THEN 'instant' END, p.merchant_id, p.psp)
$$;

-- begin_pause(id, kind, name, reason, until, admin): from its commit on nothing of what it is over is begun. It waits for those who
-- have looked and are not done (each some milliseconds), and whoever looks meanwhile waits for it.
-- Key: the id. Answers false where it was begun before.
CREATE OR REPLACE FUNCTION begin_pause(p_id text, p_kind text, p_name text, p_reason text, p_until timestamptz, p_admin text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  LOCK TABLE pauses IN EXCLUSIVE MODE;
  INSERT INTO pauses (id, scope_kind, scope_name, reason, until, created_by) VALUES (p_id, p_kind, p_name, p_reason, p_until, p_admin)
  ON CONFLICT (id) DO NOTHING;
  RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION begin_pause(text, text, text, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_pause(text, text, text, text, timestamptz, text) TO oncepay_app;

-- end_pause(id, admin): it holds no more. Answers whether it has ended by this: one that had ended stays as it is.
CREATE OR REPLACE FUNCTION end_pause(p_id text, p_admin text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE pauses x SET resumed_at = moment(), resumed_by = p_admin
   WHERE x.id = p_id AND x.resumed_at IS NULL AND (x.until IS NULL OR x.until > now());
  RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION end_pause(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_pause(text, text) TO oncepay_app;

-- wait_for_pause(payout, pause, key, actor): it was about to be sent, and is not. Its timeline says so once, until its state changes;
-- asked again, after it was told that it may go, it waits for the pause that holds now. Internal: called by apply_fact.
CREATE OR REPLACE FUNCTION wait_for_pause(p payouts, p_pause text, p_key text, p_actor text) RETURNS payouts LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
  v_edge payout_edges;
  v_data jsonb := (SELECT jsonb_build_object('by', x.id, 'pauseReason', x.reason) FROM pauses x WHERE x.id = p_pause);
BEGIN
  IF p.paused_by IS NOT NULL THEN
    UPDATE payouts x SET paused_by = p_pause, let_go_at = NULL WHERE x.id = p.id RETURNING * INTO STRICT v;
    RETURN v;
  END IF;
  SELECT * INTO STRICT v_edge FROM payout_edges x WHERE x.from_state = p.state AND x.fact = 'paused';
  v := advance_payout(p, v_edge, 'paused', NULL, v_data);
  PERFORM announce_payout(v, v_edge.event_type, p_key || ':paused', p_actor, v_edge.from_state, v_data);
  RETURN v;
END $$;

-- let_go_paused(most): the next of those who wait for a pause and are held back by none any more, to be told so by whoever asks.
-- Told again only after ten minutes: who is still waiting then has lost its workflow, or no worker runs.
CREATE OR REPLACE FUNCTION let_go_paused(p_most int) RETURNS SETOF jsonb LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH due AS (
    SELECT p.id FROM payouts p
     WHERE p.paused_by IS NOT NULL AND (p.let_go_at IS NULL OR p.let_go_at < now() - interval '10 minutes') AND payout_pause(p) IS NULL
     ORDER BY p.id LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED)
  UPDATE payouts p SET let_go_at = now() FROM due WHERE p.id = due.id RETURNING payout_record(p)
$$;
REVOKE EXECUTE ON FUNCTION let_go_paused(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION let_go_paused(int) TO oncepay_app;
