-- end_game(game): once of all players nothing is left to be done, settled or voided, or written down as failed, the game has come
-- to an end, maybe in part. Answers: more (players are left) · ended · stopped (it is neither being settled nor voided).
CREATE OR REPLACE FUNCTION end_game(p_game text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  v_failed bigint;
  v_players jsonb := '[]';
  v_fact text;
BEGIN
  SELECT * INTO STRICT g FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  IF g.state NOT IN ('SETTLING', 'VOIDING') THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF EXISTS (SELECT 1 FROM game_players x WHERE x.game_id = g.id AND x.state = ANY (unsettled(g.state)) AND x.failure IS NULL) THEN
    RETURN jsonb_build_object('outcome', 'more');
  END IF;
  SELECT count(*) INTO v_failed FROM game_players x WHERE x.game_id = g.id AND x.failure IS NOT NULL;
  IF v_failed > 0 THEN -- as they stand now: a retry forgets them. As many as are ever shown (src/games/reads.ts)
    SELECT jsonb_agg(jsonb_build_object('userId', x.user_id, 'reason', x.failure) ORDER BY x.user_id) INTO v_players
      FROM (SELECT f.user_id, f.failure FROM game_players f WHERE f.game_id = g.id AND f.failure IS NOT NULL ORDER BY f.user_id LIMIT 1000) x;
  END IF;
  v_fact := CASE g.state WHEN 'SETTLING' THEN 'settled' ELSE 'refunded' END || CASE WHEN v_failed > 0 THEN '_in_part' ELSE '' END;
  PERFORM move_game(g.id, v_fact, v_fact || ':' || g.sequence, 'system', jsonb_build_object('failed', v_failed) || CASE WHEN v_failed > 0 THEN jsonb_build_object('players', v_players) ELSE '{}' END);
  RETURN jsonb_build_object('outcome', 'ended');
END $$;
REVOKE EXECUTE ON FUNCTION end_game(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_game(text) TO oncepay_app;

-- retry_game(game, key, actor): those who failed are settled, or voided, again. Key: the caller's own, once for a game.
-- Answers: already · wrong_state (nobody has failed, or they are being settled) · begun.
CREATE OR REPLACE FUNCTION retry_game(p_game text, p_key text, p_actor text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
BEGIN
  SELECT * INTO STRICT g FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = g.id AND e.op_key = p_key) THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF NOT game_stuck(g.state) THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  UPDATE game_players x SET failure = NULL WHERE x.game_id = g.id AND x.failure IS NOT NULL;
  PERFORM move_game(g.id, 'retried', p_key, p_actor, '{}');
  RETURN jsonb_build_object('outcome', 'begun');
END $$;
REVOKE EXECUTE ON FUNCTION retry_game(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retry_game(text, text, text) TO oncepay_app;

-- void_game(game, reason, actor): from now on the game pays nobody, and all its players get their stakes back (void_users). What the
-- bank held for it is free: the stakes are the users' own, or were paid to the bank.
--   RELEASE  the bank's reserved → the bank's available
-- Key: game/<game>/void. Answers: already (void, or becoming so) · begun.
CREATE OR REPLACE FUNCTION void_game(p_game text, p_reason text, p_actor text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  k balances;
BEGIN
  SELECT * INTO STRICT g FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  IF g.void_reason IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'already'); END IF;
  IF g.held > 0 THEN
    SELECT * INTO STRICT k FROM balances x WHERE x.id = g.bank_id FOR NO KEY UPDATE;
    PERFORM post(ARRAY[('game/' || g.id || '/void', 0, 'RELEASE', k.reserved_account, k.available_account, g.held, 'game', g.id)::posting]);
  END IF;
  UPDATE games x SET held = 0, void_reason = p_reason WHERE x.id = g.id;
  UPDATE game_players x SET failure = NULL WHERE x.game_id = g.id AND x.failure IS NOT NULL;
  PERFORM move_game(g.id, 'voided', 'voided', p_actor, jsonb_build_object('reason', p_reason));
  RETURN jsonb_build_object('outcome', 'begun');
END $$;
REVOKE EXECUTE ON FUNCTION void_game(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION void_game(text, text, text) TO oncepay_app;

-- flag_overdue_games(most): shown to operators are open games whose time is over, once each, and games of which for a quarter of
-- an hour nothing was heard although they are being settled or voided (a hundred thousand players are some minutes): until the
-- end, or somebody has looked, and then again. Answers how many.
CREATE OR REPLACE FUNCTION flag_overdue_games(p_most int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  v_flagged int := 0;
BEGIN
  FOR g IN SELECT * FROM games x WHERE x.state = 'OPEN' AND x.overdue_at < now() AND x.overdue_at IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject_id = x.id AND e.op_key = 'overdue')
            ORDER BY x.id LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED LOOP
    PERFORM note_game(g.id, 'game.overdue', 'overdue', 'system', '{}', true);
    v_flagged := v_flagged + 1;
  END LOOP;
  FOR g IN SELECT * FROM games x WHERE x.state IN ('SETTLING', 'VOIDING') AND x.updated_at < now() - interval '15 minutes' AND NOT x.needs_operator
              AND pause_over('games', x.merchant_id, NULL) IS NULL
            ORDER BY x.id LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED LOOP
    PERFORM note_game(g.id, 'game.overdue', 'overdue:' || g.sequence, 'system', '{}', true);
    v_flagged := v_flagged + 1;
  END LOOP;
  RETURN v_flagged;
END $$;
REVOKE EXECUTE ON FUNCTION flag_overdue_games(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION flag_overdue_games(int) TO oncepay_app;

-- acknowledge_game(game, note, key, actor): an operator has seen what there was to see.
CREATE OR REPLACE FUNCTION acknowledge_game(p_game text, p_note text, p_key text, p_actor text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  PERFORM note_game(p_game, 'game.acknowledged', p_key, p_actor, jsonb_build_object('note', p_note), false);
END $$;
REVOKE EXECUTE ON FUNCTION acknowledge_game(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acknowledge_game(text, text, text, text) TO oncepay_app;

-- game_side_of(entry): the side that an entry of a game is about, for whoever reads their transactions: of a bet its own, of a win the
-- winner, of a loss those that were bet on in vain.
CREATE OR REPLACE FUNCTION game_side_of(e ledger_entries) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE e.type
    WHEN 'BET' THEN (SELECT b.side FROM bets b WHERE b.id = split_part(e.op_key, '/', 2))
    WHEN 'WIN' THEN (SELECT g.winner FROM games g WHERE g.id = e.subject_id)
    WHEN 'LOSS' THEN (SELECT string_agg(DISTINCT b.side, ',' ORDER BY b.side) FROM bets b JOIN games g ON g.id = b.game_id
                       WHERE b.game_id = e.subject_id AND b.user_id = split_part(e.op_key, '/', 4) AND b.side <> g.winner)
  END
$$;
