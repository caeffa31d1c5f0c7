-- settle_users(game, users): pays these players of a game that has been decided, all of them in this transaction. Of each:
--   LOSS     what was bet on other sides  the user's reserved → the bank's available
--   STAKE    what was bet on the winner   the user's reserved → the bank's reserved
--   WIN      the payout                   the bank's reserved → the user's available, a credit (credit.sql)
--   RELEASE  where the payout is less than that stake, the rest  the bank's reserved → the bank's available
-- With the bets, the statistics and one event, which shows the balance of this commit. Only what the bank holds for this player
-- leaves its reserve, so that no player waits for another.
-- Locks: the game, the users by id, all balances by id. Key: game/<game>/user/<user>, of the win; …/stakes of the rest.
-- Who has been settled stays as it is. Who cannot be settled now is written down with the reason, and nothing of it moves:
--   user_frozen · balance_limit (the balance would be over 10^18)
-- Answers: settled (how many), failed (how many), apart: who owes, and must be settled alone, since new money repays first and the
-- locks which that needs come before others'. None of it where the game is not being settled: `stopped`; nor while a pause holds: `paused`.
CREATE OR REPLACE FUNCTION settle_users(p_game text, p_users text[]) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  k balances;
  b balances;
  p record;
  v_alone boolean := cardinality(p_users) = 1;
  v_go text[];
  v_apart text[];
  v_failed int;
  v_postings posting[];
  v_steps user_step[];
