-- move_game(game, fact, key, actor, data): takes the edge of game_edges that this fact takes from the game's state, and tells it
-- by an event. The row must be locked. Raises where there is no such edge: its caller has looked.
CREATE OR REPLACE FUNCTION move_game(p_game text, p_fact text, p_key text, p_actor text, p_data jsonb) RETURNS games LANGUAGE plpgsql AS $$
DECLARE
  g games;
  v_from text;
  v_edge game_edges;
BEGIN
  SELECT x.state INTO STRICT v_from FROM games x WHERE x.id = p_game;
  SELECT * INTO v_edge FROM game_edges x WHERE x.from_state = v_from AND x.fact = p_fact;
  IF NOT FOUND THEN RAISE EXCEPTION 'game % is % and cannot take %', p_game, v_from, p_fact; END IF;
  UPDATE games x
     SET state = v_edge.to_state, sequence = x.sequence + 1, updated_at = moment(), ended_at = CASE WHEN game_final(v_edge.to_state) THEN moment() END,
         -- Of what was to be seen only that it is overdue, or settled in part, is over with it.
         needs_operator = game_stuck(v_edge.to_state) OR x.needs_operator AND NOT (v_from = 'OPEN' OR game_stuck(v_from))
   WHERE x.id = p_game RETURNING * INTO STRICT g;
  PERFORM announce('game', g.id, ARRAY[('merchant', g.merchant_id)::owner_ref], g.mode, g.sequence, v_edge.event_type, p_key, p_actor,
                   v_from, g.state, p_data, game_record(g), NULL, true);
  RETURN g;
END $$;

-- note_game(game, type, key, actor, data, needs_operator): what operators are to see in the game's story; its state stays. Told
-- before under this key: nothing. The row must be locked.
CREATE OR REPLACE FUNCTION note_game(p_game text, p_type text, p_key text, p_actor text, p_data jsonb, p_needs_operator boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  g games;
BEGIN
  IF EXISTS (SELECT 1 FROM events e WHERE e.subject_id = p_game AND e.op_key = p_key) THEN RETURN; END IF;
  UPDATE games x SET sequence = x.sequence + 1, updated_at = moment(), needs_operator = p_needs_operator WHERE x.id = p_game RETURNING * INTO STRICT g;
  PERFORM announce('game', g.id, ARRAY[('merchant', g.merchant_id)::owner_ref], g.mode, g.sequence, p_type, p_key, p_actor,
                   g.state, g.state, p_data, game_record(g), NULL, false);
END $$;

-- game_record(game): the row as events carry it (GameRecord in src/games/rules/game.ts).
CREATE OR REPLACE FUNCTION game_record(g games) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', g.id, 'merchantId', g.merchant_id, 'mode', g.mode, 'type', g.type, 'currency', g.currency, 'state', g.state,
           'winner', g.winner, 'heldMinor', g.held::text, 'voidReason', g.void_reason, 'needsOperator', g.needs_operator, 'sequence', g.sequence,
           'createdAt', iso_time(g.created_at), 'completedAt', iso_time(g.completed_at), 'endedAt', iso_time(g.ended_at))
$$;
REVOKE EXECUTE ON FUNCTION game_record(games) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION game_record(games) TO oncepay_app; -- the API reads games in this shape too

-- settlement_key(game, user): the one name of what a user gets for a game, in the books and beside each bet.
CREATE OR REPLACE FUNCTION settlement_key(p_game text, p_user text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'game/' || p_game || '/user/' || p_user
$$;
