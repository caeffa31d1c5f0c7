-- void_users(game, users): gives these players of a void game their stakes back, the exact inverse of what was done. Of each one who
-- was not settled:
--   REFUND      the stakes                   the user's reserved → the user's available
-- and of each one who was:
--   WIN_BACK    the payout, as far as it is there  the user's available → the bank's available
--   STAKE_BACK  the stakes                   the bank's available → the user's reserved
--   REFUND      the stakes                   the user's reserved → the user's available
--   WIN_BACK    what is still to be given back, as far as the stakes go
--   DEBT        the rest, which the user owes the bank (owe.sql): new money repays it first
-- With the bets, the statistics and one event. A refund is no new money: it repays nothing. The bank gives of its own only what a
-- stake is more than the win that comes back: in the middle of these entries it may stand below nothing, after them never. Those
-- from whom it gets as much as it gives come first, so that it has that for the others.
-- Locks: the game, the users by id, all balances by id. Key: game/<game>/user/<user>/void.
-- Who cannot be voided now is written down with the reason: user_frozen · bank_insufficient (the bank has not what it won any more).
-- Answers: voided (how many), failed (how many); `stopped` where the game is not being voided, `paused` while a pause holds.
CREATE OR REPLACE FUNCTION void_users(p_game text, p_users text[]) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  k balances; -- the bank's
  p record;
  v_bank bigint;  -- what it has available, after those who came before
  v_key text;
  v_now bigint;   -- of the win, given back before the stakes come
  v_later bigint; -- and out of them
  v_failure text;
  v_failed int := 0;
  v_go text[] := '{}';
  v_owed bigint[] := '{}'; -- by each of them
  v_postings posting[] := '{}';
  v_steps user_step[];
BEGIN
  SELECT * INTO STRICT g FROM games x WHERE x.id = p_game FOR NO KEY UPDATE;
  IF g.state <> 'VOIDING' THEN RETURN jsonb_build_object('outcome', 'stopped'); END IF;
  IF is_held('games', g.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  PERFORM lock_users(p_users);
  PERFORM 1 FROM balances x
   WHERE x.id = ANY (g.bank_id || ARRAY(SELECT y.balance_id FROM game_players y WHERE y.game_id = g.id AND y.user_id = ANY (p_users)))
   ORDER BY x.id FOR NO KEY UPDATE;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = g.bank_id;

  -- One after the other, since each takes of what the others leave in the bank; what they come to is booked at once.
  v_bank := k.available;
  FOR p IN SELECT x.*, u.frozen, y.available, y.available_account, y.reserved_account
             FROM game_players x JOIN users u ON u.id = x.user_id JOIN balances y ON y.id = x.balance_id
            WHERE x.game_id = g.id AND x.user_id = ANY (p_users) AND x.state <> 'voided'
            ORDER BY x.state = 'settled' AND x.payout < x.total_bet, x.user_id LOOP
    v_now := CASE p.state WHEN 'settled' THEN least(p.payout, p.available) ELSE 0 END;
    v_later := CASE p.state WHEN 'settled' THEN least(p.payout - v_now, p.total_bet) ELSE 0 END;
    v_failure := CASE WHEN p.frozen THEN 'user_frozen' WHEN p.state = 'settled' AND v_bank + v_now + v_later < p.total_bet THEN 'bank_insufficient' END;
    IF v_failure IS NOT NULL THEN
      UPDATE game_players x SET failure = v_failure WHERE x.game_id = g.id AND x.user_id = p.user_id;
      v_failed := v_failed + 1;
      CONTINUE;
    END IF;
    v_key := settlement_key(g.id, p.user_id) || '/void';
    v_go := v_go || p.user_id;
    v_owed := v_owed || CASE p.state WHEN 'settled' THEN p.payout - v_now - v_later ELSE 0 END;
    IF v_now > 0 THEN v_postings := v_postings || (v_key, 0, 'WIN_BACK', p.available_account, k.available_account, v_now, 'game', g.id)::posting; END IF;
    IF p.state = 'settled' THEN
      v_postings := v_postings || (v_key, 1, 'STAKE_BACK', k.available_account, p.reserved_account, p.total_bet, 'game', g.id)::posting;
      v_bank := v_bank + v_now - p.total_bet + v_later;
    END IF;
    v_postings := v_postings || (v_key, 2, 'REFUND', p.reserved_account, p.available_account, p.total_bet, 'game', g.id)::posting;
    IF v_later > 0 THEN v_postings := v_postings || (v_key, 4, 'WIN_BACK', p.available_account, k.available_account, v_later, 'game', g.id)::posting; END IF;
  END LOOP;
  IF cardinality(v_go) = 0 THEN RETURN jsonb_build_object('outcome', 'done', 'voided', 0, 'failed', v_failed); END IF;
  PERFORM post(v_postings);
  PERFORM owe(settlement_key(g.id, o.user_id) || '/void', 5, y, k, o.owed, 'game', g.id)
     FROM unnest(v_go, v_owed) o (user_id, owed)
     JOIN game_players x ON x.game_id = g.id AND x.user_id = o.user_id JOIN balances y ON y.id = x.balance_id
    WHERE o.owed > 0;

  UPDATE user_stats s SET games = s.games - 1, won = s.won - (x.stake_won > 0)::int, lost = s.lost - (x.stake_won = 0)::int,
                          wagered = s.wagered - x.total_bet, paid = s.paid - x.payout
    FROM game_players x
   WHERE x.game_id = g.id AND x.user_id = ANY (v_go) AND x.state = 'settled' AND s.user_id = x.user_id AND s.currency = g.currency;
  UPDATE bets x SET state = 'refunded', payout_transaction_id = settlement_key(g.id, x.user_id) WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  UPDATE game_players x SET state = 'voided', failure = NULL, settlement_key = settlement_key(g.id, x.user_id)
   WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  SELECT array_agg(player_step(g, x.user_id, settlement_key(g.id, x.user_id) || '/void', NULL, x.total_bet, x.total_bet, 'push', balance_record(y))
                   ORDER BY x.user_id) INTO v_steps
    FROM game_players x JOIN balances y ON y.id = x.balance_id WHERE x.game_id = g.id AND x.user_id = ANY (v_go);
  PERFORM announce_users('game_complete', 'system', 'ACTIVE', v_steps);
  RETURN jsonb_build_object('outcome', 'done', 'voided', cardinality(v_go), 'failed', v_failed);
END $$;
REVOKE EXECUTE ON FUNCTION void_users(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION void_users(text, text[]) TO oncepay_app;
