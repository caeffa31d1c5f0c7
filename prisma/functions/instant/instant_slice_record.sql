-- instant_slice_record(batch): a slice with all that operators may know of it (WholeSlice in src/instant/rules/whole.ts): whoever had it, what
-- they showed, what the payee's bank told of a UTR that was shown for it, and what the payee said. Of one moment.
CREATE OR REPLACE FUNCTION instant_slice_record(b instant_batches) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT jsonb_build_object(
           'batch', instant_batch_record(b), 'validateUntil', iso_time(b.validate_until),
           'turns', (
             SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'number', a.epoch, 'assignedAt', iso_time(a.created_at), 'payin', payin_record(p),
                      'proof', (
                        SELECT jsonb_build_object('rail', f.rail, 'utr', f.utr, 'imageDeletedAt', iso_time(f.image_deleted_at), 'late', f.late,
                                                  'reasons', to_jsonb(f.reasons), 'submittedBy', f.submitted_by, 'submittedAt', iso_time(f.submitted_at))
                          FROM instant_proofs f WHERE (f.batch_id, f.epoch) = (a.batch_id, a.epoch)),
                      'lateCase', (
                        SELECT jsonb_build_object('createdAt', iso_time(l.created_at), 'was', l.was) || instant_decision(l.decision, l.decided_by, l.note, l.decided_at)
                          FROM late_proofs l WHERE l.payin_id = a.payin_id)) ORDER BY a.epoch), '[]')
               FROM instant_assignments a JOIN payins p ON p.id = a.payin_id WHERE a.batch_id = b.id),
           'bankCredits', (
             SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'id', c.id, 'utr', c.utr, 'currency', c.currency, 'amountMinor', c.amount::text, 'state', c.state,
                      'creditedAt', iso_time(c.credited_at), 'matchedAt', iso_time(c.matched_at)) ORDER BY c.matched_at, c.id), '[]')
               FROM bank_credits c WHERE c.batch_id = b.id),
           'dispute', (
             SELECT jsonb_build_object('reason', d.reason, 'openedBy', d.opened_by, 'openedAt', iso_time(d.opened_at))
                    || instant_decision(d.decision, d.decided_by, d.note, d.decided_at)
               FROM instant_disputes d WHERE d.batch_id = b.id))
$$;
REVOKE EXECUTE ON FUNCTION instant_slice_record(instant_batches) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION instant_slice_record(instant_batches) TO oncepay_app;

CREATE OR REPLACE FUNCTION instant_decision(p_decision text, p_by text, p_note text, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('decision', p_decision, 'decidedBy', p_by, 'note', p_note, 'decidedAt', iso_time(p_at))
$$;
