-- open_instant_payout(request): a payee's withdrawal, whole and in slices:
--   WITHDRAWAL  total  the payee's available → the payee's reserved, until each slice is paid, comes back, or goes to a payout
-- Locks: the payee, the balance. Key: the withdrawal's id (withdrawal/<withdrawal>).
-- Answers, the first that applies:
--   already               opened before under this id: as it is now
--   paused                a pause holds; nothing written, and a repeat may find it ended
--   user_frozen           nothing written, and a repeat may find the user free
--   insufficient_balance  the payee has not enough available; nothing written
--   duplicate_reference   another withdrawal of this merchant and mode has this reference; nothing written
--   opened                done: `instantPayout` and `batches`, each free
-- Raises if the user is not this merchant's in this mode, or the slices do not make the total: the door has looked.
CREATE OR REPLACE FUNCTION open_instant_payout(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  w instant_payouts;
  u users;
  b balances;
  v_id text := p_request ->> 'instantPayoutId';
  v_tenant text[] := ARRAY[p_request ->> 'merchantId', p_request ->> 'mode'];
  v_total bigint;
  v_audience owner_ref[];
BEGIN
  SELECT sum(x."amountMinor") INTO STRICT v_total FROM slices_of(p_request) x;
  IF v_total <> (p_request ->> 'amountMinor')::bigint THEN RAISE EXCEPTION 'the slices of % make %, not %', v_id, v_total, p_request ->> 'amountMinor'; END IF;
  IF NOT EXISTS (SELECT 1 FROM instant_payouts x WHERE x.id = v_id) AND is_held('instant', v_tenant[1]) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  SELECT * INTO u FROM lock_users(ARRAY[p_request ->> 'userId']);
  IF NOT FOUND OR ARRAY[u.merchant_id, u.mode] <> v_tenant THEN RAISE EXCEPTION 'user % is not of merchant % in mode %', p_request ->> 'userId', v_tenant[1], v_tenant[2]; END IF;
  SELECT * INTO w FROM instant_payouts x WHERE x.id = v_id;
  IF FOUND THEN
    IF (w.merchant_id, w.mode, w.user_id, w.total) <> (u.merchant_id, u.mode, u.id, v_total) THEN RAISE EXCEPTION 'withdrawal % is another one', v_id; END IF;
    RETURN whole_instant_payout(w, 'already');
  END IF;
  IF u.frozen THEN RETURN jsonb_build_object('outcome', 'user_frozen'); END IF;
  SELECT * INTO b FROM balances x WHERE x.mode = u.mode AND x.owner_kind = 'user' AND x.owner_id = u.id AND x.currency = p_request ->> 'currency' FOR NO KEY UPDATE;
  IF NOT FOUND OR b.available < v_total THEN RETURN jsonb_build_object('outcome', 'insufficient_balance'); END IF;
  INSERT INTO instant_payouts (id, merchant_id, mode, user_id, balance_id, currency, reference, total, held, payee, policy, on_unfilled, callback_url, state, sequence)
  VALUES (v_id, u.merchant_id, u.mode, u.id, b.id, b.currency, p_request ->> 'reference', v_total, v_total, p_request -> 'payee', p_request -> 'policy',
          p_request ->> 'onUnfilled', p_request ->> 'callbackUrl', 'open', 1)
  ON CONFLICT (merchant_id, mode, reference) DO NOTHING RETURNING * INTO w;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'duplicate_reference'); END IF;
  INSERT INTO instant_batches (id, instant_payout_id, number, mode, currency, amount, payee_id, state, sequence)
  SELECT x."batchId", w.id, x.number, w.mode, w.currency, x."amountMinor", u.id, 'unassigned', 1 FROM slices_of(p_request) x ORDER BY x.number;
  PERFORM post(ARRAY[('withdrawal/' || w.id, 0, 'WITHDRAWAL', b.available_account, b.reserved_account, v_total, 'instant_payout', w.id)::posting]);
  v_audience := ARRAY[('merchant', w.merchant_id), ('user', w.user_id)]::owner_ref[];
  PERFORM announce_all(
    ARRAY[('instant_payout', w.id, v_audience, w.mode, 1, 'instant-payout-status-update', 'opened', 'merchant:' || w.merchant_id, NULL, w.state, '{}',
           instant_payout_record(w), NULL, true)::told]
    || (SELECT array_agg(('instant_batch', t.id, v_audience, w.mode, 1, 'instant-payout-batch-status-update', 'opened', 'merchant:' || w.merchant_id, NULL, t.state, '{}',
                          instant_batch_record(t), NULL, true)::told ORDER BY t.number) FROM instant_batches t WHERE t.instant_payout_id = w.id));
  RETURN whole_instant_payout(w, 'opened');
END $$;
REVOKE EXECUTE ON FUNCTION open_instant_payout(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_instant_payout(jsonb) TO oncepay_app;

CREATE OR REPLACE FUNCTION slices_of(p_request jsonb) RETURNS TABLE ("batchId" text, "amountMinor" bigint, number int) LANGUAGE sql IMMUTABLE AS $$
  SELECT s ->> 'batchId', (s ->> 'amountMinor')::bigint, nth::int FROM jsonb_array_elements(p_request -> 'batches') WITH ORDINALITY AS x (s, nth)
$$;

-- whole_instant_payout(withdrawal, outcome): an answer with the withdrawal and its slices.
CREATE OR REPLACE FUNCTION whole_instant_payout(w instant_payouts, p_outcome text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', p_outcome, 'instantPayout', instant_payout_record(w), 'batches', (
    SELECT jsonb_agg(instant_batch_record(b) ORDER BY b.number) FROM instant_batches b WHERE b.instant_payout_id = w.id))
$$;
