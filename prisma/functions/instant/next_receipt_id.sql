-- next_receipt_id(): the one place that makes receipts: RCP-<day in UTC>-<seven characters of Crockford's alphabet><their check>. They
-- are numbered, and the number scattered over all seven characters, so that no two are the same and none says how many there are.
-- src/instant/rules/receiptId.ts does the same arithmetic; a test compares the two.
CREATE OR REPLACE FUNCTION next_receipt_id() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT receipt_id_of(nextval('receipt_numbers'), to_char(moment() AT TIME ZONE 'UTC', 'YYYYMMDD'))
$$;

CREATE OR REPLACE FUNCTION receipt_id_of(p_number bigint, p_day text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  WITH places AS (
    SELECT at, (((p_number::numeric * 22801763489) % 34359738368)::bigint >> (5 * (6 - at))) & 31 AS value FROM generate_series(0, 6) at)
  SELECT 'RCP-' || p_day || '-' || string_agg(crockford(value), '' ORDER BY at) || crockford(sum((2 * at + 1) * value)::bigint % 32) FROM places
$$;

CREATE OR REPLACE FUNCTION crockford(p_value bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', p_value::int + 1, 1)
$$;
