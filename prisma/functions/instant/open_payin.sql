-- open_payin(request): a payer wants to deposit. With `batchId` that slice is taken, which sets the amount; without, the oldest free
-- slice of the amount, and where there is none the payin waits for one until `waitMs` from now.
-- A slice is given to one payer at a time, and a payer has one at a time. Nobody pays a withdrawal of their own, or one whose payee is frozen.
-- Locks: the batch, the payer. Key: the payin's id.
-- Answers, the first that applies; nothing is written but by the last:
--   already              opened before under this id: as it is now
--   not_found            no such batch in this mode
--   own_batch            it is the payer's own withdrawal
--   batch_taken          somebody else has the batch, it is closed, or its payee is frozen
--   paused               a pause holds over the payer's merchant, or over the payee's of a named slice
--   user_frozen
--   payer_busy           the payer has a slice to pay: of `payinId`
--   cooling_down         the payer has let one run out, and gets another one at `until`
--   duplicate_reference  another payin of this merchant and mode has this reference
--   opened               `payin`: assigned, with its `batchId` and `payUntil`, or waiting
-- Raises if the user is not this merchant's in this mode: the door has looked.
CREATE OR REPLACE FUNCTION open_payin(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  u users;
  p payins;
  v_id text := p_request ->> 'payinId';
  v_mode text := p_request ->> 'mode';
  v_tenant text[] := ARRAY[p_request ->> 'merchantId', v_mode];
  v_fault jsonb;
BEGIN
  SELECT * INTO u FROM users x WHERE x.id = p_request ->> 'userId';
  IF NOT FOUND OR ARRAY[u.merchant_id, u.mode] <> v_tenant THEN RAISE EXCEPTION 'user % is not of merchant % in mode %', p_request ->> 'userId', v_tenant[1], v_tenant[2]; END IF;
  SELECT * INTO p FROM payins x WHERE x.id = v_id;
  IF FOUND THEN RETURN answer_payin(p, 'already'); END IF;

  IF p_request ->> 'batchId' IS NOT NULL THEN
    SELECT * INTO b FROM instant_batches x WHERE x.id = p_request ->> 'batchId' AND x.mode = v_mode FOR NO KEY UPDATE; -- the second of two waits, and sees it taken
    IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'not_found'); END IF;
    IF b.payee_id = u.id THEN RETURN jsonb_build_object('outcome', 'own_batch'); END IF;
    SELECT * INTO p FROM payins x WHERE x.id = v_id; -- a twin that we waited for
    IF FOUND THEN RETURN answer_payin(p, 'already'); END IF;
    IF NOT instant_batch_free(b.state) OR EXISTS (SELECT 1 FROM users y WHERE y.id = b.payee_id AND y.frozen) THEN
      RETURN jsonb_build_object('outcome', 'batch_taken');
    END IF;
  ELSE
    b := free_batch(v_mode, p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint, u.id);
  END IF;
  IF is_held('instant', u.merchant_id) THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
  IF payee_held(b) THEN
    IF p_request ->> 'batchId' IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'paused'); END IF;
    b := NULL; -- it waits, as if there were none
  END IF;
  PERFORM lock_users(ARRAY[u.id]);
  SELECT * INTO p FROM payins x WHERE x.id = v_id;
  IF FOUND THEN RETURN answer_payin(p, 'already'); END IF;
  v_fault := payer_fault(u.id);
  IF v_fault IS NOT NULL THEN RETURN v_fault; END IF;

  INSERT INTO payins (id, merchant_id, mode, user_id, currency, amount, reference, callback_url, state, wait_until, sequence)
  VALUES (v_id, u.merchant_id, u.mode, u.id, coalesce(b.currency, p_request ->> 'currency'), coalesce(b.amount, (p_request ->> 'amountMinor')::bigint),
          p_request ->> 'reference', p_request ->> 'callbackUrl', 'waiting', moment() + (p_request ->> 'waitMs')::bigint * interval '1 millisecond', 1)
  ON CONFLICT (merchant_id, mode, reference) DO NOTHING RETURNING * INTO p;
  IF NOT FOUND THEN RETURN jsonb_build_object('outcome', 'duplicate_reference'); END IF;
  PERFORM tell_payin(p, 'payin-status-update', 'opened', 'merchant:' || p.merchant_id, NULL, '{}', NULL);
  IF b.id IS NOT NULL THEN p := assign_slice(b, p, 'merchant:' || p.merchant_id); END IF;
  RETURN answer_payin(p, 'opened');
