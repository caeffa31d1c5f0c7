-- begin_epoch(): a new history of the books begins, because they were restored or moved: this server may give out numbers of
-- transactions that readers of events have seen already, and would take for old. Returns its number. Again: one more.
CREATE OR REPLACE FUNCTION begin_epoch() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_epoch int;
BEGIN
  LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE; -- whoever writes events now has ended, and who waits reads the new one: none is late for the old
  INSERT INTO epochs (epoch) SELECT max(x.epoch) + 1 FROM epochs x RETURNING epoch INTO STRICT v_epoch;
  RETURN v_epoch;
END $$;
REVOKE EXECUTE ON FUNCTION begin_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_epoch() TO oncepay_app;
