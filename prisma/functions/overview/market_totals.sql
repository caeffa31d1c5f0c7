-- The figures of markets are kept, not counted. Stakes have no events to be folded: a tally of each market and day is written with the stake,
-- the end or the way back, under the market's lock, so that nobody waits for another market's; fold_tallies brings it into the totals.

-- today(): the day of the figures, by the clock of the books.
CREATE OR REPLACE FUNCTION today() RETURNS date LANGUAGE sql STABLE AS $$
  SELECT (moment() AT TIME ZONE 'UTC')::date
$$;

-- tally_stakes(market, commitments, staked, participants, users): so many stakes more, of these users. The market and the users must be locked.
CREATE OR REPLACE FUNCTION tally_stakes(m markets, p_commitments bigint, p_staked numeric, p_participants bigint, p_users text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_new bigint;
  v_active bigint;
BEGIN
  SELECT count(*) FILTER (WHERE s.seen IS NULL), count(*) FILTER (WHERE s.seen IS NULL OR s.seen < today()) INTO v_new, v_active
    FROM unnest(p_users) u, LATERAL (SELECT (SELECT x.active_on FROM market_users x WHERE x.user_id = u AND x.currency = m.currency) AS seen OFFSET 0) s;
  IF v_active > 0 THEN
    INSERT INTO market_users AS x (user_id, currency, active_on) SELECT u, m.currency, today() FROM unnest(p_users) u ORDER BY u
    ON CONFLICT (user_id, currency) DO UPDATE SET active_on = excluded.active_on WHERE x.active_on < excluded.active_on;
  END IF;
  INSERT INTO market_tallies AS x (market_id, day, merchant_id, mode, currency, commitments, staked, participants, users, active_users)
  VALUES (m.id, today(), m.merchant_id, m.mode, m.currency, p_commitments, p_staked, p_participants, v_new, v_active)
  ON CONFLICT (market_id, day) DO UPDATE SET commitments = x.commitments + excluded.commitments, staked = x.staked + excluded.staked,
    participants = x.participants + excluded.participants, users = x.users + excluded.users, active_users = x.active_users + excluded.active_users;
END $$;

-- tally_resolution(resolution, sign): what it paid, or with -1 what was taken back again. The market must be locked.
CREATE OR REPLACE FUNCTION tally_resolution(r resolutions, p_sign int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO market_tallies AS x (market_id, day, merchant_id, mode, currency, resolutions, rollbacks, paid, house_fees, creator_fees)
  VALUES (r.market_id, today(), r.merchant_id, r.mode, r.currency, (p_sign = 1)::int, (p_sign = -1)::int, p_sign * r.paid, p_sign * r.house_fee, p_sign * r.creator_fee)
  ON CONFLICT (market_id, day) DO UPDATE SET resolutions = x.resolutions + excluded.resolutions, rollbacks = x.rollbacks + excluded.rollbacks,
    paid = x.paid + excluded.paid, house_fees = x.house_fees + excluded.house_fees, creator_fees = x.creator_fees + excluded.creator_fees
$$;

-- fold_tallies(most): some tallies, at most so many, into the totals: of each merchant, and of all ('' for the merchant), of the day and
-- ever. Answers how many. All or nothing, each once: a tally is deleted with it. One that is being written is left for the next time.
CREATE OR REPLACE FUNCTION fold_tallies(p_most int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_folded int;
BEGIN
  PERFORM 1 FROM folded_events x WHERE x.id = 1 FOR UPDATE SKIP LOCKED; -- of two who fold, one does
  IF NOT FOUND THEN RETURN 0; END IF;
  WITH next AS MATERIALIZED (
    SELECT x.market_id, x.day FROM market_tallies x ORDER BY x.market_id, x.day LIMIT p_most FOR UPDATE SKIP LOCKED
  ), taken AS (
    DELETE FROM market_tallies x USING next s WHERE x.market_id = s.market_id AND x.day = s.day RETURNING x.*
  ), folded AS (
    INSERT INTO market_totals AS t (merchant_id, mode, span, day, currency, commitments, staked, participants, users, active_users, resolutions, rollbacks, paid, house_fees, creator_fees)
    SELECT o.id, x.mode, p.span, p.day, x.currency, sum(x.commitments), sum(x.staked), sum(x.participants), sum(x.users), sum(x.active_users),
           sum(x.resolutions), sum(x.rollbacks), sum(x.paid), sum(x.house_fees), sum(x.creator_fees)
      FROM taken x, LATERAL (VALUES (''), (x.merchant_id)) o (id), LATERAL (VALUES ('day', x.day), ('ever', date '0001-01-01')) p (span, day)
     GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (merchant_id, mode, span, day, currency) DO UPDATE SET commitments = t.commitments + excluded.commitments, staked = t.staked + excluded.staked,
      participants = t.participants + excluded.participants, users = t.users + excluded.users, active_users = t.active_users + excluded.active_users,
      resolutions = t.resolutions + excluded.resolutions, rollbacks = t.rollbacks + excluded.rollbacks, paid = t.paid + excluded.paid,
      house_fees = t.house_fees + excluded.house_fees, creator_fees = t.creator_fees + excluded.creator_fees)
  SELECT count(*) INTO v_folded FROM taken;
  RETURN v_folded;
END $$;
REVOKE EXECUTE ON FUNCTION fold_tallies(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_tallies(int) TO oncepay_app;

-- market_figures(merchant, mode, days): the kept totals, and on top of them what is not folded yet, of one snapshot: as things stand now. `''` for
-- the merchant: of all; null for the mode: of both. Of `ever`, and of each day from this one on.
CREATE OR REPLACE FUNCTION market_figures(p_merchant text, p_mode text, p_days date)
RETURNS TABLE (span text, day date, mode text, currency text, commitments numeric, staked numeric, participants numeric, users numeric, active_users numeric,
               resolutions numeric, rollbacks numeric, paid numeric, house_fees numeric, creator_fees numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.span, t.day, t.mode, t.currency, sum(t.commitments), sum(t.staked), sum(t.participants), sum(t.users), sum(t.active_users),
         sum(t.resolutions), sum(t.rollbacks), sum(t.paid), sum(t.house_fees), sum(t.creator_fees)
    FROM (SELECT x.span, x.day, x.mode, x.currency, x.commitments, x.staked, x.participants, x.users, x.active_users, x.resolutions, x.rollbacks, x.paid, x.house_fees, x.creator_fees
            FROM market_totals x
           WHERE x.merchant_id = p_merchant AND x.mode = ANY (modes(p_mode)) AND (x.span = 'day' AND x.day >= p_days OR x.span = 'ever' AND x.day = date '0001-01-01')
           UNION ALL
          SELECT p.span, p.day, x.mode, x.currency, x.commitments, x.staked, x.participants, x.users, x.active_users, x.resolutions, x.rollbacks, x.paid, x.house_fees, x.creator_fees
            FROM market_tallies x, LATERAL (VALUES ('day', x.day), ('ever', date '0001-01-01')) p (span, day)
           WHERE (p_merchant = '' OR x.merchant_id = p_merchant) AND x.mode = ANY (modes(p_mode)) AND (p.span = 'ever' OR p.day >= p_days)) t
   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
$$;
REVOKE EXECUTE ON FUNCTION market_figures(text, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION market_figures(text, text, date) TO oncepay_app;
