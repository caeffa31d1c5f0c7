-- place_bet(request): a user's stake on a side of an open game:
--   BET      amount  the user's available → the user's reserved, until the game is settled
--   RESERVE  more    the bank's available → the bank's reserved: so much more than before the bank could lose by this game. That is
--                    the most of what it would lose by any side: the winnings less the stakes of those who win. What the others
--                    lose pays nobody, so that nobody waits for it.
-- Locks: the game, the user, the two balances by id. Key: the bet's id.
-- Answers, the first that applies:
--   already               this bet was placed before: the same bet
--   game_closed           the game takes no bets (any more)
--   paused                a pause holds: nothing new is begun; nothing booked
--   user_frozen           nothing booked, and a repeat may find the user free
--   insufficient_balance  the user has not enough available; nothing booked
--   bank_insufficient     the bank could not pay the most that may be won; nothing booked
--   placed                done
-- Raises if the game or the user is not this merchant's in this mode, or has no such side: the door has looked.
CREATE OR REPLACE FUNCTION place_bet(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  g games;
  s game_sides;
  u users;
  t bets;
  b balances; -- the user's
  k balances; -- the bank's
  v_tenant text[] := ARRAY[p_request ->> 'merchantId', p_request ->> 'mode'];
  v_bet text := p_request ->> 'betId';
  v_amount bigint := (p_request ->> 'amountMinor')::bigint;
  v_prize bigint;
  v_more bigint;
  v_postings posting[];
BEGIN
  SELECT * INTO g FROM games x WHERE x.id = p_request ->> 'gameId' FOR NO KEY UPDATE;
  IF NOT FOUND OR ARRAY[g.merchant_id, g.mode] <> v_tenant THEN RAISE EXCEPTION 'game % is not of merchant % in mode %', p_request ->> 'gameId', v_tenant[1], v_tenant[2]; END IF;
  SELECT * INTO t FROM bets x WHERE x.id = v_bet;
  IF FOUND THEN
    IF (t.game_id, t.user_id, t.side, t.amount) <> (g.id, p_request ->> 'userId', p_request ->> 'side', v_amount) THEN RAISE EXCEPTION 'bet % is another one', v_bet; END IF;
    RETURN jsonb_build_object('outcome', 'already', 'bet', bet_record(t, g));
  END IF;
  SELECT * INTO STRICT s FROM game_sides x WHERE x.game_id = g.id AND x.side = p_request ->> 'side';
  IF g.state <> 'OPEN' THEN RETURN jsonb_build_object('outcome', 'game_closed'); END IF;
  IF is_held('games', g.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  SELECT * INTO u FROM lock_users(ARRAY[p_request ->> 'userId']);
  IF NOT FOUND OR ARRAY[u.merchant_id, u.mode] <> v_tenant THEN RAISE EXCEPTION 'user % is not of merchant % in mode %', p_request ->> 'userId', v_tenant[1], v_tenant[2]; END IF;
  IF u.frozen THEN RETURN jsonb_build_object('outcome', 'user_frozen'); END IF;

  SELECT * INTO b FROM balances x WHERE x.mode = g.mode AND x.owner_kind = 'user' AND x.owner_id = u.id AND x.currency = g.currency;
  IF NOT FOUND OR b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  PERFORM 1 FROM balances x WHERE x.id IN (b.id, g.bank_id) ORDER BY x.id FOR NO KEY UPDATE;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = b.id;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = g.bank_id;
  IF b.available < v_amount THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  v_prize := prize_of(v_amount, s.multiplier_bps);
  v_more := greatest(s.liability + v_prize - v_amount - g.held, 0); -- an open game holds the most of its sides
  IF k.available < v_more THEN RETURN jsonb_build_object('outcome', 'bank_insufficient'); END IF;

  v_postings := ARRAY[('bet/' || v_bet, 0, 'BET', b.available_account, b.reserved_account, v_amount, 'game', g.id)::posting];
  IF v_more > 0 THEN
    v_postings := v_postings || ('bet/' || v_bet, 1, 'RESERVE', k.available_account, k.reserved_account, v_more, 'game', g.id)::posting;
  END IF;
  PERFORM post(v_postings);
  UPDATE games x SET held = x.held + v_more WHERE x.id = g.id RETURNING * INTO STRICT g;
  UPDATE game_sides x SET stakes = x.stakes + v_amount, liability = x.liability + v_prize - v_amount WHERE x.game_id = g.id AND x.side = s.side;
  INSERT INTO game_players AS p (game_id, user_id, balance_id, total_bet) VALUES (g.id, u.id, b.id, v_amount)
  ON CONFLICT (game_id, user_id) DO UPDATE SET total_bet = p.total_bet + v_amount;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = b.id;
  INSERT INTO bets (id, game_id, user_id, side, amount, prize, balance_after, balance_version)
  VALUES (v_bet, g.id, u.id, s.side, v_amount, v_prize, b.available, b.version) RETURNING * INTO STRICT t;
  RETURN jsonb_build_object('outcome', 'placed', 'bet', bet_record(t, g));
END $$;
REVOKE EXECUTE ON FUNCTION place_bet(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION place_bet(jsonb) TO oncepay_app;

-- prize_of(amount, multiplier): what a winning bet brings, its stake included, in whole minor units (prizeOf in src/games/rules/payouts.ts).
CREATE OR REPLACE FUNCTION prize_of(p_amount bigint, p_multiplier_bps int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(p_amount::numeric * p_multiplier_bps / 10000)::bigint
$$;

-- bet_record(bet, game): the row as the API reads it (BetRecord in src/games/rules/game.ts).
CREATE OR REPLACE FUNCTION bet_record(t bets, g games) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', t.id, 'gameId', t.game_id, 'userId', t.user_id, 'side', t.side, 'amountMinor', t.amount::text, 'currency', g.currency,
           'state', t.state, 'payoutTransactionId', t.payout_transaction_id, 'balanceAfterMinor', t.balance_after::text,
           'balanceVersion', t.balance_version, 'placedAt', iso_time(t.placed_at))
$$;
REVOKE EXECUTE ON FUNCTION bet_record(bets, games) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bet_record(bets, games) TO oncepay_app; -- the API reads bets in this shape too
