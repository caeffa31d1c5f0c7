-- pay_users(resolution, users): what a market's resolution comes to for these users, all of them in this transaction. Of each who gets something:
--   DISTRIBUTION  the payout      the pool's available → the user's available, a credit (credit.sql)
--   STAKE_RETURN  of a refund: the stakes, in the same way
-- With a row of distributions, the statistics and one event, which shows the balance of this commit, of losers too.
-- Locks: the market, the resolution, the users by id, all balances by id. Key: market/<market>/run/<run>/user/<user>.
-- Who has been paid stays as it is. Who cannot be paid now is written down with the reason, and nothing of it moves:
--   user_frozen · balance_limit (the balance would be over 10^18)
-- Answers: failed (how many), apart: who owes, and must be paid alone, since new money repays first and the locks which that needs
-- come before others'. None of it where nobody is to be paid: `stopped`; nor while a pause holds: `paused`.
CREATE OR REPLACE FUNCTION pay_users(p_resolution text, p_users text[]) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  -- One plan for one user and for very many (post.sql): every row is found by its key, however few there were at first. That is also why
  -- here and below rows are asked for one by one, by subqueries that are no joins: planned while a table was empty, a join reads all of it.
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
  k balances; -- the pool
  b balances;
  d distributions;
  v_type text := CASE r.kind WHEN 'refund' THEN 'STAKE_RETURN' ELSE 'DISTRIBUTION' END;
  v_alone boolean := cardinality(p_users) = 1;
  v_go text[];
  v_apart text[];
  v_failed int;
  v_postings posting[];
