-- lock_users(ids): the rows of these users, locked in the order of their ids. Whoever moves a user's money or tells of a user
-- takes them first: a flow's own subject before, payouts and balances after. A freeze waits for them, and they for it: one
-- that is not frozen here stays so until the caller's transaction ends. Of an id that nobody has there is no row.
-- Internal: called by functions that have looked whose users they are.
CREATE OR REPLACE FUNCTION lock_users(p_ids text[]) RETURNS SETOF users LANGUAGE sql AS $$
  SELECT u.* FROM users u WHERE u.id = ANY (p_ids) ORDER BY u.id FOR NO KEY UPDATE
$$;
