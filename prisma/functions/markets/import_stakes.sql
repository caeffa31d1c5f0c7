-- open_import(request): stakes on this market will come as lines. Key: the import's id; again is nothing.
-- Answers, the first that applies:
--   opened         done, now or before
--   market_closed  the market takes no stakes (any more)
-- Raises if the market is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION open_import(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  m markets;
  v_id text := p_request ->> 'importId';
BEGIN
  SELECT * INTO m FROM markets x WHERE x.id = p_request ->> 'marketId' AND x.merchant_id = p_request ->> 'merchantId' AND x.mode = p_request ->> 'mode';
  IF NOT FOUND THEN RAISE EXCEPTION 'market % is not of merchant % in mode %', p_request ->> 'marketId', p_request ->> 'merchantId', p_request ->> 'mode'; END IF;
  IF market_closed(m) AND NOT EXISTS (SELECT 1 FROM imports x WHERE x.id = v_id) THEN RETURN jsonb_build_object('outcome', 'market_closed'); END IF;
  INSERT INTO imports (id, market_id, merchant_id, mode) VALUES (v_id, m.id, m.merchant_id, m.mode) ON CONFLICT DO NOTHING;
  RETURN jsonb_build_object('outcome', 'opened');
END $$;
REVOKE EXECUTE ON FUNCTION open_import(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_import(jsonb) TO oncepay_app;

-- import_record(import): the row as the API reads it (ImportRecord in src/markets/importReads.ts).
CREATE OR REPLACE FUNCTION import_record(i imports) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('id', i.id, 'marketId', i.market_id, 'lines', i.lines, 'accepted', i.accepted, 'rejected', i.rejected,
           'createdAt', iso_time(i.created_at), 'updatedAt', iso_time(i.updated_at))
$$;
REVOKE EXECUTE ON FUNCTION import_record(imports) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_record(imports) TO oncepay_app; -- the API reads imports in this shape too

-- import_stakes(request): some lines of an import, in their order, all of them in this transaction. Each is taken in as commit_stake would, or
-- refused and written down with a code and a detail; once for its key, whatever it says the second time.
--   COMMITMENT  amount  each user's available → the pool's available
-- Locks: the import, the market, the users by id, all balances by id. Key: the line's own, once for an import; commitment/<id> in the books.
-- A line is refused by the first that applies:
--   (its own)             it was read wrong: the code and the detail that it came with
--   unknown_user          nobody of this merchant's in this mode
--   unknown_option        nothing that can be staked on in this market
--   user_frozen           while nothing moves the user's money
--   insufficient_balance  the user has not enough available, after the lines before it that were taken in
--   balance_limit         the pool would be over 10^18
-- Answers: accepted and rejected, of the lines that were new; market_closed: the market takes no stakes (any more), and no line was written;
-- paused: a pause holds, and neither was one.
-- Raises if the import is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION import_stakes(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$ -- as post
DECLARE
  i imports;
  m markets;
  k balances; -- the pool
  v_lines import_stake[];
  v_accepted int;
  v_rejected int;
BEGIN
  SELECT * INTO i FROM imports x WHERE x.id = p_request ->> 'importId' FOR NO KEY UPDATE;
  IF NOT FOUND OR (i.merchant_id, i.mode) <> (p_request ->> 'merchantId', p_request ->> 'mode') THEN
    RAISE EXCEPTION 'import % is not of merchant % in mode %', p_request ->> 'importId', p_request ->> 'merchantId', p_request ->> 'mode';
  END IF;
  SELECT * INTO STRICT m FROM markets x WHERE x.id = i.market_id FOR NO KEY UPDATE;
  IF market_closed(m) THEN RETURN jsonb_build_object('outcome', 'market_closed', 'accepted', 0, 'rejected', 0); END IF;
  IF is_held('markets', m.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused', 'accepted', 0, 'rejected', 0); END IF;

  -- Of a key that comes twice the first counts.
  SELECT array_agg((x.nth, x.key, x.line, x."commitmentId", x."userId", x."optionId", x.position, x."amountMinor"::bigint, NULL::bigint, x.code, x.detail)::import_stake ORDER BY x.nth)
    INTO v_lines
    FROM (SELECT DISTINCT ON (l.value ->> 'key') l.nth, r.* FROM jsonb_array_elements(p_request -> 'lines') WITH ORDINALITY l (value, nth)
           CROSS JOIN LATERAL jsonb_to_record(l.value) AS r (key text, line int, "commitmentId" text, "userId" text, "optionId" text, position text, "amountMinor" text, code text, detail text)
           ORDER BY l.value ->> 'key', l.nth) x
   WHERE (SELECT o.line FROM import_lines o WHERE o.import_id = i.id AND o.key = x.key) IS NULL;
  IF v_lines IS NULL THEN RETURN jsonb_build_object('outcome', 'taken_in', 'accepted', 0, 'rejected', 0); END IF;

  PERFORM lock_users(ARRAY(SELECT DISTINCT l.user_id FROM unnest(v_lines) l WHERE l.code IS NULL));
  PERFORM 1 FROM balances b
   WHERE b.id = ANY (m.pool_id || ARRAY(
     SELECT (SELECT y.id FROM balances y WHERE y.mode = m.mode AND y.owner_kind = 'user' AND y.owner_id = l.user_id AND y.currency = m.currency)
       FROM unnest(v_lines) l WHERE l.code IS NULL))
   ORDER BY b.id FOR NO KEY UPDATE;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = m.pool_id;
  IF m.closes_at <= moment() THEN RETURN jsonb_build_object('outcome', 'market_closed', 'accepted', 0, 'rejected', 0); END IF; -- while we waited for the users
  v_lines := refuse_overdrawn(judge_stakes(m, v_lines), 1000000000000000000 - k.available);

  PERFORM take_stakes(m, k, i.id, v_lines) WHERE EXISTS (SELECT 1 FROM unnest(v_lines) l WHERE l.code IS NULL);
  INSERT INTO import_lines (import_id, key, nth, line, commitment_id, code, detail)
  SELECT i.id, l.key, i.lines + row_number() OVER (ORDER BY l.nth), l.line, CASE WHEN l.code IS NULL THEN l.commitment_id END, l.code, l.detail FROM unnest(v_lines) l ORDER BY l.nth;
  SELECT count(*) FILTER (WHERE l.code IS NULL), count(*) FILTER (WHERE l.code IS NOT NULL) INTO v_accepted, v_rejected FROM unnest(v_lines) l;
  UPDATE imports x SET lines = x.lines + v_accepted + v_rejected, accepted = x.accepted + v_accepted, rejected = x.rejected + v_rejected, updated_at = moment() WHERE x.id = i.id;
  RETURN jsonb_build_object('outcome', 'taken_in', 'accepted', v_accepted, 'rejected', v_rejected);
END $$;
REVOKE EXECUTE ON FUNCTION import_stakes(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_stakes(jsonb) TO oncepay_app;

-- judge_stakes(market, lines): who may stake on what, line by line: with the user's balance, or why not. Asked for one by one, by subqueries
-- (pay_users.sql): as a join, planned before the statistics know of users who have just been entered, it read all of them for each line.
CREATE OR REPLACE FUNCTION judge_stakes(m markets, p_lines import_stake[]) RETURNS import_stake[] LANGUAGE sql STABLE AS $$
  SELECT array_agg((l.nth, l.key, l.line, l.commitment_id, l.user_id, l.option_id, l.position, l.amount, b.id, j.code,
                    CASE WHEN l.code IS NOT NULL THEN l.detail ELSE refusal_detail(j.code) END)::import_stake ORDER BY l.nth)
    FROM unnest(p_lines) l
   CROSS JOIN LATERAL (SELECT (SELECT CASE WHEN (x.merchant_id, x.mode) = (m.merchant_id, m.mode) THEN x.frozen END FROM users x WHERE x.id = l.user_id) AS frozen OFFSET 0) u
   CROSS JOIN LATERAL (SELECT (SELECT x.option_id FROM market_options x WHERE x.market_id = m.id AND x.option_id = l.option_id) AS id OFFSET 0) o
   CROSS JOIN LATERAL (SELECT (SELECT x.id FROM balances x
                                WHERE x.mode = m.mode AND x.owner_kind = 'user' AND x.owner_id = l.user_id AND x.currency = m.currency) AS id OFFSET 0) b
   CROSS JOIN LATERAL (SELECT CASE WHEN l.code IS NOT NULL THEN l.code WHEN u.frozen IS NULL THEN 'unknown_user' WHEN o.id IS NULL THEN 'unknown_option'
                                   WHEN u.frozen THEN 'user_frozen' WHEN b.id IS NULL THEN 'insufficient_balance' END AS code) j
$$;

-- refuse_overdrawn(lines, room): in the order of the lines, those that their user can pay, and the pool can take, after those before.
-- Where a user has enough for all lines, which is nearly always, none is looked at alone.
CREATE OR REPLACE FUNCTION refuse_overdrawn(p_lines import_stake[], p_room bigint) RETURNS import_stake[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  l import_stake;
  v_room bigint := p_room;
  v_left jsonb := '{}'; -- of those who have not enough for all
BEGIN
  SELECT coalesce(jsonb_object_agg(t.user_id, b.available), '{}') INTO v_left
    FROM (SELECT x.user_id, x.balance_id, sum(x.amount) AS amount FROM unnest(p_lines) x WHERE x.code IS NULL GROUP BY 1, 2) t
   CROSS JOIN LATERAL (SELECT * FROM balances x WHERE x.id = t.balance_id OFFSET 0) b WHERE b.available < t.amount;
  IF v_left = '{}' AND (SELECT coalesce(sum(x.amount), 0) FROM unnest(p_lines) x WHERE x.code IS NULL) <= p_room THEN RETURN p_lines; END IF;
  FOR n IN 1 .. cardinality(p_lines) LOOP
    l := p_lines[n];
    CONTINUE WHEN l.code IS NOT NULL;
    l.code := CASE WHEN (v_left ->> l.user_id)::bigint < l.amount THEN 'insufficient_balance' WHEN v_room < l.amount THEN 'balance_limit' END;
    l.detail := refusal_detail(l.code);
    p_lines[n] := l;
    CONTINUE WHEN l.code IS NOT NULL;
    v_room := v_room - l.amount;
    IF v_left ? l.user_id THEN v_left := v_left || jsonb_build_object(l.user_id, (v_left ->> l.user_id)::bigint - l.amount); END IF;
  END LOOP;
  RETURN p_lines;
END $$;

-- take_stakes(market, pool, import, lines): those that nothing speaks against, with everything that is kept of them.
CREATE OR REPLACE FUNCTION take_stakes(m markets, k balances, p_import text, p_lines import_stake[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_participants int;
BEGIN
  -- Before the balances and positions move: what each stake found, and what it left.
  INSERT INTO commitments (id, market_id, user_id, option_id, position, amount, staked_before, balance_after, balance_version, import_id)
  SELECT l.commitment_id, m.id, l.user_id, l.option_id, l.position, l.amount,
         coalesce((SELECT p.staked FROM market_positions p WHERE p.market_id = m.id AND p.user_id = l.user_id AND p.option_id = l.option_id), 0) + sum(l.amount) OVER o - l.amount,
         b.available - sum(l.amount) OVER u, b.version + count(*) OVER u, p_import
    FROM unnest(p_lines) l CROSS JOIN LATERAL (SELECT * FROM balances x WHERE x.id = l.balance_id OFFSET 0) b
   WHERE l.code IS NULL
  WINDOW u AS (PARTITION BY l.user_id ORDER BY l.nth), o AS (PARTITION BY l.user_id, l.option_id ORDER BY l.nth)
   ORDER BY l.nth;
  PERFORM post(ARRAY(
    SELECT ('commitment/' || l.commitment_id, 0, 'COMMITMENT', b.available_account, k.available_account, l.amount, 'market', m.id)::posting
      FROM unnest(p_lines) l CROSS JOIN LATERAL (SELECT * FROM balances x WHERE x.id = l.balance_id OFFSET 0) b WHERE l.code IS NULL ORDER BY l.nth));

  UPDATE market_options x
     SET staked = x.staked + t.amount, commitments = x.commitments + t.stakes, participants = x.participants + t.users
    FROM (SELECT l.option_id, sum(l.amount) AS amount, count(*) AS stakes, count(DISTINCT l.user_id) FILTER (WHERE (SELECT p.staked FROM market_positions p WHERE p.market_id = m.id AND p.user_id = l.user_id AND p.option_id = l.option_id) IS NULL) AS users
            FROM unnest(p_lines) l WHERE l.code IS NULL GROUP BY 1) t
   WHERE x.market_id = m.id AND x.option_id = t.option_id;
  SELECT count(DISTINCT l.user_id) INTO v_participants FROM unnest(p_lines) l
   WHERE l.code IS NULL AND (SELECT p.user_id FROM market_participants p WHERE p.market_id = m.id AND p.user_id = l.user_id) IS NULL;
  UPDATE markets x SET staked = x.staked + t.amount, commitments = x.commitments + t.stakes, participants = x.participants + v_participants
    FROM (SELECT sum(l.amount) AS amount, count(*) AS stakes FROM unnest(p_lines) l WHERE l.code IS NULL) t WHERE x.id = m.id;
  PERFORM tally_stakes(m, count(*), sum(l.amount), v_participants, array_agg(DISTINCT l.user_id)) FROM unnest(p_lines) l WHERE l.code IS NULL;
  INSERT INTO market_participants AS x (market_id, user_id, balance_id, staked)
  SELECT m.id, l.user_id, l.balance_id, sum(l.amount) FROM unnest(p_lines) l WHERE l.code IS NULL GROUP BY l.user_id, l.balance_id ORDER BY l.user_id
  ON CONFLICT (market_id, user_id) DO UPDATE SET staked = x.staked + excluded.staked;
  INSERT INTO market_positions AS x (market_id, user_id, option_id, staked, commitments)
  SELECT m.id, l.user_id, l.option_id, sum(l.amount), count(*) FROM unnest(p_lines) l WHERE l.code IS NULL GROUP BY 2, 3 ORDER BY 2, 3
  ON CONFLICT (market_id, user_id, option_id) DO UPDATE SET staked = x.staked + excluded.staked, commitments = x.commitments + excluded.commitments;
END $$;

-- refusal_detail(code): why a line was refused, for whoever mends it.
CREATE OR REPLACE FUNCTION refusal_detail(p_code text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_code
    WHEN 'unknown_user' THEN 'There is no user with this id for this key.'
    WHEN 'unknown_option' THEN 'This market has no such option.'
    WHEN 'user_frozen' THEN 'This user is frozen: nothing moves their money.'
    WHEN 'insufficient_balance' THEN 'The user’s available balance does not cover the stake.'
    WHEN 'balance_limit' THEN 'The pool of this market would be too large.'
  END
$$;
