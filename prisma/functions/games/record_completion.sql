-- record_completion(request): a merchant says who won, and maybe what each winner gets; without that it follows the multipliers. The
-- first report counts, for ever: the game takes no more bets, each player's share is written down, and what the bank holds for the
-- game becomes what it has to pay beyond the winners' own stakes:
--   RESERVE or RELEASE  the difference  between the bank's available and reserved
-- Locks: the game, the bank. Key: game/<game>/completion.
-- Answers, the first that applies:
--   already            reported before, with the same winner and the same payouts
--   already_completed  reported before otherwise: `winner` counts, and comes to
--                      `paidMinor`. Operators are told, once for each such report
--   voided             the game is void, or becomes so
--   no_winning_bet     of `userIds`: nothing can be paid to who has not bet on the winner; nothing is written
--   bank_insufficient  the bank has not what is to be paid; nothing is written
--   recorded           done
-- Raises if the game is not this merchant's in this mode, or has no such side: the door has looked.
CREATE OR REPLACE FUNCTION record_completion(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  k balances;
  v_winner text := p_request ->> 'winner';
  v_said jsonb := nullif(p_request -> 'payouts', 'null');
  v_actor text := 'merchant:' || (p_request ->> 'merchantId');
  v_key text := 'game/' || (p_request ->> 'gameId') || '/completion';
  v_none text[];
  v_needed numeric;
  v_more bigint;
BEGIN
  SELECT * INTO g FROM games x WHERE x.id = p_request ->> 'gameId' FOR NO KEY UPDATE;
  IF NOT FOUND OR (g.merchant_id, g.mode) <> (p_request ->> 'merchantId', p_request ->> 'mode') THEN
    RAISE EXCEPTION 'game % is not of merchant % in mode %', p_request ->> 'gameId', p_request ->> 'merchantId', p_request ->> 'mode';
  END IF;
  PERFORM 1 FROM game_sides x WHERE x.game_id = g.id AND x.side = v_winner;
  IF NOT FOUND THEN RAISE EXCEPTION 'game % has no side %', g.id, v_winner; END IF;
  IF g.void_reason IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'voided'); END IF;
  IF v_said IS NOT NULL THEN
    SELECT array_agg(s.user_id ORDER BY s.user_id) INTO v_none FROM said_payouts(v_said) s
     WHERE NOT EXISTS (SELECT 1 FROM bets x WHERE x.game_id = g.id AND x.user_id = s.user_id AND x.side = v_winner);
  END IF;
  IF g.state <> 'OPEN' THEN
    IF g.winner = v_winner AND v_none IS NULL AND NOT EXISTS (
      SELECT 1 FROM game_players p JOIN shares_of(g.id, v_winner, v_said) s ON s.user_id = p.user_id WHERE p.game_id = g.id AND p.payout <> s.payout) THEN
      RETURN jsonb_build_object('outcome', 'already');
    END IF;
    PERFORM note_game(g.id, 'game.report_refused', 'refused:' || md5(jsonb_build_object('winner', v_winner, 'payouts', v_said)::text), v_actor,
                      jsonb_build_object('winner', v_winner, 'payouts', v_said IS NOT NULL, 'recorded', g.winner), true);
    RETURN jsonb_build_object('outcome', 'already_completed', 'winner', g.winner, 'currency', g.currency, 'paidMinor',
      (SELECT coalesce(sum(p.payout), 0)::text FROM game_players p WHERE p.game_id = g.id));
  END IF;
  IF v_none IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'no_winning_bet', 'userIds', v_none); END IF;

  SELECT * INTO STRICT k FROM balances x WHERE x.id = g.bank_id FOR NO KEY UPDATE;
  SELECT coalesce(sum(greatest(s.payout - s.stake_won, 0)), 0) INTO v_needed FROM shares_of(g.id, v_winner, v_said) s;
  IF v_needed > k.available::numeric + g.held THEN RETURN jsonb_build_object('outcome', 'bank_insufficient'); END IF;

  UPDATE game_players p SET stake_won = s.stake_won, payout = s.payout FROM shares_of(g.id, v_winner, v_said) s WHERE p.game_id = g.id AND p.user_id = s.user_id;
  v_more := v_needed::bigint - g.held;
  IF v_more > 0 THEN
    PERFORM post(ARRAY[(v_key, 0, 'RESERVE', k.available_account, k.reserved_account, v_more, 'game', g.id)::posting]);
  ELSIF v_more < 0 THEN
    PERFORM post(ARRAY[(v_key, 0, 'RELEASE', k.reserved_account, k.available_account, -v_more, 'game', g.id)::posting]);
  END IF;
  UPDATE games x SET winner = v_winner, held = v_needed::bigint, completed_at = moment() WHERE x.id = g.id;
  PERFORM move_game(g.id, 'completed', 'completed', v_actor, jsonb_build_object('winner', v_winner, 'payouts', v_said IS NOT NULL));
  RETURN jsonb_build_object('outcome', 'recorded');
END $$;
REVOKE EXECUTE ON FUNCTION record_completion(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_completion(jsonb) TO oncepay_app;

CREATE OR REPLACE FUNCTION said_payouts(p_said jsonb) RETURNS TABLE (user_id text, amount bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT s."userId", s."amountMinor" FROM jsonb_to_recordset(p_said) AS s ("userId" text, "amountMinor" bigint)
$$;

-- shares_of(game, winner, said): of each player what of the stakes is on the winner, and what the player gets: what the report says,
-- or, where it says nothing (null), the prizes of the winning bets.
CREATE OR REPLACE FUNCTION shares_of(p_game text, p_winner text, p_said jsonb) RETURNS TABLE (user_id text, stake_won bigint, payout bigint) LANGUAGE sql STABLE AS $$
  SELECT b.user_id, b.stake_won, CASE WHEN p_said IS NULL THEN b.prizes ELSE coalesce(s.amount, 0) END
    FROM (SELECT x.user_id, coalesce(sum(x.amount) FILTER (WHERE x.side = p_winner), 0)::bigint AS stake_won,
                 coalesce(sum(x.prize) FILTER (WHERE x.side = p_winner), 0)::bigint AS prizes
            FROM bets x WHERE x.game_id = p_game GROUP BY x.user_id) b
    LEFT JOIN said_payouts(p_said) s ON s.user_id = b.user_id
$$;
