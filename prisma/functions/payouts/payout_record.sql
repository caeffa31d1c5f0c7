-- payout_record(payout): the row as the JSON that workflows, events and webhooks carry (PayoutRecord in
-- src/payouts/rules/contract.ts): amounts as strings, because JSON numbers lose digits; of the account only four digits.
CREATE OR REPLACE FUNCTION payout_record(p payouts) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  v_approvals jsonb := '[]';
BEGIN
  IF p.review IS NOT NULL THEN
    SELECT coalesce(jsonb_agg(jsonb_build_object('adminId', a.admin_id, 'decision', a.decision, 'at', iso_time(a.at)) ORDER BY a.at), '[]')
      INTO v_approvals FROM approvals a WHERE a.subject_id = p.id AND a.round = p.round;
  END IF;
  RETURN jsonb_build_object(
    'id', p.id, 'merchantId', p.merchant_id, 'mode', p.mode, 'kind', p.kind, 'owner', jsonb_build_object('kind', p.owner_kind, 'id', p.owner_id), 'currency', p.currency,
    'amountMinor', p.amount::text, 'feeMinor', p.fee::text, 'reference', p.reference, 'description', p.description,
    'metadata', p.metadata,
    'destination', (p.destination - 'accountNumber' - 'iban')
      || jsonb_build_object('accountLast4', right(p.destination ->> 'accountNumber', 4)),
    'psp', p.psp, 'pspReference', p.psp_reference, 'state', p.state, 'round', p.round, 'attempt', p.attempt, 'attemptsBefore', p.attempts_before,
    'attemptOpen', EXISTS (SELECT 1 FROM payout_attempts t WHERE t.payout_id = p.id AND t.attempt = p.attempt AND t.state = 'open'),
    'unproven', to_jsonb(unproven_attempts(p)), 'returns', p.returns, 'sequence', p.sequence,
    'review', CASE WHEN p.review IS NULL THEN NULL ELSE p.review || jsonb_build_object('approvals', v_approvals) END,
    'hold', p.hold, 'failure', p.failure, 'needsOperator', p.needs_operator, 'pausedBy', p.paused_by,
    'maxAttempts', p.max_attempts, 'dispatch', p.dispatch, 'runId', p.run_id, 'method', p.method, 'risk', p.risk,
    'reviewUntil', iso_time(p.review_until), 'nextAttemptAt', iso_time(p.next_attempt_at), 'outcomeUntil', iso_time(p.outcome_until),
    'createdAt', iso_time(p.created_at), 'updatedAt', iso_time(p.updated_at), 'completedAt', iso_time(p.completed_at));
END $$;
REVOKE EXECUTE ON FUNCTION payout_record(payouts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payout_record(payouts) TO oncepay_app; -- the API reads payouts in this shape too
