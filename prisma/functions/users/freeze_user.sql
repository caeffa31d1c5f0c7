-- freeze_user(user, is frozen, key, actor): from its commit on nothing moves the user's money any more, or again it may: whoever
-- moves it holds the user's row (lock_users). Slices of withdrawals say where another would be held by that (slices.sql). What changed is told by an event.
-- Key: the caller's own, once for a user: done before, it changes nothing, whatever was said since.
-- Raises if there is no such user: the door has looked whose it is.
CREATE OR REPLACE FUNCTION freeze_user(p_user text, p_is_frozen boolean, p_key text, p_actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  u users;
BEGIN
  SELECT * INTO STRICT u FROM lock_users(ARRAY[p_user]);
  IF u.frozen = p_is_frozen OR EXISTS (SELECT 1 FROM events e WHERE e.subject_id = u.id AND e.op_key = p_key) THEN RETURN; END IF;
  UPDATE users x SET frozen = p_is_frozen WHERE x.id = u.id;
  PERFORM announce_user(u.id, CASE WHEN p_is_frozen THEN 'user.frozen' ELSE 'user.unfrozen' END, p_key, p_actor, user_state(u), '{}', '{}');
END $$;
REVOKE EXECUTE ON FUNCTION freeze_user(text, boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION freeze_user(text, boolean, text, text) TO oncepay_app;
