-- What becomes of a slice's money: internal, called by the steps of a slice, which hold its rows (lock_slice). Each once ever, by its key.

-- credit_slice(batch): the payer has paid the payee; the books follow:
--   SLICE  amount  the payee's reserved → the payer's available, a credit of the payer's (credit.sql), whosever users they are
-- Key: slice/<batch>. With it the slice has its receipt. Answers: credited · payee_frozen · balance_limit: nothing moved.
-- Also while the payer is frozen, once somebody has the last word (by a proof alone nobody who is frozen is credited: doubts_of): the payee has
-- the cash, and is not to be held by the payer's freeze, which the payer's merchant alone lifts; the credit stands where it cannot be spent.
CREATE OR REPLACE FUNCTION credit_slice(p_batch text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  p payins;
  t balances; -- the payer's
  k balances; -- the payee's
  v_receipt text;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = b.payin_id;
  IF b.money <> 'held' THEN RAISE EXCEPTION 'the money of batch % is %', b.id, b.money; END IF;
  IF EXISTS (SELECT 1 FROM users x WHERE x.id = b.payee_id AND x.frozen) THEN RETURN 'payee_frozen'; END IF;
  SELECT y.* INTO STRICT k FROM instant_payouts x JOIN balances y ON y.id = x.balance_id WHERE x.id = b.instant_payout_id;
  t := open_balance(p.merchant_id, p.mode, 'user', p.user_id, p.currency);
  t := lock_for_credit(t.id, ARRAY[k.id]);
  IF over_limit(t, b.amount) THEN RETURN 'balance_limit'; END IF;
  PERFORM credit('slice/' || b.id, 0, 'SLICE', t, k.reserved_account, b.amount, 'instant_batch', b.id);
  v_receipt := next_receipt_id();
  UPDATE instant_batches x SET money = 'credited', credited_at = moment(), receipt_id = v_receipt WHERE x.id = b.id;
  UPDATE instant_payouts x SET paid = x.paid + b.amount, held = x.held - b.amount WHERE x.id = b.instant_payout_id;
  UPDATE instant_assignments x SET state = 'settled', ended_at = moment() WHERE x.batch_id = b.id AND x.epoch = b.epoch;
  UPDATE payins x SET receipt_id = v_receipt WHERE x.id = p.id;
  RETURN 'credited';
END $$;

-- release_slice(batch): it will not be paid by anybody:
--   WITHDRAWAL_BACK  amount  the payee's reserved → the payee's available, a credit (credit.sql): it repays first what the payee owes, or a
--                            withdrawal, which its payee may cancel, would keep money from whom it is owed to
-- Key: slice/<batch>/release. Also while the payee is frozen: it was the payee's own all the time, and stays where it cannot be spent.
CREATE OR REPLACE FUNCTION release_slice(p_batch text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  k balances;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  IF b.money <> 'held' THEN RAISE EXCEPTION 'the money of batch % is %', b.id, b.money; END IF;
  SELECT y.* INTO STRICT k FROM instant_payouts x JOIN balances y ON y.id = x.balance_id WHERE x.id = b.instant_payout_id;
  k := lock_for_credit(k.id);
  PERFORM credit('slice/' || b.id || '/release', 0, 'WITHDRAWAL_BACK', k, k.reserved_account, b.amount, 'instant_batch', b.id);
  UPDATE instant_batches x SET money = 'released' WHERE x.id = b.id;
  UPDATE instant_payouts x SET returned = x.returned + b.amount, held = x.held - b.amount WHERE x.id = b.instant_payout_id;
END $$;

-- let_go(batch): nobody pays it any more: its money is released, or stays for the payout of the rest, as the withdrawal says; not
-- where a late payer of it was credited: its payee has the cash, and would be paid twice. Whether it came back.
CREATE OR REPLACE FUNCTION let_go(p_batch text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id
    WHERE b.id = p_batch AND (w.on_unfilled = 'refund' OR w.closing = 'cancelled' OR EXISTS (SELECT 1 FROM late_proofs l WHERE l.batch_id = b.id AND l.decision = 'credit'));
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM release_slice(p_batch);
  RETURN true;
END $$;

-- take_back_slice(batch): the payer was credited and has not paid: it goes back to the payee, as far as it is there:
--   SLICE_BACK       part  the payer's available → the payee's reserved
--   WITHDRAWAL_BACK  part  the payee's reserved → the payee's available, a credit as in release_slice
--   DEBT             the rest, which the payer owes the payee (owe.sql): new money repays it first, and the payee has it only then
-- Key: slice/<batch>/back, of the credit slice/<batch>/returned. Also while either is frozen: a fraud's freeze, which the payer's merchant alone lifts, must not keep the payee's
-- money, and let it be spent once lifted; and the payee's own comes back to where it cannot be spent (release_slice).
CREATE OR REPLACE FUNCTION take_back_slice(p_batch text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  p payins;
  t balances; -- the payer's
  k balances; -- the payee's
  v_key text := 'slice/' || p_batch || '/back';
  v_part bigint;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  SELECT * INTO STRICT p FROM payins x WHERE x.id = b.payin_id;
  IF b.money <> 'credited' THEN RAISE EXCEPTION 'the money of batch % is %', b.id, b.money; END IF;
  SELECT y.* INTO STRICT k FROM instant_payouts x JOIN balances y ON y.id = x.balance_id WHERE x.id = b.instant_payout_id;
  SELECT * INTO STRICT t FROM balances x WHERE x.mode = p.mode AND x.owner_kind = 'user' AND x.owner_id = p.user_id AND x.currency = p.currency;
  k := lock_for_credit(k.id, ARRAY[t.id]);
  SELECT * INTO STRICT t FROM balances x WHERE x.id = t.id;
  v_part := least(t.available, b.amount);
  IF v_part > 0 THEN
    PERFORM post(ARRAY[(v_key, 0, 'SLICE_BACK', t.available_account, k.reserved_account, v_part, 'instant_batch', b.id)::posting]);
    PERFORM credit('slice/' || b.id || '/returned', 0, 'WITHDRAWAL_BACK', k, k.reserved_account, v_part, 'instant_batch', b.id);
  END IF;
  IF v_part < b.amount THEN PERFORM owe(v_key, 2, t, k, b.amount - v_part, 'instant_batch', b.id); END IF;
  UPDATE instant_batches x SET money = 'reversed' WHERE x.id = b.id;
  UPDATE instant_payouts x SET paid = x.paid - b.amount, returned = x.returned + b.amount WHERE x.id = b.instant_payout_id;
END $$;

-- end_instant_payout(withdrawal): whatever follows for it from what its slices have become: a dispute that is over, and, once nothing is
-- to come of any slice and nothing of it is held, its end. What is held for a payout of the rest waits for that (hand_over.sql).
-- The withdrawal must be locked, and with it every slice that could still change.
CREATE OR REPLACE FUNCTION end_instant_payout(p_id text, p_by text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  w instant_payouts;
  v_fact text;
BEGIN
  SELECT * INTO STRICT w FROM instant_payouts x WHERE x.id = p_id;
  IF w.state = 'disputed' AND NOT EXISTS (SELECT 1 FROM instant_batches b WHERE b.instant_payout_id = w.id AND b.state = 'disputed') THEN
    w := move_instant_payout(w.id, CASE WHEN w.paid > 0 THEN 'dispute_over' ELSE 'dispute_over_unpaid' END, 'dispute_over:' || w.sequence, 'system', '{}');
  END IF;
  IF w.held > 0 OR instant_payout_final(w.state)
     OR EXISTS (SELECT 1 FROM instant_batches b WHERE b.instant_payout_id = w.id AND NOT instant_batch_final(b.state)) THEN RETURN; END IF;
  v_fact := CASE WHEN w.paid = w.total THEN 'completed' WHEN w.paid > 0 OR w.handed > 0 THEN 'completed_in_part' ELSE 'cancelled' END;
  PERFORM move_instant_payout(w.id, v_fact, 'ended', 'system', jsonb_build_object('by', p_by));
END $$;

-- confirm_slice(batch, fact, key, actor): the last word that it was paid: `confirmed` by the payee or the bank, or `approved` by an operator.
-- Who was not credited before is now. Answers: confirmed · payee_frozen · balance_limit: nothing written.
CREATE OR REPLACE FUNCTION confirm_slice(p_batch text, p_fact text, p_key text, p_actor text, p_data jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  b instant_batches;
  v_outcome text;
  v_credits boolean;
BEGIN
  SELECT * INTO STRICT b FROM instant_batches x WHERE x.id = p_batch;
  v_credits := b.money = 'held';
  IF v_credits THEN
    v_outcome := credit_slice(b.id);
    IF v_outcome <> 'credited' THEN RETURN v_outcome; END IF;
  END IF;
  UPDATE instant_disputes x SET decision = CASE p_fact WHEN 'approved' THEN 'approve' ELSE 'confirmed' END, decided_by = p_actor, note = p_data ->> 'note', decided_at = moment()
   WHERE x.batch_id = b.id AND x.decision IS NULL;
  UPDATE instant_batches x SET confirmed_at = moment() WHERE x.id = b.id;
  PERFORM move_instant_batch(b.id, p_fact, p_key, p_actor, p_data);
  IF v_credits THEN PERFORM tell_credited(b, p_actor); END IF;
  PERFORM end_instant_payout(b.instant_payout_id, b.id);
  RETURN 'confirmed';
END $$;

-- tell_credited(batch): its payin and its withdrawal hear of the credit, after the slice.
CREATE OR REPLACE FUNCTION tell_credited(b instant_batches, p_actor text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM move_payin(b.payin_id, 'credited', 'credited', p_actor, '{}');
  PERFORM move_instant_payout(b.instant_payout_id, 'slice_paid', 'slice_paid:' || b.id, 'system', jsonb_build_object('batchId', b.id));
END $$;
