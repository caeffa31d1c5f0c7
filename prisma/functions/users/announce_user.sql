-- announce_user(user, type, key, actor, from, data, more): the user's next event (announce.sql), seen by its merchant and by
-- the user. The row must be locked (lock_users).
--   p_key   once for a user: its caller has looked, or the event stops the transaction
--   p_more  what the event shows besides the user: the balance right after, the transaction that made it so, …
CREATE OR REPLACE FUNCTION announce_user(p_user text, p_type text, p_key text, p_actor text, p_from text, p_data jsonb, p_more jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  u users;
  v_audience owner_ref[];
BEGIN
  UPDATE users x SET sequence = x.sequence + 1 WHERE x.id = p_user RETURNING * INTO STRICT u;
  v_audience := ARRAY[('merchant', u.merchant_id), ('user', u.id)];
  PERFORM announce('user', u.id, v_audience, u.mode, u.sequence, p_type, p_key, p_actor, p_from, user_state(u), p_data, user_record(u) || p_more, NULL, true);
END $$;

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
