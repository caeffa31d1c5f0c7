-- cover_market(resolution): before a market is paid again its pool must be whole: what it lacks since a rollback, the merchant covers:
--   COVER  as much as there is of it  the merchant's available → the pool's available
-- Each call takes what there is by then: nobody is paid from nothing.
-- Locks: the market, the resolution, the two balances by id. Key: market/<market>/cover/<the pool's version before>.
-- Answers: stopped (nobody is about to plan) · paused (a pause holds: nothing is taken, nor planned) · short (missingMinor is not there yet, and it waits) · whole.
CREATE OR REPLACE FUNCTION cover_market(p_resolution text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
  m markets;
  h balances; -- the merchant's
  k balances; -- the pool
  v_part bigint;
BEGIN
  SELECT * INTO STRICT m FROM markets x WHERE x.id = r.market_id;
  IF r.state NOT IN ('PLANNING', 'WAITING_FOR_FUNDS') THEN RETURN jsonb_build_object('outcome', 'stopped', 'missingMinor', m.missing::text); END IF;
  IF is_held('markets', r.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused', 'missingMinor', m.missing::text); END IF;
  IF m.missing > 0 THEN
    h := open_balance(m.merchant_id, m.mode, 'merchant', m.merchant_id, m.currency);
    PERFORM 1 FROM balances x WHERE x.id IN (h.id, m.pool_id) ORDER BY x.id FOR NO KEY UPDATE;
    SELECT * INTO STRICT h FROM balances x WHERE x.id = h.id;
    SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
    v_part := least(m.missing, h.available);
    IF v_part > 0 THEN
      PERFORM post(ARRAY[('market/' || m.id || '/cover/' || k.version, 0, 'COVER', h.available_account, k.available_account, v_part, 'resolution', r.id)::posting]);
      UPDATE markets x SET missing = x.missing - v_part, updated_at = moment() WHERE x.id = m.id RETURNING * INTO STRICT m;
    END IF;
  END IF;
  IF m.missing > 0 THEN
    IF r.state = 'PLANNING' THEN PERFORM move_resolution(r.id, 'short', 'short:' || r.sequence, 'system', jsonb_build_object('missingMinor', m.missing::text)); END IF;
    RETURN jsonb_build_object('outcome', 'short', 'missingMinor', m.missing::text);
  END IF;
  IF r.state = 'WAITING_FOR_FUNDS' THEN PERFORM move_resolution(r.id, 'funded', 'funded:' || r.sequence, 'system', '{}'); END IF;
  RETURN jsonb_build_object('outcome', 'whole', 'missingMinor', '0');
END $$;
REVOKE EXECUTE ON FUNCTION cover_market(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cover_market(text) TO oncepay_app;
