-- announce_users(type, actor, from, steps): the next event of each of these users (announce.sql), in the order given, seen by the
-- user's merchant and by the user. Each user once; no steps, no events. The rows must be locked (lock_users).
--   op_key  once for a user: its caller has looked, or the event stops the transaction
--   more    what the event shows besides the user: the balance right after, the transaction that made it so, …
-- Raises if a step is of nobody, or a second one of somebody: it would go unwritten.
CREATE OR REPLACE FUNCTION announce_users(p_type text, p_actor text, p_from text, p_steps user_step[]) RETURNS void LANGUAGE plpgsql
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$ -- as announce_all
DECLARE
  v_told told[];
BEGIN
  WITH counted AS (
    UPDATE users x SET sequence = x.sequence + 1 FROM unnest(p_steps) WITH ORDINALITY s (user_id, op_key, data, more, nth) WHERE x.id = s.user_id
    RETURNING s.nth, ('user', x.id, ARRAY[('merchant', x.merchant_id), ('user', x.id)]::owner_ref[], x.mode, x.sequence, p_type, s.op_key, p_actor,
                      p_from, user_state(x), s.data, user_record(x) || s.more, NULL, true)::told AS told)
  SELECT array_agg(c.told ORDER BY c.nth) INTO v_told FROM counted c;
  IF coalesce(cardinality(v_told), 0) <> cardinality(p_steps) THEN
    RAISE EXCEPTION 'only % of % steps are of users, each once', coalesce(cardinality(v_told), 0), cardinality(p_steps);
  END IF;
  PERFORM announce_all(v_told);
END $$;

-- announce_user(user, type, key, actor, from, data, more): the same of one user.
CREATE OR REPLACE FUNCTION announce_user(p_user text, p_type text, p_key text, p_actor text, p_from text, p_data jsonb, p_more jsonb)
RETURNS void LANGUAGE sql AS $$
  SELECT announce_users(p_type, p_actor, p_from, ARRAY[(p_user, p_key, p_data, p_more)::user_step])
$$;

CREATE OR REPLACE FUNCTION user_state(u users) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN u.frozen THEN 'FROZEN' ELSE 'ACTIVE' END
$$;

-- user_record(user): the row as events carry it (UserRecord in src/users/rules/user.ts).
CREATE OR REPLACE FUNCTION user_record(u users) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', u.id, 'merchantId', u.merchant_id, 'mode', u.mode, 'externalId', u.external_id, 'frozen', u.frozen,
                            'sequence', u.sequence, 'createdAt', iso_time(u.created_at))
$$;

-- balance_record(balance): what an event of a user shows of a balance as it is when the event's transaction commits: of two the
-- one with the higher version is newer (BalanceRecord in src/users/rules/user.ts).
CREATE OR REPLACE FUNCTION balance_record(b balances) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('currency', b.currency, 'availableMinor', b.available::text, 'reservedMinor', b.reserved::text,
                            'debtMinor', b.debt::text, 'version', b.version)
$$;
