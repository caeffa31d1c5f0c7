-- risk_facts(provider, mode, currency, amount, at): what is known of a provider at a moment, this request included (RiskFacts
-- in src/risk/rules/assess.ts). Of all its balances: a limit on requests must not be had once per currency; only amounts
-- are compared within one. Hours, not days, make the windows: a day of a session's time zone may have 23.
-- FAILURE_HISTORY_DAYS and FAILURES_KEPT of src/risk/rules/policy.ts are the 2160 hours and the 20.
CREATE OR REPLACE FUNCTION risk_facts(p_provider text, p_mode text, p_currency text, p_amount bigint, p_at timestamptz)
RETURNS jsonb LANGUAGE sql AS $$
  WITH mine AS (
    SELECT p.id, p.state, p.amount, p.currency, p.created_at, p.completed_at
      FROM balances b JOIN payouts p ON p.balance_id = b.id WHERE b.owner_kind = 'provider' AND b.owner_id = p_provider AND b.mode = p_mode),
  failed AS (
    SELECT m.completed_at AS at FROM mine m WHERE m.state = 'FAILED'
    UNION ALL -- completed_at says when it was paid
    SELECT e.at FROM mine m JOIN events e ON e.subject_id = m.id AND e.type = 'payout.returned' WHERE m.state = 'RETURNED'),
  last_failed AS (SELECT f.at FROM failed f WHERE f.at > p_at - interval '2160 hours' ORDER BY f.at DESC LIMIT 20),
  last_completed AS (
    SELECT m.amount FROM mine m WHERE m.state = 'SUCCEEDED' AND m.currency = p_currency ORDER BY m.completed_at DESC, m.id DESC LIMIT 10),
  bank AS ( -- the account that is paid to; the first one is no change
    SELECT a.created_at AS at, lag(a.id) OVER (ORDER BY a.id) IS NOT NULL AS changed
      FROM provider_bank_accounts a WHERE a.provider_id = p_provider ORDER BY a.id DESC LIMIT 1)
  SELECT jsonb_build_object(
    'at', iso_time(p_at), 'amountMinor', p_amount::text, 'currency', p_currency,
    'verified', (SELECT v.verified FROM providers v WHERE v.id = p_provider),
    'completedPayouts', (SELECT count(*) FROM mine m WHERE m.state = 'SUCCEEDED'),
    'failedAt', (SELECT coalesce(jsonb_agg(iso_time(f.at) ORDER BY f.at DESC), '[]') FROM last_failed f),
    'bankChangedAt', (SELECT iso_time(b.at) FROM bank b WHERE b.changed),
    'requestsLast24h', (SELECT count(*) + 1 FROM mine m WHERE m.created_at > p_at - interval '24 hours'),
    'requestsLast30d', (SELECT count(*) + 1 FROM mine m WHERE m.created_at > p_at - interval '720 hours'),
    'lastCompleted', (SELECT jsonb_build_object('count', count(*), 'sumMinor', coalesce(sum(c.amount), 0)::text) FROM last_completed c))
$$;

-- risk_question(request): what must be assessed before this payout is taken in, or NULL where the assessment that comes
-- with the request is of the facts and the policy as they are. The provider's row must be locked: facts stay true then.
--   facts   as of the moment that the assessment names, if it is of just now: a clock that runs must not make them differ
--   policy  the merchant's newest, else the installation's newest, else NULL: the one built into the code
CREATE OR REPLACE FUNCTION risk_question(p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_policy risk_policies;
  v_facts jsonb;
  v_given jsonb := nullif(p_request -> 'risk', 'null');
  v_now timestamptz := moment();
  v_at timestamptz := (v_given #>> '{facts,at}')::timestamptz;
BEGIN
  SELECT * INTO v_policy FROM risk_policies r WHERE r.merchant_id IN (p_request ->> 'merchantId', '')
   ORDER BY r.merchant_id DESC, r.version DESC LIMIT 1;
  IF v_at IS NULL OR v_at > v_now OR v_at < v_now - interval '1 minute' THEN v_at := v_now; END IF; -- a minute: far more than two calls take
  v_facts := risk_facts(p_request #>> '{owner,id}', p_request ->> 'mode', p_request ->> 'currency', (p_request ->> 'amountMinor')::bigint, v_at);
  IF v_facts = v_given -> 'facts' AND coalesce(v_policy.merchant_id, '') = v_given ->> 'policyMerchantId'
     AND coalesce(v_policy.version, 1) = (v_given ->> 'policyVersion')::int THEN
    RETURN NULL;
  END IF;
  RETURN jsonb_build_object('outcome', 'assess', 'facts', v_facts, 'policy',
    CASE WHEN v_policy.version IS NOT NULL
         THEN jsonb_build_object('merchantId', v_policy.merchant_id, 'version', v_policy.version, 'rules', v_policy.policy) END);
END $$;