BEGIN
  IF r.state <> 'PAYING' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF is_held('markets', r.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  k := lock_participants(r, p_users, v_alone);

  WITH judged AS (
    SELECT s.*, NOT v_alone AND y.debt > 0 AND s.payout > 0 AS apart,
           CASE WHEN s.payout = 0 THEN NULL WHEN u.frozen THEN 'user_frozen' WHEN over_limit(y, s.payout) THEN 'balance_limit' END AS failure
      FROM market_shares(r, p_users) s JOIN users u ON u.id = s.user_id JOIN balances y ON y.id = s.balance_id
     WHERE coalesce((SELECT x.state FROM distributions x WHERE x.resolution_id = r.id AND x.user_id = s.user_id), 'failed') = 'failed'),
  written AS (
    INSERT INTO distributions AS x (id, resolution_id, market_id, user_id, stake_won, stake_lost, payout, remainder, rounded_up, state, failure)
    SELECT distribution_id(r.id, j.user_id), r.id, r.market_id, j.user_id, j.stake_won, j.stake_lost, j.payout, j.remainder, j.rounded_up,
           CASE WHEN j.failure IS NULL THEN 'completed' ELSE 'failed' END, j.failure
      FROM judged j WHERE j.failure IS NOT NULL OR NOT j.apart ORDER BY j.user_id
    ON CONFLICT (resolution_id, user_id) DO UPDATE SET state = excluded.state, failure = excluded.failure, processed_at = moment()
    RETURNING x.user_id, x.state)
  SELECT (SELECT array_agg(w.user_id ORDER BY w.user_id) FROM written w WHERE w.state = 'completed'),
         (SELECT array_agg(j.user_id ORDER BY j.user_id) FROM judged j WHERE j.apart AND j.failure IS NULL),
         (SELECT count(*) FROM written w WHERE w.state = 'failed')
    INTO v_go, v_apart, v_failed;

  IF v_alone THEN -- repays first what the user owes
    FOR d IN SELECT * FROM distributions x WHERE x.resolution_id = r.id AND x.user_id = ANY (v_go) AND x.payout > 0 LOOP
      SELECT y.* INTO STRICT b FROM market_participants p JOIN balances y ON y.id = p.balance_id WHERE p.market_id = r.market_id AND p.user_id = d.user_id;
      PERFORM credit(distribution_key(r, d.user_id), 0, v_type, b, k.available_account, d.payout, 'resolution', r.id);
    END LOOP;
  ELSE
    SELECT array_agg((distribution_key(r, x.user_id), 0, v_type, k.available_account, y.available_account, x.payout, 'resolution', r.id)::posting ORDER BY x.user_id) INTO v_postings
      FROM distributions x JOIN market_participants p ON p.market_id = x.market_id AND p.user_id = x.user_id JOIN balances y ON y.id = p.balance_id
     WHERE x.resolution_id = r.id AND x.user_id = ANY (v_go) AND x.payout > 0;
    IF v_postings IS NOT NULL THEN PERFORM post(v_postings); END IF;
  END IF;

  UPDATE resolutions x SET paid_users = x.paid_users + t.users, paid = x.paid + t.paid
    FROM (SELECT count(*) AS users, coalesce(sum(y.payout), 0) AS paid FROM distributions y WHERE y.resolution_id = r.id AND y.user_id = ANY (v_go)) t
   WHERE x.id = r.id AND t.users > 0;
  IF r.kind = 'shares' THEN PERFORM count_distributions(r, v_go, 1); END IF;
  PERFORM tell_distributions(r, v_go, 'distribution.completed', '');
  PERFORM tell_progress(r.id, 'paid', r.paid_users, r.users);
  RETURN jsonb_build_object('outcome', 'done', 'failed', v_failed, 'apart', to_jsonb(coalesce(v_apart, '{}')));
END $$;
REVOKE EXECUTE ON FUNCTION pay_users(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pay_users(text, text[]) TO oncepay_app;

-- lock_participants(resolution, users, alone): these users by id, then their balances and the pool's by id, and what a credit of one who is
-- alone needs. Returns the pool's balance.
CREATE OR REPLACE FUNCTION lock_participants(r resolutions, p_users text[], p_alone boolean, p_others bigint[] DEFAULT '{}') RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  k balances;
  v_pool bigint;
BEGIN
  SELECT m.pool_id INTO STRICT v_pool FROM markets m WHERE m.id = r.market_id;
  PERFORM lock_users(p_users);
  IF p_alone THEN
    PERFORM lock_for_credit(p.balance_id, v_pool || p_others) FROM market_participants p WHERE p.market_id = r.market_id AND p.user_id = p_users[1];
  ELSE
    PERFORM 1 FROM balances x
     WHERE x.id = ANY (v_pool || p_others || ARRAY(SELECT p.balance_id FROM market_participants p WHERE p.market_id = r.market_id AND p.user_id = ANY (p_users)))
     ORDER BY x.id FOR NO KEY UPDATE;
  END IF;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = v_pool;
  RETURN k;
END $$;

-- market_shares(resolution, users): what a planned resolution comes to for these users (sharesOf in src/markets/rules/shares.ts): of the net
-- the floor of the user's share, and one unit more for the largest remainders.
CREATE OR REPLACE FUNCTION market_shares(r resolutions, p_users text[])
RETURNS TABLE (user_id text, balance_id bigint, stake_won bigint, stake_lost bigint, payout bigint, remainder numeric, rounded_up boolean) LANGUAGE sql STABLE AS $$
  SELECT p.user_id, p.balance_id, s.won, p.staked - s.won, (s.floor + u.up)::bigint, s.rest, u.up = 1
    FROM market_participants p
   CROSS JOIN LATERAL (SELECT CASE r.kind WHEN 'refund' THEN p.staked ELSE coalesce((
     SELECT q.staked FROM market_positions q WHERE q.market_id = p.market_id AND q.user_id = p.user_id AND q.option_id = r.outcome), 0) END AS won OFFSET 0) w -- asked for once
   CROSS JOIN LATERAL (SELECT w.won, div(r.net::numeric * w.won, r.win_stake) AS floor, mod(r.net::numeric * w.won, r.win_stake) AS rest OFFSET 0) s
   CROSS JOIN LATERAL (SELECT coalesce(s.rest > r.cut_remainder OR s.rest = r.cut_remainder AND p.user_id COLLATE "C" <= r.cut_user COLLATE "C", false)::int AS up OFFSET 0) u
   WHERE p.market_id = r.market_id AND p.user_id = ANY (p_users)
$$;

-- count_distributions(resolution, users, sign): in the users' statistics, or out of them again.
CREATE OR REPLACE FUNCTION count_distributions(r resolutions, p_users text[], p_sign int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_sign > 0 THEN -- whoever is taken out has a row
    INSERT INTO user_stats (user_id, currency) SELECT u, r.currency FROM unnest(p_users) u ORDER BY u ON CONFLICT DO NOTHING;
  END IF;
  UPDATE user_stats s SET markets = s.markets + p_sign, markets_won = s.markets_won + p_sign * (d.stake_won > 0)::int,
                          committed = s.committed + p_sign * (d.stake_won + d.stake_lost), distributed = s.distributed + p_sign * d.payout
    FROM distributions d
   WHERE d.resolution_id = r.id AND d.user_id = ANY (p_users) AND s.user_id = d.user_id AND s.currency = r.currency;
END $$;

-- tell_distributions(resolution, users, type, suffix): what it came to for each, to the user and the merchant, with the balance as it is
-- now (DistributionEventRecord in src/markets/rules/market.ts). Steps of the users' own stories, so that one user's events come in order and
-- nobody's wait for another's.
CREATE OR REPLACE FUNCTION tell_distributions(r resolutions, p_users text[], p_type text, p_suffix text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_active user_step[];
  v_frozen user_step[]; -- who has lost: nothing of theirs moved
BEGIN
  SELECT array_agg(s.step ORDER BY s.user_id) FILTER (WHERE NOT s.frozen), array_agg(s.step ORDER BY s.user_id) FILTER (WHERE s.frozen) INTO v_active, v_frozen
    FROM (SELECT d.user_id, u.frozen, (d.user_id, distribution_key(r, d.user_id) || p_suffix, '{}',
                 jsonb_build_object('distribution', distribution_record(d, r), 'balance', balance_record(y)))::user_step AS step
            FROM distributions d JOIN users u ON u.id = d.user_id
            JOIN market_participants p ON p.market_id = d.market_id AND p.user_id = d.user_id JOIN balances y ON y.id = p.balance_id
           WHERE d.resolution_id = r.id AND d.user_id = ANY (p_users)) s;
  PERFORM announce_users(p_type, 'system', 'ACTIVE', v_active);
  PERFORM announce_users(p_type, 'system', 'FROZEN', v_frozen);
END $$;

-- tell_progress(resolution, what, before, users): that another whole percent of the users is paid, or undone; the last is told by what comes after.
CREATE OR REPLACE FUNCTION tell_progress(p_resolution text, p_what text, p_before int, p_users int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_done int;
BEGIN
  SELECT CASE p_what WHEN 'paid' THEN x.paid_users ELSE x.undone_users END INTO STRICT v_done FROM resolutions x WHERE x.id = p_resolution;
  IF v_done >= p_users OR 100::bigint * v_done / p_users <= 100::bigint * p_before / p_users THEN RETURN; END IF;
  PERFORM note_resolution(x.id, 'resolution.progress', p_what || ':' || 100::bigint * v_done / p_users, 'system',
                          jsonb_build_object('percent', 100::bigint * v_done / p_users), x.needs_operator, true)
    FROM resolutions x WHERE x.id = p_resolution;
END $$;

-- users_left(resolution, after, most): the next users, by id, of whom something is to be done in its state: to be paid, or undone. Who failed is
-- left out until somebody retries.
CREATE OR REPLACE FUNCTION users_left(p_resolution text, p_after text, p_most int) RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions;
BEGIN
  SELECT * INTO STRICT r FROM resolutions x WHERE x.id = p_resolution;
  IF r.state = 'PAYING' THEN
    RETURN ARRAY(SELECT p.user_id FROM market_participants p
                  WHERE p.market_id = r.market_id AND p.user_id > p_after
                    AND coalesce((SELECT d.state = 'failed' AND d.failure IS NULL FROM distributions d WHERE d.resolution_id = r.id AND d.user_id = p.user_id), true)
                  ORDER BY p.user_id LIMIT p_most);
  ELSIF r.state = 'ROLLING_BACK' THEN
    RETURN ARRAY(SELECT d.user_id FROM distributions d
                  WHERE d.resolution_id = r.id AND d.user_id > p_after AND d.state IN ('completed', 'disputed') AND d.failure IS NULL
                  ORDER BY d.user_id LIMIT p_most);
  END IF;
  RETURN '{}';
END $$;
REVOKE EXECUTE ON FUNCTION users_left(text, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION users_left(text, text, int) TO oncepay_app;

-- fail_distribution(resolution, user, reason): one who could be neither paid nor undone for a reason that no function knows: operators are
-- told, and the others go on.
CREATE OR REPLACE FUNCTION fail_distribution(p_resolution text, p_user text, p_reason text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  r resolutions := lock_resolution(p_resolution);
BEGIN
  IF r.state = 'PAYING' THEN
    INSERT INTO distributions AS x (id, resolution_id, market_id, user_id, stake_won, stake_lost, payout, remainder, rounded_up, state, failure)
    SELECT distribution_id(r.id, s.user_id), r.id, r.market_id, s.user_id, s.stake_won, s.stake_lost, s.payout, s.remainder, s.rounded_up, 'failed', p_reason
      FROM market_shares(r, ARRAY[p_user]) s
    ON CONFLICT (resolution_id, user_id) DO UPDATE SET failure = excluded.failure WHERE x.state = 'failed';
  ELSIF r.state = 'ROLLING_BACK' THEN
    UPDATE distributions x SET failure = p_reason WHERE x.resolution_id = r.id AND x.user_id = p_user AND x.state IN ('completed', 'disputed');
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION fail_distribution(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fail_distribution(text, text, text) TO oncepay_app;

-- distribution_key(resolution, user): the one name of what a user gets by a resolution, in the books and in the user's story.
CREATE OR REPLACE FUNCTION distribution_key(r resolutions, p_user text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'market/' || r.market_id || '/run/' || r.run || '/user/' || p_user
$$;
GRANT EXECUTE ON FUNCTION distribution_key(resolutions, text) TO oncepay_app;

-- distribution_id(resolution, user): the same for ever (distributionId in src/markets/rules/market.ts).
CREATE OR REPLACE FUNCTION distribution_id(p_resolution text, p_user text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'dis_' || substr(p_resolution, 5) || '_' || substr(p_user, 5)
$$;

-- distribution_record(distribution, resolution): the row as events carry it (DistributionRecord in src/markets/rules/market.ts).
CREATE OR REPLACE FUNCTION distribution_record(d distributions, r resolutions) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', d.id, 'marketId', d.market_id, 'resolutionId', d.resolution_id, 'userId', d.user_id, 'currency', r.currency,
           'payoutMinor', d.payout::text, 'stakeWonMinor', d.stake_won::text, 'stakeLostMinor', d.stake_lost::text, 'remainder', d.remainder::text,
           'roundedUp', d.rounded_up, 'state', d.state, 'failure', d.failure, 'disputeReason', d.dispute_reason,
           'processedAt', iso_time(d.processed_at), 'rolledBackAt', iso_time(d.rolled_back_at))
$$;
REVOKE EXECUTE ON FUNCTION distribution_record(distributions, resolutions) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION distribution_record(distributions, resolutions) TO oncepay_app; -- the API reads distributions in this shape too