END $$;
REVOKE EXECUTE ON FUNCTION open_payin(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_payin(jsonb) TO oncepay_app;

CREATE OR REPLACE FUNCTION answer_payin(p payins, p_outcome text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('outcome', p_outcome, 'payin', payin_record(p))
$$;

-- free_batch(mode, currency, amount, payer): the oldest slice that this payer may take and that nobody else is taking right now, locked.
-- One over whose payee's merchant a pause holds is passed over: it keeps nobody else's waiting.
CREATE OR REPLACE FUNCTION free_batch(p_mode text, p_currency text, p_amount bigint, p_payer text) RETURNS instant_batches LANGUAGE sql AS $$
  SELECT b.* FROM instant_batches b
   WHERE b.mode = p_mode AND b.currency = p_currency AND b.amount = p_amount AND b.state IN ('unassigned', 'reassigned') AND b.payee_id <> p_payer
     AND CASE WHEN gets_nothing(b.payee_id) THEN false ELSE true END
   ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE OF b SKIP LOCKED
$$;

-- gets_nothing(user), has_slice(user): why a look passes somebody by who is a slice's payee, or waits for one. Asked of one after the
-- other, from the one that has waited longest, until somebody fits. As a CASE, which PostgreSQL takes for one half: a condition that
-- it thinks rare makes it read and sort all that are free instead, for each who comes.
CREATE OR REPLACE FUNCTION gets_nothing(p_user text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT u.frozen OR pause_over('instant', u.merchant_id, NULL) IS NOT NULL FROM users u WHERE u.id = p_user
$$;

CREATE OR REPLACE FUNCTION has_slice(p_user text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM instant_assignments a WHERE a.user_id = p_user AND a.state = 'open')
$$;

-- payee_held(batch): whether a pause holds over the payee's merchant: then nobody is given the slice; whoever has it goes on. Asked, as
-- the payer's is, with the batch and the payin locked: who waits for one of them must not have the table (is_held).
CREATE OR REPLACE FUNCTION payee_held(b instant_batches) RETURNS boolean LANGUAGE sql AS $$
  SELECT coalesce((SELECT is_held('instant', u.merchant_id) FROM users u WHERE u.id = b.payee_id), false)
$$;

-- payer_fault(user): why this user gets no slice now, as an answer; null: nothing. The user must be locked.
CREATE OR REPLACE FUNCTION payer_fault(p_user text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_payin text;
  v_until timestamptz := cooling_until(p_user);
BEGIN
  IF EXISTS (SELECT 1 FROM users x WHERE x.id = p_user AND x.frozen) THEN RETURN jsonb_build_object('outcome', 'user_frozen'); END IF;
  SELECT a.payin_id INTO v_payin FROM instant_assignments a WHERE a.user_id = p_user AND a.state = 'open';
  IF FOUND THEN RETURN jsonb_build_object('outcome', 'payer_busy', 'payinId', v_payin); END IF;
  IF v_until > moment() THEN RETURN jsonb_build_object('outcome', 'cooling_down', 'until', iso_time(v_until)); END IF;
  RETURN NULL;
END $$;

-- cooling_until(user): when somebody who has let a slice run out may have another; null: never had to wait.
CREATE OR REPLACE FUNCTION cooling_until(p_user text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT a.ended_at + (w.policy ->> 'coolDownMs')::bigint * interval '1 millisecond'
    FROM (SELECT * FROM instant_assignments x WHERE x.user_id = p_user AND x.state = 'expired' ORDER BY x.ended_at DESC LIMIT 1) a
    JOIN instant_batches b ON b.id = a.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
$$;

-- assign_slice(batch, payin, actor): the payer has the slice from now on until the deadline. Batch, payin and payer must be locked, the
-- slice free, the payin waiting and the payer without a fault.
CREATE OR REPLACE FUNCTION assign_slice(b instant_batches, p payins, p_actor text) RETURNS payins LANGUAGE plpgsql AS $$
DECLARE
  v_until timestamptz;
BEGIN
  SELECT moment() + (w.policy ->> 'assignmentMs')::bigint * interval '1 millisecond' INTO STRICT v_until FROM instant_payouts w WHERE w.id = b.instant_payout_id;
  INSERT INTO instant_assignments (batch_id, epoch, payin_id, user_id, pay_until) VALUES (b.id, b.assignments + 1, p.id, p.user_id, v_until);
  UPDATE instant_batches x SET epoch = x.assignments + 1, assignments = x.assignments + 1, payin_id = p.id, payer_id = p.user_id, pay_until = v_until WHERE x.id = b.id;
  UPDATE payins x SET batch_id = b.id, pay_until = v_until WHERE x.id = p.id;
  PERFORM move_instant_batch(b.id, 'assigned', 'assigned:' || b.assignments + 1, p_actor, '{}');
  RETURN move_payin(p.id, 'matched', 'matched', p_actor, '{}');
END $$;

-- match_payin(payin): gives a payin that waits a free slice of its amount. Asked once it has been opened, and every now and then: a slice
-- that became free meanwhile, or that somebody was just taking, is found then.
-- Answers: matched (`payin`) · waiting (no slice, or the payer gets none now) · settled (it does not wait (any more): `payin`).
-- Raises if there is no such payin.
CREATE OR REPLACE FUNCTION match_payin(p_payin text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  p payins;
  b instant_batches;
BEGIN
  SELECT * INTO STRICT p FROM payins x WHERE x.id = p_payin;
  IF p.state <> 'waiting' THEN RETURN answer_payin(p, 'settled'); END IF;
  b := free_batch(p.mode, p.currency, p.amount, p.user_id);
  IF b.id IS NULL THEN RETURN answer_payin(p, 'waiting'); END IF;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = p_payin FOR NO KEY UPDATE;
  IF p.state <> 'waiting' THEN RETURN answer_payin(p, 'settled'); END IF;
  IF payee_held(b) OR is_held('instant', p.merchant_id) THEN RETURN answer_payin(p, 'waiting'); END IF;
  PERFORM lock_users(ARRAY[p.user_id]);
  IF payer_fault(p.user_id) IS NOT NULL THEN RETURN answer_payin(p, 'waiting'); END IF;
  p := assign_slice(b, p, 'system');
  RETURN answer_payin(p, 'matched');
END $$;
REVOKE EXECUTE ON FUNCTION match_payin(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION match_payin(text) TO oncepay_app;

-- match_batch(batch): gives a free slice to the payin of its amount that has waited longest. Asked once it is opened or free again.
-- Answers: matched (`batch`, `payinId`) · free (nobody waits for it) · settled (it is not free (any more)). Raises if there is no such batch.
CREATE OR REPLACE FUNCTION match_batch(p_batch text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  b instant_batches;
  p payins;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch FOR NO KEY UPDATE;
  IF NOT instant_batch_free(b.state) THEN RETURN jsonb_build_object('outcome', 'settled', 'batch', instant_batch_record(b)); END IF;
  SELECT x.* INTO p FROM payins x
   WHERE x.mode = b.mode AND x.currency = b.currency AND x.amount = b.amount AND x.state = 'waiting' AND x.wait_until > now() AND x.user_id <> b.payee_id
     AND CASE WHEN gets_nothing(x.user_id) OR gets_nothing(b.payee_id) OR has_slice(x.user_id)
                OR cooling_until(x.user_id) > now() -- looks again itself when that is over, and keeps nobody else waiting
              THEN false ELSE true END
   ORDER BY x.id LIMIT 1 FOR NO KEY UPDATE OF x SKIP LOCKED;
  IF NOT FOUND OR payee_held(b) OR is_held('instant', p.merchant_id) THEN RETURN jsonb_build_object('outcome', 'free', 'batch', instant_batch_record(b)); END IF;
  PERFORM lock_users(ARRAY[p.user_id]);
  -- What has happened to the payer between the two is found at the next look.
  IF payer_fault(p.user_id) IS NOT NULL THEN RETURN jsonb_build_object('outcome', 'free', 'batch', instant_batch_record(b)); END IF;
  PERFORM assign_slice(b, p, 'system');
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  RETURN jsonb_build_object('outcome', 'matched', 'batch', instant_batch_record(b), 'payinId', p.id);
END $$;
REVOKE EXECUTE ON FUNCTION match_batch(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION match_batch(text) TO oncepay_app;
