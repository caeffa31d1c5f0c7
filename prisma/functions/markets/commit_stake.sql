-- commit_stake(request): a user's stake on an option of an open market:
--   COMMITMENT  amount  the user's available → the pool's available
-- Locks: the market, the user, the two balances by id. Key: the commitment's id, and commitment/<id> in the books.
-- Answers, the first that applies:
--   already               this stake was taken before: the same
--   market_closed         the market takes no stakes (any more): its time is over, or it is, or was, being resolved
--   paused                a pause holds: nothing new is begun; nothing booked
--   user_frozen           nothing booked, and a repeat may find the user free
--   insufficient_balance  the user has not enough available; nothing booked
--   balance_limit         the pool would be over 10^18; nothing booked
--   committed             done
-- Raises if the market or the user is not this merchant's in this mode, or has no such option: the door has looked.
CREATE OR REPLACE FUNCTION commit_stake(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  o market_options;
  u users;
  c commitments;
  b balances; -- the user's
  k balances; -- the pool
  v_tenant text[] := ARRAY[p_request ->> 'merchantId', p_request ->> 'mode'];
  v_id text := p_request ->> 'commitmentId';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_before bigint;
  v_is_new boolean; -- in this market
BEGIN
  SELECT * INTO m FROM markets x WHERE x.id = p_request ->> 'marketId' FOR NO KEY UPDATE;
  IF NOT FOUND OR ARRAY[m.merchant_id, m.mode] <> v_tenant THEN RAISE EXCEPTION 'market % is not of merchant % in mode %', p_request ->> 'marketId', v_tenant[1], v_tenant[2]; END IF;
  SELECT * INTO c FROM commitments x WHERE x.id = v_id;
  IF FOUND THEN
    IF (c.market_id, c.user_id, c.option_id, c.amount) <> (m.id, p_request ->> 'userId', p_request ->> 'optionId', v_amount) THEN RAISE EXCEPTION 'commitment % is another one', v_id; END IF;
    RETURN jsonb_build_object('outcome', 'already', 'commitment', commitment_record(c));
  END IF;
  SELECT * INTO STRICT o FROM market_options x WHERE x.market_id = m.id AND x.option_id = p_request ->> 'optionId';
  IF market_closed(m) THEN RETURN jsonb_build_object('outcome', 'market_closed'); END IF;
  IF is_held('markets', m.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  SELECT * INTO u FROM lock_users(ARRAY[p_request ->> 'userId']);
  IF NOT FOUND OR ARRAY[u.merchant_id, u.mode] <> v_tenant THEN RAISE EXCEPTION 'user % is not of merchant % in mode %', p_request ->> 'userId', v_tenant[1], v_tenant[2]; END IF;
  IF u.frozen THEN RETURN jsonb_build_object('outcome', 'user_frozen'); END IF;

  SELECT * INTO b FROM balances x WHERE x.mode = m.mode AND x.owner_kind = 'user' AND x.owner_id = u.id AND x.currency = m.currency;
  IF NOT FOUND OR b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  PERFORM 1 FROM balances x WHERE x.id IN (b.id, m.pool_id) ORDER BY x.id FOR NO KEY UPDATE;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = b.id;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
  IF m.closes_at <= moment() THEN RETURN jsonb_build_object('outcome', 'market_closed'); END IF; -- while we waited for the user
  IF b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  IF over_limit(k, v_amount) THEN RETURN jsonb_build_object('outcome', 'balance_limit'); END IF;

  PERFORM post(ARRAY[('commitment/' || v_id, 0, 'COMMITMENT', b.available_account, k.available_account, v_amount, 'market', m.id)::posting]);
  SELECT x.staked INTO v_before FROM market_positions x WHERE x.market_id = m.id AND x.user_id = u.id AND x.option_id = o.option_id;
  INSERT INTO market_positions AS x (market_id, user_id, option_id, staked, commitments) VALUES (m.id, u.id, o.option_id, v_amount, 1)
  ON CONFLICT (market_id, user_id, option_id) DO UPDATE SET staked = x.staked + v_amount, commitments = x.commitments + 1;
  v_is_new := NOT EXISTS (SELECT 1 FROM market_participants x WHERE x.market_id = m.id AND x.user_id = u.id);
  INSERT INTO market_participants AS x (market_id, user_id, balance_id, staked) VALUES (m.id, u.id, b.id, v_amount)
  ON CONFLICT (market_id, user_id) DO UPDATE SET staked = x.staked + v_amount;
  UPDATE market_options x SET staked = x.staked + v_amount, commitments = x.commitments + 1, participants = x.participants + (v_before IS NULL)::int
   WHERE x.market_id = m.id AND x.option_id = o.option_id;
  UPDATE markets x SET staked = x.staked + v_amount, commitments = x.commitments + 1, participants = x.participants + v_is_new::int WHERE x.id = m.id;
  PERFORM tally_stakes(m, 1, v_amount, v_is_new::int, ARRAY[u.id]);
  INSERT INTO commitments (id, market_id, user_id, option_id, position, amount, staked_before, balance_after, balance_version)
  VALUES (v_id, m.id, u.id, o.option_id, p_request ->> 'position', v_amount, coalesce(v_before, 0), b.available - v_amount, b.version + 1) RETURNING * INTO STRICT c;
  RETURN jsonb_build_object('outcome', 'committed', 'commitment', commitment_record(c));
END $$;
REVOKE EXECUTE ON FUNCTION commit_stake(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commit_stake(jsonb) TO oncepay_app;

-- market_closed(market): does it take no stakes, by the clock of the books? Once it has begun to be resolved it never does again.
CREATE OR REPLACE FUNCTION market_closed(m markets) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT m.state <> 'OPEN' OR coalesce(m.closes_at <= now(), false)
$$;

-- commitment_record(commitment): the row as the API reads it (CommitmentRecord in src/markets/rules/market.ts). What became of it follows
-- from its user's distribution of the market's newest resolution: until the user was paid, and after a rollback, it is placed.
CREATE OR REPLACE FUNCTION commitment_record(c commitments) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT commitment_of(c, d, r)
    FROM markets m
    LEFT JOIN resolutions r ON r.market_id = m.id AND r.run = m.run
    LEFT JOIN distributions d ON d.resolution_id = r.id AND d.user_id = c.user_id AND d.state IN ('completed', 'disputed')
   WHERE m.id = c.market_id
$$;
REVOKE EXECUTE ON FUNCTION commitment_record(commitments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commitment_record(commitments) TO oncepay_app; -- the API reads commitments in this shape too

-- commitment_of(commitment, distribution, resolution): the same, as this distribution of this resolution has it; without one it is placed.
CREATE OR REPLACE FUNCTION commitment_of(c commitments, d distributions, r resolutions) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', c.id, 'marketId', c.market_id, 'userId', c.user_id, 'optionId', c.option_id, 'position', c.position,
           'amountMinor', c.amount::text, 'currency', (SELECT m.currency FROM markets m WHERE m.id = c.market_id),
           'balanceAfterMinor', c.balance_after::text, 'balanceVersion', c.balance_version, 'at', iso_time(c.at),
           'state', CASE WHEN d.id IS NULL THEN 'placed' WHEN r.kind = 'refund' THEN 'refunded' WHEN c.option_id = r.outcome THEN 'won' ELSE 'lost' END,
           'payoutMinor', CASE WHEN d.id IS NULL THEN NULL WHEN r.kind = 'refund' THEN c.amount
                               WHEN c.option_id = r.outcome THEN commitment_part(d.payout, d.stake_won, c.staked_before, c.amount) ELSE 0 END::text)
$$;
REVOKE EXECUTE ON FUNCTION commitment_of(commitments, distributions, resolutions) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION commitment_of(commitments, distributions, resolutions) TO oncepay_app; -- and of a distribution

-- commitment_part(payout, stake, before, amount): one commitment's part of what its user gets for the whole stake: the parts of a user's
-- commitments make up the payout, to the last unit (partOf in src/markets/rules/shares.ts).
CREATE OR REPLACE FUNCTION commitment_part(p_payout bigint, p_stake bigint, p_before bigint, p_amount bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT (div(p_payout::numeric * (p_before::numeric + p_amount), p_stake) - div(p_payout::numeric * p_before, p_stake))::bigint
$$;
GRANT EXECUTE ON FUNCTION commitment_part(bigint, bigint, bigint, bigint) TO oncepay_app;
