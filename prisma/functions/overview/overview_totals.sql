-- overview_totals(merchant, mode, hours, days, most): the kept totals, and on top of them what is not folded yet, of one snapshot: as
-- things stand now. `''` for the merchant: of all; null for the mode: of both. Hours and days from these times on. Reads at most so many
-- events that are not folded: a second's worth while somebody folds them; where there are more, `asOf` says up to when it counts.
CREATE OR REPLACE FUNCTION overview_totals(p_merchant text, p_mode text, p_hours timestamptz, p_days timestamptz, p_most int)
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH tail AS (
    SELECT e.epoch, e.xid, e.position, e.at, count(*) OVER () AS length FROM folded_events c, LATERAL (
      SELECT x.epoch, x.xid, x.position, x.at FROM events x WHERE (x.epoch, x.xid, x.position) > (c.epoch, c.xid, c.position)
       ORDER BY x.epoch, x.xid, x.position LIMIT p_most) e
     ORDER BY e.epoch DESC, e.xid DESC, e.position DESC LIMIT 1
  ), moved AS MATERIALIZED (
    SELECT m.* FROM folded_events c, tail l, LATERAL moves_between(c.epoch, c.xid, c.position, l.epoch, l.xid, l.position) m
     WHERE (p_merchant = '' OR m.merchant_id = p_merchant) AND (p_mode IS NULL OR m.mode = p_mode)
  ), states AS (
    SELECT t.mode, t.flow, t.currency, t.state, sum(t.count) AS count, sum(t.amount) AS amount FROM (
      SELECT x.mode, x.flow, x.currency, x.state, x.count, x.amount FROM state_totals x WHERE x.merchant_id = p_merchant AND x.mode = ANY (modes(p_mode))
      UNION ALL SELECT m.mode, m.flow, m.currency, s.state, s.n, s.n * m.amount FROM moved m, LATERAL (VALUES (m.from_state, -1), (m.to_state, 1)) s (state, n)
       WHERE s.state IS NOT NULL) t GROUP BY 1, 2, 3, 4 HAVING sum(t.count) <> 0
  ), periods AS MATERIALIZED (
    SELECT x.span, x.began_at, x.mode, x.flow, x.currency, x.outcome, x.took, x.count, x.amount FROM period_totals x
     WHERE x.merchant_id = p_merchant AND x.mode = ANY (modes(p_mode)) AND x.span = 'hour' AND x.began_at >= p_hours
    UNION ALL SELECT x.span, x.began_at, x.mode, x.flow, x.currency, x.outcome, x.took, x.count, x.amount FROM period_totals x
     WHERE x.merchant_id = p_merchant AND x.mode = ANY (modes(p_mode)) AND x.span = 'day' AND x.began_at >= p_days
    UNION ALL SELECT p.span, date_trunc(p.span, m.at, 'UTC'), m.mode, m.flow, m.currency, m.outcome, m.took, 1, m.amount
      FROM moved m, (VALUES ('hour', p_hours), ('day', p_days)) p (span, since) WHERE m.outcome IS NOT NULL AND m.at >= p.since
  ), psps AS (
    SELECT t.psp, t.mode, t.word, sum(t.count) AS count FROM (
      SELECT x.psp, x.mode, x.word, x.count FROM psp_totals x WHERE x.began_at >= date_trunc('hour', now(), 'UTC') - interval '1 hour' AND p_merchant = ''
      UNION ALL SELECT m.psp, m.mode, m.word, 1 FROM moved m WHERE m.word IS NOT NULL AND m.at >= date_trunc('hour', now(), 'UTC') - interval '1 hour' AND p_merchant = '') t
     GROUP BY 1, 2, 3
  )
  SELECT jsonb_build_object(
    'asOf', iso_time(coalesce((SELECT l.at FROM tail l WHERE l.length = p_most), now())),
    'states', (SELECT coalesce(jsonb_agg(jsonb_build_object('mode', mode, 'flow', flow, 'currency', currency, 'state', state, 'count', count, 'amountMinor', amount::text)
                 ORDER BY mode, flow, currency, state), '[]') FROM states),
    'outcomes', (SELECT coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.span, o.from, o.mode, o.flow, o.currency, o.outcome), '[]') FROM (
                 SELECT span, iso_time(began_at) AS "from", mode, flow, currency, outcome, sum(count) AS count, sum(amount)::text AS "amountMinor"
                   FROM periods GROUP BY 1, began_at, 3, 4, 5, 6) o),
    'took', (SELECT coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.span, o.mode, o.flow, o.currency, o.took), '[]') FROM (
                 SELECT span, mode, flow, currency, took, sum(count) AS count FROM periods WHERE outcome = 'SUCCEEDED' GROUP BY 1, 2, 3, 4, 5) o),
    'psps', (SELECT coalesce(jsonb_agg(jsonb_build_object('psp', psp, 'mode', mode, 'word', word, 'count', count) ORDER BY psp, mode, word), '[]') FROM psps))
$$;
REVOKE EXECUTE ON FUNCTION overview_totals(text, text, timestamptz, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION overview_totals(text, text, timestamptz, timestamptz, int) TO oncepay_app;

CREATE OR REPLACE FUNCTION modes(p_mode text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_mode IS NULL THEN ARRAY['test', 'live'] ELSE ARRAY[p_mode] END
$$;
