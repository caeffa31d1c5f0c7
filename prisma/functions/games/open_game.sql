-- open_game(request): a game that users may bet on, with its sides at their multipliers: they stay as they are for this game.
-- Key: the game's id; again is nothing.
CREATE OR REPLACE FUNCTION open_game(p_request jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  k balances; -- the bank's
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
BEGIN
  k := open_balance(v_merchant, v_mode, 'bank', v_merchant, p_request ->> 'currency');
  INSERT INTO games (id, merchant_id, mode, type, currency, bank_id, state, overdue_at, sequence)
  VALUES (p_request ->> 'gameId', v_merchant, v_mode, p_request ->> 'type', p_request ->> 'currency', k.id, 'OPEN',
          moment() + (p_request ->> 'overdueAfterMs')::bigint * interval '1 millisecond', 1)
  ON CONFLICT DO NOTHING RETURNING * INTO g;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO game_sides (game_id, side, multiplier_bps)
  SELECT g.id, s.side, s."multiplierBps" FROM jsonb_to_recordset(p_request -> 'sides') AS s (side text, "multiplierBps" int);
  PERFORM announce('game', g.id, ARRAY[('merchant', g.merchant_id)::owner_ref], g.mode, g.sequence, 'game.opened', 'opened', 'merchant:' || v_merchant,
                   NULL, g.state, '{}', game_record(g), NULL, true);
END $$;
REVOKE EXECUTE ON FUNCTION open_game(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_game(jsonb) TO oncepay_app;
