-- user_transaction(entry, balance): a ledger entry as one of the transactions of the user whose balance it is on either side
-- (UserTransaction in src/users/rules/transactions.ts): lists and events show the same, and it is stored nowhere else. Amounts as
-- strings, because JSON numbers lose digits.
CREATE OR REPLACE FUNCTION user_transaction(e ledger_entries, p_balance bigint) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object('entryId', e.id::text, 'type', e.type, 'amountMinor', e.amount::text, 'currency', e.currency,
           'balanceAfterMinor', CASE p_balance WHEN e.debit_balance THEN e.debit_available ELSE e.credit_available END::text,
           'opKey', e.op_key, 'subjectKind', e.subject_kind, 'subjectId', e.subject_id,
           'side', CASE e.subject_kind WHEN 'game' THEN game_side_of(e) END, 'at', iso_time(e.at))
$$;
REVOKE EXECUTE ON FUNCTION user_transaction(ledger_entries, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_transaction(ledger_entries, bigint) TO oncepay_app; -- the API reads transactions in this shape too
