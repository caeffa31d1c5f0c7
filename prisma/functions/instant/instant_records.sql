-- instant_payout_record(withdrawal): the row as events and the API carry it (InstantPayoutRecord in src/instant/rules/records.ts).
CREATE OR REPLACE FUNCTION instant_payout_record(w instant_payouts) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT instant_totals(w) || jsonb_build_object(
           'id', w.id, 'merchantId', w.merchant_id, 'mode', w.mode, 'userId', w.user_id, 'reference', w.reference, 'currency', w.currency,
           'returnedMinor', w.returned::text, 'handedMinor', w.handed::text, 'payee', w.payee - 'sealed', 'state', w.state, 'closing', w.closing,
           'onUnfilled', w.on_unfilled, 'creditOn', w.policy ->> 'creditOn', 'receiptId', w.receipt_id, 'restPayoutId', w.rest_payout_id,
           'utrs', (SELECT coalesce(jsonb_agg(b.utr ORDER BY b.number), '[]') FROM instant_batches b WHERE b.instant_payout_id = w.id AND b.money = 'credited'),
           'sequence', w.sequence, 'createdAt', iso_time(w.created_at), 'updatedAt', iso_time(w.updated_at), 'completedAt', iso_time(w.completed_at))
$$;
REVOKE EXECUTE ON FUNCTION instant_payout_record(instant_payouts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION instant_payout_record(instant_payouts) TO oncepay_app; -- the API reads withdrawals in this shape too

-- instant_totals(withdrawal): how far it is, for whoever pays or is paid a slice of it.
CREATE OR REPLACE FUNCTION instant_totals(w instant_payouts) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('totalMinor', w.total::text, 'paidMinor', w.paid::text, 'remainingMinor', w.held::text)
$$;

-- instant_batch_record(batch): the same of a slice (BatchRecord). Both sides see it: nothing in it says who the other is.
CREATE OR REPLACE FUNCTION instant_batch_record(b instant_batches) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object(
           'id', b.id, 'instantPayoutId', b.instant_payout_id, 'number', b.number, 'mode', b.mode, 'currency', b.currency, 'amountMinor', b.amount::text,
           'state', b.state, 'money', b.money, 'epoch', b.epoch, 'reassignments', b.assignments - (b.epoch > 0 AND instant_batch_has_payer(b.state))::int,
           'payinId', CASE WHEN instant_batch_has_payer(b.state) THEN b.payin_id END,
           'payUntil', CASE WHEN instant_batch_has_payer(b.state) THEN iso_time(b.pay_until) END,
           'confirmUntil', iso_time(b.confirm_until), 'utr', b.utr, 'receiptId', b.receipt_id,
           'review', CASE WHEN b.review_reasons <> '{}' THEN jsonb_build_object('reasons', to_jsonb(b.review_reasons), 'validatorId', b.validator_id) END,
           'totals', (SELECT instant_totals(w) FROM instant_payouts w WHERE w.id = b.instant_payout_id),
           'sequence', b.sequence, 'createdAt', iso_time(b.created_at), 'updatedAt', iso_time(b.updated_at),
           'creditedAt', iso_time(b.credited_at), 'confirmedAt', iso_time(b.confirmed_at))
$$;
REVOKE EXECUTE ON FUNCTION instant_batch_record(instant_batches) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION instant_batch_record(instant_batches) TO oncepay_app;

-- instant_batch_has_payer(state): an assignment counts. The event of one that ends is written while the row still names it.
CREATE OR REPLACE FUNCTION instant_batch_has_payer(p_state text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT instant_batch_free(p_state) AND p_state NOT IN ('cancelled', 'late_proof')
$$;

-- payin_record(payin): the same of a deposit (PayinRecord).
CREATE OR REPLACE FUNCTION payin_record(p payins) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object(
           'id', p.id, 'merchantId', p.merchant_id, 'mode', p.mode, 'userId', p.user_id, 'reference', p.reference, 'currency', p.currency,
           'amountMinor', p.amount::text, 'state', p.state, 'batchId', p.batch_id,
           'epoch', (SELECT a.epoch FROM instant_assignments a WHERE a.payin_id = p.id),
           'payUntil', iso_time(p.pay_until), 'waitUntil', iso_time(p.wait_until), 'utr', p.utr, 'receiptId', p.receipt_id,
           'totals', (SELECT instant_totals(w) FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id WHERE b.id = p.batch_id),
           'sequence', p.sequence, 'createdAt', iso_time(p.created_at), 'updatedAt', iso_time(p.updated_at), 'completedAt', iso_time(p.completed_at))
$$;
REVOKE EXECUTE ON FUNCTION payin_record(payins) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payin_record(payins) TO oncepay_app;
