-- close_instant_payout(request): no slice of the withdrawal is given to anybody any more; those that somebody has are waited for. `cancelled`
-- by a person: what nobody has comes back to the payee. `unfilled`, because its time is over: what becomes of it the withdrawal says.
-- Locks: the withdrawal, its slices, the payee. Key: the withdrawal and the reason.
-- Answers, each but the first with `instantPayout` and `batches`: not_found · over (it has ended) · already · handing_over (its rest is
-- going to a payout) · closed.
CREATE OR REPLACE FUNCTION close_instant_payout(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  w instant_payouts;
  b instant_batches;
  v_reason text := p_request ->> 'reason';
  v_actor text := p_request ->> 'actor';
BEGIN
  SELECT * INTO w FROM instant_payouts x WHERE x.id = p_request ->> 'instantPayoutId' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
  IF instant_payout_final(w.state) THEN RETURN whole_instant_payout(w, CASE w.closing WHEN v_reason THEN 'already' ELSE 'over' END); END IF;
  IF w.closing IN (v_reason, 'cancelled') THEN RETURN whole_instant_payout(w, 'already'); END IF;
  IF w.rest_payout_id IS NOT NULL THEN RETURN whole_instant_payout(w, 'handing_over'); END IF;
  UPDATE instant_payouts x SET closing = v_reason WHERE x.id = w.id;
  PERFORM 1 FROM instant_batches x WHERE x.instant_payout_id = w.id ORDER BY x.id FOR NO KEY UPDATE;
  PERFORM lock_users(ARRAY[w.user_id]);
  FOR b IN SELECT * FROM instant_batches x WHERE x.instant_payout_id = w.id AND x.money = 'held' ORDER BY x.id LOOP
    CONTINUE WHEN NOT (instant_batch_free(b.state) OR instant_batch_final(b.state));
    PERFORM let_go(b.id); -- also of those that were over before, and waited for a payout of the rest
    IF instant_batch_free(b.state) THEN PERFORM move_instant_batch(b.id, 'closed', 'closed', v_actor, jsonb_build_object('reason', v_reason)); END IF;
  END LOOP;
  PERFORM move_instant_payout(w.id, 'closing', 'closing:' || v_reason, v_actor, jsonb_build_object('reason', v_reason));
  PERFORM end_instant_payout(w.id, v_reason);
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = w.id;
  RETURN whole_instant_payout(w, 'closed');
END $$;
REVOKE EXECUTE ON FUNCTION close_instant_payout(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION close_instant_payout(jsonb) TO oncepay_app;

-- rest_of_instant_payout(withdrawal, payout): what is left to do for it. Where its slices are over and some of it is held, that goes to an
-- ordinary payout of the payee's: its id is allotted here, once, before anybody asks for it, so that whoever asks asks for the same.
-- `payout` is a new id, taken only if there is none yet.
-- Answers: over (it has ended: `instantPayout`) · waiting (of some slice something is to come, or the payee's bank has what an operator is to decide of) · user_frozen (the payee is: ask again later)
--   · hand_over (`instantPayout`, `payoutId`, `amountMinor`: take that payout in, of kind `user`, with no fee). Raises if there is no such withdrawal.
CREATE OR REPLACE FUNCTION rest_of_instant_payout(p_id text, p_payout text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  w instant_payouts;
BEGIN
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = p_id FOR NO KEY UPDATE;
  IF instant_payout_final(w.state) THEN RETURN jsonb_build_object('outcome', 'over', 'instantPayout', instant_payout_record(w)); END IF;
  IF EXISTS (SELECT 1 FROM instant_batches b WHERE b.instant_payout_id = w.id AND NOT instant_batch_final(b.state)) THEN RETURN jsonb_build_object('outcome', 'waiting'); END IF;
  -- What the bank has is paid already, unless somebody says otherwise: whoever decides tells (decide_late_proof.sql).
  IF w.rest_payout_id IS NULL AND EXISTS (
       SELECT 1 FROM instant_batches b JOIN late_proofs l ON l.batch_id = b.id JOIN payins p ON p.id = l.payin_id
        WHERE b.instant_payout_id = w.id AND b.money = 'held' AND l.decision IS NULL AND is_bank_matched(b, p.utr)) THEN
    RETURN jsonb_build_object('outcome', 'waiting');
  END IF;
  -- Each time until the payout is in the books: between the two a worker may be away for long.
  IF NOT EXISTS (SELECT 1 FROM payouts x WHERE x.id = w.rest_payout_id) AND EXISTS (SELECT 1 FROM lock_users(ARRAY[w.user_id]) u WHERE u.frozen) THEN
    RETURN jsonb_build_object('outcome', 'user_frozen');
  END IF;
  IF w.rest_payout_id IS NULL THEN
    UPDATE instant_payouts x SET rest_payout_id = p_payout WHERE x.id = w.id RETURNING * INTO STRICT w;
  END IF;
  RETURN jsonb_build_object('outcome', 'hand_over', 'instantPayout', instant_payout_record(w), 'payoutId', w.rest_payout_id, 'amountMinor', w.held::text);
END $$;
REVOKE EXECUTE ON FUNCTION rest_of_instant_payout(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rest_of_instant_payout(text, text) TO oncepay_app;

-- give_back_rest(withdrawal): the payout of the rest was refused, for ever: it comes back to the payee.
-- Key: the withdrawal. Answers: over (it has ended) · wrong_state (nobody has refused the payout) · given_back; the first and the last
-- with `instantPayout`. Raises if there is no such withdrawal.
CREATE OR REPLACE FUNCTION give_back_rest(p_id text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  w instant_payouts;
BEGIN
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = p_id FOR NO KEY UPDATE;
  IF instant_payout_final(w.state) THEN RETURN jsonb_build_object('outcome', 'over', 'instantPayout', instant_payout_record(w)); END IF;
  IF NOT EXISTS (SELECT 1 FROM payout_refusals r WHERE r.payout_id = w.rest_payout_id) THEN RETURN jsonb_build_object('outcome', 'wrong_state'); END IF;
  PERFORM lock_users(ARRAY[w.user_id]);
  PERFORM release_slice(b.id) FROM (SELECT x.id FROM instant_batches x WHERE x.instant_payout_id = w.id AND x.money = 'held' ORDER BY x.id) b;
  PERFORM end_instant_payout(w.id, 'payout_refused');
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = w.id;
  RETURN jsonb_build_object('outcome', 'given_back', 'instantPayout', instant_payout_record(w));
END $$;
REVOKE EXECUTE ON FUNCTION give_back_rest(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION give_back_rest(text) TO oncepay_app;

-- lock_rest(payout): the withdrawal whose rest this payout is, and the payee, locked, before the payout's own row and balance.
-- Internal, as the next: called by reserve_payout. Raises if it is of none: users are paid out in no other way.
CREATE OR REPLACE FUNCTION lock_rest(p_payout text) RETURNS instant_payouts LANGUAGE plpgsql AS $$
DECLARE
  w instant_payouts;
BEGIN
  SELECT * INTO w FROM instant_payouts x WHERE x.rest_payout_id = p_payout FOR NO KEY UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'payout % of a user is of no withdrawal', p_payout; END IF;
  PERFORM lock_users(ARRAY[w.user_id]);
  RETURN w;
END $$;

-- hand_over_rest(withdrawal, payout): what the withdrawal holds is the payout's from now on, which reserves it in the same transaction:
--   RELEASE  the rest  the payee's reserved → the payee's available
-- so that it is never the payee's to spend between the two, and never reserved twice. Key: withdrawal/<withdrawal>/rest.
CREATE OR REPLACE FUNCTION hand_over_rest(p_id text, p payouts) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  w instant_payouts;
  k balances;
BEGIN
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = p_id;
  IF instant_payout_final(w.state) OR (p.merchant_id, p.mode, p.owner_id, p.currency, p.amount + p.fee) <> (w.merchant_id, w.mode, w.user_id, w.currency, w.held) THEN
    RAISE EXCEPTION 'payout % is not the rest of withdrawal %', p.id, w.id;
  END IF;
  SELECT * INTO STRICT k FROM balances x WHERE x.id = w.balance_id FOR NO KEY UPDATE;
  PERFORM post(ARRAY[('withdrawal/' || w.id || '/rest', 0, 'RELEASE', k.reserved_account, k.available_account, w.held, 'instant_payout', w.id)::posting]);
  UPDATE instant_batches x SET money = 'handed' WHERE x.instant_payout_id = w.id AND x.money = 'held';
  UPDATE instant_payouts x SET handed = x.held, held = 0 WHERE x.id = w.id;
END $$;
