-- unpay_users(resolution, users): takes back what a resolution paid these users, all of them in this transaction, the exact inverse. Of each:
--   DISTRIBUTION_BACK  the payout, as far as it is there  the user's available → the pool's available
--   DEBT               the rest, which the user owes the merchant (owe.sql): new money repays it first
--   COVER              as much of that as the merchant has  the merchant's available → the pool's available
-- What nobody could give is `missing` of the market until cover_market has got it. With the row of distributions, the statistics and one event.
-- Locks: the market, the resolution, the users by id, all balances by id. Key: market/<market>/run/<run>/user/<user>/back.
-- Who was undone, or never paid, stays as it is. Who cannot be undone now is written down with the reason, and nothing of it moves: user_frozen.
-- Answers: failed (how many), apart: who has spent it meanwhile, and must be undone alone. None of it where nobody is to be undone: `stopped`;
-- nor while a pause holds: `paused`.
CREATE OR REPLACE FUNCTION unpay_users(p_resolution text, p_users text[]) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$ -- as pay_users
DECLARE
  r resolutions := lock_resolution(p_resolution);
  k balances; -- the pool
  h balances; -- the merchant's, where somebody has not all of it
  v_owed bigint; -- the account of what others owe the merchant
  v_go text[];
  v_apart text[];
  v_failed int;
  v_missing bigint;
  v_backs posting[];
  v_debts posting[];
  v_covers posting[];
BEGIN
  IF r.state <> 'ROLLING_BACK' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF is_held('markets', r.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  -- The merchant's row is the busiest there is: it is held only for those who seem to need it, and whoever comes to need it later is apart.
  IF cardinality(p_users) = 1 OR EXISTS (
    SELECT 1 FROM distributions d JOIN market_participants p ON p.market_id = d.market_id AND p.user_id = d.user_id JOIN balances y ON y.id = p.balance_id
     WHERE d.resolution_id = r.id AND d.user_id = ANY (p_users) AND y.available < d.payout) THEN
    h := open_balance(r.merchant_id, r.mode, 'merchant', r.merchant_id, r.currency);
  END IF;
  k := lock_participants(r, p_users, false, array_remove(ARRAY[h.id], NULL));
  IF h.id IS NOT NULL THEN
    SELECT * INTO STRICT h FROM balances x WHERE x.id = h.id;
    v_owed := owed_account(h);
  END IF;

  WITH judged AS (
    SELECT d.user_id, d.payout, y.available_account, y.debt_account, least(d.payout, y.available) AS back, d.payout > 0 AND u.frozen AS is_frozen,
           d.payout > y.available AND h.id IS NULL AS is_apart
      FROM distributions d JOIN users u ON u.id = d.user_id
      JOIN market_participants p ON p.market_id = d.market_id AND p.user_id = d.user_id JOIN balances y ON y.id = p.balance_id
     WHERE d.resolution_id = r.id AND d.user_id = ANY (p_users) AND d.state IN ('completed', 'disputed')),
  failed AS (
    UPDATE distributions x SET failure = 'user_frozen' FROM judged j WHERE x.resolution_id = r.id AND x.user_id = j.user_id AND j.is_frozen RETURNING x.user_id),
  owing AS (SELECT j.*, j.payout - j.back AS owed, distribution_key(r, j.user_id) || '/back' AS key FROM judged j WHERE NOT j.is_frozen AND NOT j.is_apart),
  going AS ( -- the merchant covers one after the other, as far as it has
    SELECT o.*, greatest(least(o.owed, coalesce(h.available, 0) - (sum(o.owed) OVER (ORDER BY o.user_id) - o.owed)), 0)::bigint AS cover FROM owing o)
  SELECT array_agg(g.user_id ORDER BY g.user_id), coalesce(sum(g.owed - g.cover), 0),
         array_agg((g.key, 0, 'DISTRIBUTION_BACK', g.available_account, k.available_account, g.back, 'resolution', r.id)::posting ORDER BY g.user_id) FILTER (WHERE g.back > 0),
         array_agg((g.key, 1, 'DEBT', g.debt_account, v_owed, g.owed, 'resolution', r.id)::posting ORDER BY g.user_id) FILTER (WHERE g.owed > 0),
         array_agg((g.key, 2, 'COVER', h.available_account, k.available_account, g.cover, 'resolution', r.id)::posting ORDER BY g.user_id) FILTER (WHERE g.cover > 0),
         (SELECT array_agg(j.user_id ORDER BY j.user_id) FROM judged j WHERE j.is_apart AND NOT j.is_frozen), (SELECT count(*) FROM failed)
    INTO v_go, v_missing, v_backs, v_debts, v_covers, v_apart, v_failed FROM going g;

  IF v_backs IS NOT NULL OR v_covers IS NOT NULL THEN PERFORM post(v_backs || v_covers); END IF;
  IF v_debts IS NOT NULL THEN PERFORM owe_all(v_debts, h); END IF;
  UPDATE markets x SET missing = x.missing + v_missing, updated_at = moment() WHERE x.id = r.market_id AND v_missing > 0;
  UPDATE distributions x SET state = 'rolled_back', rolled_back_at = moment(), failure = NULL WHERE x.resolution_id = r.id AND x.user_id = ANY (v_go);
  UPDATE resolutions x SET undone_users = x.undone_users + t.users, undone = x.undone + t.paid
    FROM (SELECT count(*) AS users, coalesce(sum(y.payout), 0) AS paid FROM distributions y WHERE y.resolution_id = r.id AND y.user_id = ANY (v_go)) t
   WHERE x.id = r.id AND t.users > 0;
  IF r.kind = 'shares' THEN PERFORM count_distributions(r, v_go, -1); END IF;
  PERFORM tell_distributions(r, v_go, 'distribution.rolled_back', '/back');
  PERFORM tell_progress(r.id, 'undone', r.undone_users, r.paid_users);
  RETURN jsonb_build_object('outcome', 'done', 'failed', v_failed, 'apart', to_jsonb(coalesce(v_apart, '{}')));
END $$;
REVOKE EXECUTE ON FUNCTION unpay_users(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION unpay_users(text, text[]) TO oncepay_app;
