-- reserve_payout(request): takes a payout in: amount + fee  available → reserved (RESERVE), the payout's row, its first event.
-- From the balance of its owner: the merchant; a provider, whose payout needs an assessment of its risk; or a user, whose payout is
-- the rest of a withdrawal, and takes over what that holds (prisma/functions/instant/hand_over.sql).
-- Key: the payout's id (<payout>:reserve:1).
-- Answers, the first that applies:
--   assess                a provider's, and it comes with no assessment of the facts as they are now: the facts and the
--                         policy; nothing is written. Assess them and call again, with `risk`
--   already               this id was taken in before: its record as it was then
--   insufficient_balance  not enough available; final for this id (a repeat must not find new money), nothing booked
--   duplicate_reference   another payout of this merchant and mode has this reference; final for this id
--   reserved              done
-- Raises if the id was taken in with another merchant, mode, currency or amount: ids are allotted once, so that is a bug.
CREATE OR REPLACE FUNCTION reserve_payout(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p payouts;
  b balances;
  v_id text := p_request ->> 'payoutId';
  v_merchant text := p_request ->> 'merchantId';
  v_mode text := p_request ->> 'mode';
  v_kind text := coalesce(p_request ->> 'kind', 'merchant'); -- of the payout, and of whose balance pays
  v_owner text := CASE v_kind WHEN 'merchant' THEN v_merchant ELSE p_request #>> '{owner,id}' END;
  v_risk jsonb := nullif(p_request -> 'risk', 'null');
  v_review jsonb := nullif(p_request -> 'reviewReasons' || coalesce(v_risk #> '{verdict,reasons}', '[]'), '[]');
  v_question jsonb;
  v_refusal text;
  w instant_payouts;
BEGIN
  IF v_kind = 'user' THEN w := lock_rest(v_id); END IF;
  IF v_kind = 'provider' THEN
    -- All requests of one provider pass here one by one, in whatever currency: what they count does not change meanwhile.
    PERFORM 1 FROM providers x WHERE x.id = v_owner AND x.merchant_id = v_merchant AND x.mode = v_mode FOR NO KEY UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'provider % is not of merchant % in mode %', v_owner, v_merchant, v_mode; END IF;
    IF NOT EXISTS (SELECT 1 FROM payouts x WHERE x.id = v_id) THEN
      v_question := risk_question(p_request);
      IF v_question IS NOT NULL THEN RETURN v_question; END IF;
    END IF;
  END IF;
  SELECT * INTO b FROM balances x
   WHERE x.mode = v_mode AND x.owner_kind = v_kind AND x.owner_id = v_owner AND x.currency = p_request ->> 'currency';

  -- Waits for a twin in flight: by id it is the same payout, by reference another one.
  INSERT INTO payouts (id, merchant_id, mode, kind, owner_kind, owner_id, balance_id, currency, amount, fee, reference, description, metadata, callback_url,
                       destination, psp, state, sequence, review, maker_id, max_attempts, dispatch, method, risk, review_until)
  VALUES (v_id, v_merchant, v_mode, v_kind, v_kind, v_owner, coalesce(b.id, 0), p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint,
          (p_request ->> 'feeMinor')::bigint, p_request ->> 'reference', p_request ->> 'description', p_request -> 'metadata',
          p_request ->> 'callbackUrl', p_request -> 'destination', p_request ->> 'psp',
          CASE WHEN v_review IS NULL THEN 'QUEUED' ELSE 'IN_REVIEW' END, 1,
          CASE WHEN v_review IS NULL THEN NULL ELSE jsonb_build_object('reasons', v_review) END, p_request ->> 'makerId',
          coalesce((p_request ->> 'maxAttempts')::int, 3), coalesce(p_request ->> 'dispatch', 'now'), p_request ->> 'method', v_risk,
          CASE WHEN v_review IS NOT NULL THEN (p_request ->> 'reviewUntil')::timestamptz END)
  ON CONFLICT DO NOTHING RETURNING * INTO p;
  IF NOT FOUND THEN
    SELECT * INTO p FROM payouts x WHERE x.id = v_id;
    IF FOUND THEN
      IF (p.merchant_id, p.mode, p.currency, p.amount) IS DISTINCT FROM (v_merchant, v_mode, p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint) THEN
        RAISE EXCEPTION 'payout % was taken in with another request', v_id;
      END IF;
      RETURN (SELECT jsonb_build_object('outcome', 'already', 'payout', e.object - 'beside')
                FROM events e WHERE e.subject_id = v_id AND e.sequence = 1);
    END IF;
    v_refusal := 'duplicate_reference';
  ELSE
    IF v_kind = 'user' AND NOT EXISTS (SELECT 1 FROM payout_refusals r WHERE r.payout_id = v_id) THEN PERFORM hand_over_rest(w.id, p); END IF;
    SELECT * INTO b FROM balances x WHERE x.id = b.id FOR NO KEY UPDATE; -- what is available now, not when we looked it up
    IF NOT FOUND OR b.available < p.amount + p.fee THEN v_refusal := 'insufficient_balance'; END IF;
    -- Refused before, perhaps by a twin that we waited for above, and money may have come since: the first answer stands.
    SELECT coalesce(max(r.code), v_refusal) INTO v_refusal FROM payout_refusals r WHERE r.payout_id = v_id;
    IF v_refusal IS NOT NULL THEN DELETE FROM payouts x WHERE x.id = v_id; END IF;
  END IF;
  IF v_refusal IS NOT NULL THEN
    INSERT INTO payout_refusals (payout_id, merchant_id, mode, code) VALUES (v_id, v_merchant, v_mode, v_refusal)
    ON CONFLICT (payout_id) DO NOTHING;
    RETURN (SELECT jsonb_build_object('outcome', r.code) FROM payout_refusals r WHERE r.payout_id = v_id);
  END IF;

  PERFORM move(v_id || ':reserve:1', 0, 'RESERVE', b, b.available_account, b.reserved_account, p.amount + p.fee, v_id);
  PERFORM take_earnings(b, v_id, 1, p.amount + p.fee, 'reserved');
  PERFORM announce_payout(p, 'payout.created', 'created', v_kind || ':' || v_owner, NULL, '{}');
  IF v_kind = 'user' THEN PERFORM end_instant_payout(w.id, v_id); END IF;
  IF v_review IS NOT NULL THEN
    UPDATE payouts x SET sequence = 2 WHERE x.id = v_id RETURNING * INTO p;
    PERFORM announce_payout(p, 'payout.in_review', 'in_review', 'system', NULL, jsonb_build_object('reasons', v_review));
  END IF;
  RETURN jsonb_build_object('outcome', 'reserved',
                            'payout', (SELECT e.object - 'beside' FROM events e WHERE e.subject_id = v_id AND e.sequence = 1));
END $$;
REVOKE EXECUTE ON FUNCTION reserve_payout(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve_payout(jsonb) TO oncepay_app;
