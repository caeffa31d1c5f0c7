-- open_market(request): a market that users may stake on, with its options in the order given, and an empty pool.
-- Key: the market's id; again is nothing.
-- Raises if the creator is not a user of this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION open_market(p_request jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  k balances; -- the pool
  v_id text := p_request ->> 'marketId';
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_creator text := p_request ->> 'creatorUserId';
BEGIN
  IF EXISTS (SELECT 1 FROM markets x WHERE x.id = v_id) THEN RETURN; END IF;
  IF v_creator IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users x WHERE x.id = v_creator AND x.merchant_id = v_merchant AND x.mode = v_mode) THEN
    RAISE EXCEPTION 'user % is not of merchant % in mode %', v_creator, v_merchant, v_mode;
  END IF;
  k := open_balance(v_merchant, v_mode, 'market', v_id, p_request ->> 'currency');
  INSERT INTO markets (id, merchant_id, mode, type, title, currency, pool_id, state, creator_user_id, house_fee_bps, creator_fee_bps, fee_base,
                       closes_at, dispute_window_ms, sequence)
  VALUES (v_id, v_merchant, v_mode, p_request ->> 'type', p_request ->> 'title', p_request ->> 'currency', k.id, 'OPEN', v_creator,
          (p_request ->> 'houseFeeBps')::int, (p_request ->> 'creatorFeeBps')::int, p_request ->> 'feeBase',
          (p_request ->> 'closesAt')::timestamptz, (p_request ->> 'disputeWindowMs')::bigint, 1)
  ON CONFLICT DO NOTHING RETURNING * INTO m;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO market_options (market_id, option_id, title, nth)
  SELECT m.id, o.value ->> 'id', o.value ->> 'title', o.nth - 1 FROM jsonb_array_elements(p_request -> 'options') WITH ORDINALITY o (value, nth);
  PERFORM announce('market', m.id, ARRAY[('merchant', m.merchant_id)::owner_ref], m.mode, m.sequence, 'market.created', 'created', 'merchant:' || v_merchant,
                   NULL, m.state, '{}', market_record(m), NULL, true);
END $$;
REVOKE EXECUTE ON FUNCTION open_market(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_market(jsonb) TO oncepay_app;

-- move_market(market, state, type, key, actor): where a market is by what its resolutions do, told by an event. The row must be locked.
CREATE OR REPLACE FUNCTION move_market(p_market text, p_state text, p_type text, p_key text, p_actor text) RETURNS markets LANGUAGE plpgsql AS $$
DECLARE
  m markets;
  v_from text;
BEGIN
  SELECT x.state INTO STRICT v_from FROM markets x WHERE x.id = p_market;
  UPDATE markets x SET state = p_state, sequence = x.sequence + 1, updated_at = moment() WHERE x.id = p_market RETURNING * INTO STRICT m;
  PERFORM announce('market', m.id, ARRAY[('merchant', m.merchant_id)::owner_ref], m.mode, m.sequence, p_type, p_key, p_actor,
                   v_from, m.state, '{}', market_record(m), NULL, true);
  RETURN m;
END $$;

-- market_record(market): the row, with its options, as events carry it (MarketRecord in src/markets/rules/market.ts).
CREATE OR REPLACE FUNCTION market_record(m markets) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', m.id, 'merchantId', m.merchant_id, 'mode', m.mode, 'type', m.type, 'title', m.title, 'currency', m.currency, 'state', m.state,
           'creatorUserId', m.creator_user_id, 'houseFeeBps', m.house_fee_bps, 'creatorFeeBps', m.creator_fee_bps, 'feeBase', m.fee_base,
           'closesAt', iso_time(m.closes_at), 'disputeWindowMs', m.dispute_window_ms::text, 'commitments', m.commitments, 'participants', m.participants,
           'stakedMinor', m.staked::text, 'missingMinor', m.missing::text, 'run', m.run, 'sequence', m.sequence, 'createdAt', iso_time(m.created_at),
           'options', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.option_id, 'title', o.title, 'stakedMinor', o.staked::text,
                                                                    'commitments', o.commitments, 'participants', o.participants) ORDER BY o.nth), '[]')
                         FROM market_options o WHERE o.market_id = m.id))
$$;
REVOKE EXECUTE ON FUNCTION market_record(markets) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_record(markets) TO oncepay_app; -- the API reads markets in this shape too
