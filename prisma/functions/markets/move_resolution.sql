-- lock_resolution(resolution): its market, then itself: whoever changes one of the two holds both, in this order, before any user or balance.
CREATE OR REPLACE FUNCTION lock_resolution(p_resolution text) RETURNS resolutions LANGUAGE plpgsql AS $$
DECLARE
  r resolutions;
BEGIN
  PERFORM 1 FROM markets m WHERE m.id = (SELECT x.market_id FROM resolutions x WHERE x.id = p_resolution) FOR NO KEY UPDATE;
  SELECT * INTO STRICT r FROM resolutions x WHERE x.id = p_resolution FOR NO KEY UPDATE;
  RETURN r;
END $$;

-- move_resolution(resolution, fact, key, actor, data): takes the edge of resolution_edges that this fact takes from its state, with what
-- that does to the window and to the market, and tells it by an event. Both rows must be locked (lock_resolution). Raises where there
-- is no such edge: its caller has looked.
CREATE OR REPLACE FUNCTION move_resolution(p_resolution text, p_fact text, p_key text, p_actor text, p_data jsonb) RETURNS resolutions LANGUAGE plpgsql AS $$
DECLARE
  r resolutions;
  v_from text;
  v_edge resolution_edges;
BEGIN
  SELECT x.state INTO STRICT v_from FROM resolutions x WHERE x.id = p_resolution;
  SELECT * INTO v_edge FROM resolution_edges x WHERE x.from_state = v_from AND x.fact = p_fact;
  IF NOT FOUND THEN RAISE EXCEPTION 'resolution % is % and cannot take %', p_resolution, v_from, p_fact; END IF;
  UPDATE resolutions x
     SET state = v_edge.to_state, sequence = x.sequence + 1, updated_at = moment(), ended_at = CASE WHEN resolution_final(v_edge.to_state) THEN moment() END,
         window_until = CASE v_edge.effect WHEN 'open_window' THEN window_end(x.market_id) ELSE x.window_until END,
         needs_operator = awaits_operator(x.id, v_edge.to_state)
   WHERE x.id = p_resolution RETURNING * INTO STRICT r;
  PERFORM announce('resolution', r.id, ARRAY[('merchant', r.merchant_id)::owner_ref], r.mode, r.sequence, v_edge.event_type, p_key, p_actor,
                   v_from, r.state, p_data, resolution_record(r), NULL, true);
  IF v_edge.effect IN ('free_market', 'forget_outcome') THEN
    PERFORM move_market(r.market_id, 'UNRESOLVED', 'market.unresolved', 'unresolved:' || r.run, p_actor);
  END IF;
  RETURN r;
END $$;

-- note_resolution(resolution, type, key, actor, data, needs_operator, is_sent): what else belongs to its story; its state stays. Told before
-- under this key: nothing. The row must be locked.
CREATE OR REPLACE FUNCTION note_resolution(p_resolution text, p_type text, p_key text, p_actor text, p_data jsonb, p_needs_operator boolean, p_is_sent boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r resolutions;
BEGIN
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = p_resolution AND e.op_key = p_key) THEN RETURN; END IF;
  UPDATE resolutions x SET sequence = x.sequence + 1, updated_at = moment(), needs_operator = p_needs_operator WHERE x.id = p_resolution RETURNING * INTO STRICT r;
  PERFORM announce('resolution', r.id, ARRAY[('merchant', r.merchant_id)::owner_ref], r.mode, r.sequence, p_type, p_key, p_actor,
                   r.state, r.state, p_data, resolution_record(r), NULL, p_is_sent);
END $$;

-- awaits_operator(resolution, state): is there something that a person must decide or mend in this state?
CREATE OR REPLACE FUNCTION awaits_operator(p_resolution text, p_state text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT resolution_stopped(p_state) OR p_state = 'DISPUTED'
      OR p_state IN ('PAYING', 'COMPLETED') AND EXISTS (SELECT 1 FROM distributions d WHERE d.resolution_id = p_resolution AND d.state = 'disputed')
$$;

-- window_end(market): when a window that opens now is over.
CREATE OR REPLACE FUNCTION window_end(p_market text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT moment() + m.dispute_window_ms * interval '1 millisecond' FROM markets m WHERE m.id = p_market
$$;

-- resolution_record(resolution): the row as events carry it (ResolutionRecord in src/markets/rules/market.ts).
CREATE OR REPLACE FUNCTION resolution_record(r resolutions) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', r.id, 'marketId', r.market_id, 'merchantId', r.merchant_id, 'mode', r.mode, 'currency', r.currency, 'run', r.run,
           'state', r.state, 'outcome', r.outcome, 'evidence', r.evidence, 'resolvedBy', r.resolved_by, 'round', r.round, 'planHash', r.plan_hash,
           'windowUntil', iso_time(r.window_until),
           'plan', CASE WHEN r.kind IS NOT NULL THEN jsonb_build_object('kind', r.kind, 'poolMinor', r.pool::text, 'feeTotalMinor', r.fee_total::text,
             'creatorFeeMinor', r.creator_fee::text, 'houseFeeMinor', r.house_fee::text, 'netMinor', r.net::text, 'winStakeMinor', r.win_stake::text,
             'users', r.users, 'winners', r.winners, 'leftOverMinor', r.left_over::text) END,
           'paidUsers', r.paid_users, 'paidMinor', r.paid::text, 'undoneUsers', r.undone_users, 'undoneMinor', r.undone::text,
           'missingMinor', (SELECT m.missing::text FROM markets m WHERE m.id = r.market_id),
           'reason', r.reason, 'rolledBackBy', r.rolled_back_by, 'needsOperator', r.needs_operator, 'sequence', r.sequence,
           'createdAt', iso_time(r.created_at), 'updatedAt', iso_time(r.updated_at), 'endedAt', iso_time(r.ended_at))
$$;
REVOKE EXECUTE ON FUNCTION resolution_record(resolutions) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolution_record(resolutions) TO oncepay_app; -- the API reads resolutions in this shape too
