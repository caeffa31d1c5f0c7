-- market_plan(market, outcome): what a resolution for this outcome pays, as the totals are now (planOf in src/markets/rules/shares.ts): of
-- kept totals alone, whatever the market's size.
--   refund  void, or nobody has staked on it: everybody's stakes back, and no fees. A stake's share of all stakes is itself
--   shares  the pool less the fees, by the shares of those who were right
-- `planHash` is over all that decides who is paid what: the market and its run, every option's totals, the outcome, the fees, and the
-- version of this arithmetic, which grows with every change that pays anybody another unit.
-- Raises if there is no such market or option.
CREATE OR REPLACE FUNCTION market_plan(p_market text, p_outcome text) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  w market_options; -- the winner
  v_is_refund boolean;
  v_base numeric;
  v_fee bigint;
  v_creator bigint;
  v_run int;
  v_of jsonb;
BEGIN
  SELECT * INTO STRICT m FROM markets x WHERE x.id = p_market;
  SELECT * INTO w FROM market_options x WHERE x.market_id = m.id AND x.option_id = p_outcome;
  IF NOT FOUND AND p_outcome <> 'void' THEN RAISE EXCEPTION 'market % has no option %', m.id, p_outcome; END IF;
  v_is_refund := coalesce(w.staked, 0) = 0;
  v_base := CASE WHEN v_is_refund THEN 0 WHEN m.fee_base = 'gross' THEN m.staked ELSE m.staked - w.staked END;
  v_fee := div(v_base * (m.house_fee_bps + m.creator_fee_bps), 10000);
  v_creator := div(v_base * m.creator_fee_bps, 10000);
  v_run := CASE WHEN m.state IN ('OPEN', 'UNRESOLVED') THEN m.run + 1 ELSE m.run END;
  v_of := jsonb_build_object('algorithm', 1, 'market', m.id, 'run', v_run, 'commitments', m.commitments, 'outcome', p_outcome,
    'houseFeeBps', m.house_fee_bps, 'creatorFeeBps', m.creator_fee_bps, 'feeBase', m.fee_base,
    'options', (SELECT jsonb_agg(jsonb_build_array(o.option_id, o.staked, o.commitments, o.participants) ORDER BY o.nth) FROM market_options o WHERE o.market_id = m.id));
  RETURN jsonb_build_object('kind', CASE WHEN v_is_refund THEN 'refund' ELSE 'shares' END, 'poolMinor', m.staked::text,
    'feeTotalMinor', v_fee::text, 'creatorFeeMinor', v_creator::text, 'houseFeeMinor', (v_fee - v_creator)::text, 'netMinor', (m.staked - v_fee)::text,
    'winStakeMinor', CASE WHEN v_is_refund THEN m.staked ELSE w.staked END::text,
    'users', m.participants, 'winners', CASE WHEN v_is_refund THEN 0 ELSE w.participants END,
    'planHash', encode(sha256(convert_to(v_of::text, 'UTF8')), 'hex'));
END $$;
REVOKE EXECUTE ON FUNCTION market_plan(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_plan(text, text) TO oncepay_app; -- a preview is what would be done

-- market_cut(market, outcome): who of a plan gets one unit more than the floor of the exact share (cutOf in src/markets/rules/shares.ts).
-- The floors leave as many units as the remainders are whole stakes; the largest remainders get one each, at equal ones the lower
-- user id: `cut` is the last who does. Reads every position of the winner twice, from the index
-- of the largest (`staked > 0` is how one asks for it), and locks nothing.
CREATE OR REPLACE FUNCTION market_cut(p_market text, p_outcome text) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_plan jsonb := market_plan(p_market, p_outcome);
  v_net numeric := (v_plan ->> 'netMinor')::numeric;
  v_stake numeric := (v_plan ->> 'winStakeMinor')::numeric;
  v_left bigint;
  v_cut jsonb;
BEGIN
  IF v_plan ->> 'kind' = 'refund' OR v_net = 0 THEN RETURN jsonb_build_object('cut', NULL, 'leftOverMinor', '0'); END IF;
  SELECT div(coalesce(sum(mod(v_net * x.staked, v_stake)), 0), v_stake) INTO v_left FROM market_positions x WHERE x.market_id = p_market AND x.option_id = p_outcome AND x.staked > 0;
  IF v_left > 0 THEN
    SELECT jsonb_build_object('remainder', p.remainder::text, 'userId', p.user_id) INTO STRICT v_cut
      FROM (SELECT x.user_id, mod(v_net * x.staked, v_stake) AS remainder FROM market_positions x WHERE x.market_id = p_market AND x.option_id = p_outcome AND x.staked > 0) p
     ORDER BY p.remainder DESC, p.user_id COLLATE "C" OFFSET v_left - 1 LIMIT 1;
  END IF;
  RETURN jsonb_build_object('cut', v_cut, 'leftOverMinor', v_left::text);
END $$;
REVOKE EXECUTE ON FUNCTION market_cut(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_cut(text, text) TO oncepay_app;

-- find_cut(resolution): the same of a resolution whose market is frozen.
CREATE OR REPLACE FUNCTION find_cut(p_resolution text) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT market_cut(r.market_id, r.outcome) FROM resolutions r WHERE r.id = p_resolution
$$;
REVOKE EXECUTE ON FUNCTION find_cut(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_cut(text) TO oncepay_app;

-- plan_resolution(resolution, found): fixes what is paid, once, by the cut that find_cut found.
-- Answers: already (planned before) · stopped (it is in another state) · planned.
-- Raises where the totals are not those that the resolver saw: a frozen market's do not change; or where the pool lacks something,
-- which cover_market sees to before.
CREATE OR REPLACE FUNCTION plan_resolution(p_resolution text, p_found jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
  v_plan jsonb := market_plan(r.market_id, r.outcome);
  v_cut jsonb := nullif(p_found -> 'cut', 'null');
  v_left bigint := (p_found ->> 'leftOverMinor')::bigint;
  v_pool bigint;
BEGIN
  IF r.kind IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF r.state <> 'PLANNING' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  SELECT b.available INTO STRICT v_pool FROM markets m JOIN balances b ON b.id = m.pool_id WHERE m.id = r.market_id;
  IF v_plan ->> 'planHash' <> r.plan_hash OR (v_cut IS NULL) <> (v_left = 0) OR v_pool <> (v_plan ->> 'poolMinor')::bigint THEN
    RAISE EXCEPTION 'resolution % cannot be planned: pool %, found %, plan %', r.id, v_pool, p_found, v_plan;
  END IF;
  UPDATE resolutions x
     SET kind = v_plan ->> 'kind', pool = (v_plan ->> 'poolMinor')::bigint, fee_total = (v_plan ->> 'feeTotalMinor')::bigint,
         creator_fee = (v_plan ->> 'creatorFeeMinor')::bigint, house_fee = (v_plan ->> 'houseFeeMinor')::bigint, net = (v_plan ->> 'netMinor')::bigint,
         win_stake = (v_plan ->> 'winStakeMinor')::bigint, users = (v_plan ->> 'users')::int, winners = (v_plan ->> 'winners')::int,
         cut_remainder = (v_cut ->> 'remainder')::numeric, cut_user = v_cut ->> 'userId', left_over = v_left
   WHERE x.id = r.id;
  PERFORM move_resolution(r.id, 'planned', 'planned', 'system', '{}');
  RETURN jsonb_build_object('outcome', 'planned');
END $$;
REVOKE EXECUTE ON FUNCTION plan_resolution(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION plan_resolution(text, jsonb) TO oncepay_app;