BEGIN
  SELECT * INTO STRICT g FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  IF g.state <> 'SETTLING' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF is_held('games', g.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  PERFORM lock_users(p_users);
  IF v_alone THEN
    PERFORM lock_for_credit(x.balance_id, ARRAY[g.bank_id]) FROM game_players x WHERE x.game_id = g.id AND x.user_id = p_users[1];
  ELSE
    PERFORM 1 FROM balances x
     WHERE x.id = ANY (g.bank_id || ARRAY(SELECT y.balance_id FROM game_players y WHERE y.game_id = g.id AND y.user_id = ANY (p_users)))
     ORDER BY x.id FOR NO KEY UPDATE;
  END IF;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = g.bank_id;

  WITH judged AS (
    SELECT x.user_id,
           CASE WHEN u.frozen THEN 'user_frozen' WHEN over_limit(y, x.payout) THEN 'balance_limit' END AS failure,
           NOT v_alone AND y.debt > 0 AND x.payout > 0 AS apart
      FROM game_players x JOIN users u ON u.id = x.user_id JOIN balances y ON y.id = x.balance_id
     WHERE x.game_id = g.id AND x.user_id = ANY (p_users) AND x.state = 'playing'),
  failed AS (
    UPDATE game_players x SET failure = j.failure FROM judged j
     WHERE x.game_id = g.id AND x.user_id = j.user_id AND j.failure IS NOT NULL RETURNING x.user_id)
  SELECT array_agg(j.user_id ORDER BY j.user_id) FILTER (WHERE j.failure IS NULL AND NOT j.apart),
         array_agg(j.user_id ORDER BY j.user_id) FILTER (WHERE j.failure IS NULL AND j.apart), (SELECT count(*) FROM failed)
    INTO v_go, v_apart, v_failed FROM judged j;

  SELECT array_agg((m.key, m.leg, m.type, m.debit, m.credit, m.amount, 'game', g.id)::posting ORDER BY x.user_id, m.nth) INTO v_postings
    FROM game_players x JOIN balances y ON y.id = x.balance_id
   CROSS JOIN LATERAL (VALUES
     (1, settlement_key(g.id, x.user_id) || '/stakes', 0, 'LOSS', y.reserved_account, k.available_account, x.total_bet - x.stake_won),
     (2, settlement_key(g.id, x.user_id) || '/stakes', 1, 'STAKE', y.reserved_account, k.reserved_account, x.stake_won),
     (3, settlement_key(g.id, x.user_id), 0, 'WIN', k.reserved_account, y.available_account, CASE WHEN v_alone THEN 0 ELSE x.payout END),
     (4, settlement_key(g.id, x.user_id) || '/stakes', 2, 'RELEASE', k.reserved_account, k.available_account, x.stake_won - x.payout)
   ) AS m (nth, key, leg, type, debit, credit, amount)
   WHERE x.game_id = g.id AND x.user_id = ANY (v_go) AND m.amount > 0;
  IF v_postings IS NOT NULL THEN PERFORM post(v_postings); END IF;
  IF v_alone THEN -- repays first what the user owes
    FOR p IN SELECT * FROM game_players x WHERE x.game_id = g.id AND x.user_id = ANY (v_go) AND x.payout > 0 LOOP
      SELECT * INTO STRICT b FROM balances x WHERE x.id = p.balance_id;
      PERFORM credit(settlement_key(g.id, p.user_id), 0, 'WIN', b, k.reserved_account, p.payout, 'game', g.id);
    END LOOP;
  END IF;

  UPDATE games x SET held = x.held - coalesce((SELECT sum(greatest(y.payout - y.stake_won, 0)) FROM game_players y WHERE y.game_id = g.id AND y.user_id = ANY (v_go)), 0)
   WHERE x.id = g.id;
  UPDATE bets x SET state = CASE x.side WHEN g.winner THEN 'won' ELSE 'lost' END, payout_transaction_id = settlement_key(g.id, x.user_id)
   WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  UPDATE game_players x SET state = 'settled', settlement_key = settlement_key(g.id, x.user_id), settled_at = moment(), failure = NULL
   WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  INSERT INTO user_stats AS s (user_id, currency, games, won, lost, wagered, paid)
  SELECT x.user_id, g.currency, 1, (x.stake_won > 0)::int, (x.stake_won = 0)::int, x.total_bet, x.payout
    FROM game_players x WHERE x.game_id = g.id AND x.user_id = ANY (v_go) ORDER BY x.user_id
  ON CONFLICT (user_id, currency) DO UPDATE
    SET games = s.games + 1, won = s.won + excluded.won, lost = s.lost + excluded.lost, wagered = s.wagered + excluded.wagered, paid = s.paid + excluded.paid;
  SELECT array_agg(player_step(g, x.user_id, settlement_key(g.id, x.user_id), g.winner, x.payout, x.total_bet,
                               CASE WHEN x.stake_won > 0 THEN 'win' ELSE 'lose' END, balance_record(y)) ORDER BY x.user_id) INTO v_steps
    FROM game_players x JOIN balances y ON y.id = x.balance_id WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  PERFORM announce_users('game_complete', 'system', 'ACTIVE', v_steps);
  RETURN jsonb_build_object('outcome', 'done', 'settled', coalesce(cardinality(v_go), 0), 'failed', v_failed, 'apart', to_jsonb(coalesce(v_apart, '{}')));
END $$;
REVOKE EXECUTE ON FUNCTION settle_users(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_users(text, text[]) TO oncepay_app;

-- player_step(…): what a game came to for one user, to the user and the merchant (GameCompleteRecord in src/games/rules/game.ts). A
-- step of the user's own story, so that one user's events come in order and nobody's wait for another's.
CREATE OR REPLACE FUNCTION player_step(g games, p_user text, p_key text, p_winner text, p_amount bigint, p_total_bet bigint, p_result text, p_balance jsonb)
RETURNS user_step LANGUAGE sql IMMUTABLE AS $$
  SELECT (p_user, p_key, '{}', jsonb_build_object(
    'gameId', g.id, 'winner', p_winner, 'amountMinor', p_amount::text, 'totalBetMinor', p_total_bet::text,
    'netProfitMinor', (p_amount - p_total_bet)::text, 'result', p_result, 'balance', p_balance))::user_step
$$;

-- fail_player(game, user, reason): one who could be neither settled nor voided for a reason that no function knows: operators are
-- told, and the others go on.
CREATE OR REPLACE FUNCTION fail_player(p_game text, p_user text, p_reason text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM games x WHERE x.id = p_game AND x.state IN ('SETTLING', 'VOIDING') FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE game_players x SET failure = p_reason
    FROM games g WHERE g.id = p_game AND x.game_id = p_game AND x.user_id = p_user AND x.state = ANY (unsettled(g.state));
END $$;
REVOKE EXECUTE ON FUNCTION fail_player(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fail_player(text, text, text) TO oncepay_app;

-- unsettled(state): of which players something is to be done while the game is in this state.
CREATE OR REPLACE FUNCTION unsettled(p_state text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_state WHEN 'SETTLING' THEN ARRAY['playing'] WHEN 'VOIDING' THEN ARRAY['playing', 'settled'] ELSE '{}' END
$$;
