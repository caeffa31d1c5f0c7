-- notify_event(payout, event, type, data): who is told of a provider payout's event, as one row for each channel and
-- address, in the event's own transaction: the outbox holds the notice if and only if the change happened.
-- Key: (what is told, channel, address). Told before: nothing is written.
CREATE OR REPLACE FUNCTION notify_event(p payouts, p_event text, p_type text, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_provider providers;
  v_data jsonb;
BEGIN
  SELECT v.* INTO v_provider FROM providers v WHERE v.id = p.owner_id;
  -- What the texts are made of (PayoutNoticeData in src/notify/rules/notifications.ts), as it is now; of the account only four digits.
  v_data := jsonb_build_object(
    'amountMinor', p.amount::text, 'feeMinor', p.fee::text, 'currency', p.currency,
    'bank', coalesce(p.destination ->> 'bankCode', p.destination ->> 'walletCode'),
    'accountLast4', right(p.destination ->> 'accountNumber', 4),
    'providerName', v_provider.name, 'psp', p.psp, 'attempts', p.attempt - p.attempts_before,
    'failure', coalesce(p_data -> 'failure', p.failure), 'reason', p_data ->> 'reason',
    'reviewReasons', coalesce(p.review -> 'reasons', '[]'));

  INSERT INTO notifications (id, event_key, event_id, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address, data)
  SELECT notification_id(n.event_key, a.channel, a.address), n.event_key, p_event, 'payout', p.id, p.merchant_id, p.mode,
         n.recipient_kind, a.recipient_id, a.channel, n.kind, a.address, v_data || jsonb_build_object('recipientName', a.name)
    FROM notices_of(p, p_event, p_type, p_data) n
   CROSS JOIN LATERAL addresses_of(n.recipient_kind, v_provider.id, n.roles) a
   ORDER BY n.event_key, a.channel, a.address -- two payouts that tell the same of a PSP wait for each other in one order
  ON CONFLICT (event_key, channel, address) DO NOTHING;
END $$;

-- notices_of: what there is to tell of an event, and to whom. Whoever can do something about it is told.
-- `psp_funds_short` is about the PSP, not the payout: told once a clock hour for each PSP, mode and currency.
CREATE OR REPLACE FUNCTION notices_of(p payouts, p_event text, p_type text, p_data jsonb)
RETURNS TABLE (kind text, recipient_kind text, roles text[], event_key text) LANGUAGE sql STABLE AS $$
  SELECT x.kind, x.recipient_kind, x.roles::text[], coalesce(x.event_key, p_event || ':' || x.kind)
    FROM (VALUES
      ('payout_completed',  'provider', NULL,                        NULL, p_type = 'payout.succeeded'),
      ('payout_failed',     'provider', NULL,                        NULL, p_type = 'payout.failed'),
      ('payout_returned',   'provider', NULL,                        NULL, p_type = 'payout.returned'),
      ('review_needed',     'admin', '{approver,admin}',             NULL, p_type = 'payout.in_review'),
      ('retries_exhausted', 'admin', '{operator,approver,admin}',    NULL, p_type = 'payout.failed' AND (p_data ->> 'needsOperator')::boolean),
      ('psp_funds_short',   'admin', '{operator,approver,admin}',
        concat_ws(':', 'psp_funds_short', p.psp, p.mode, p.currency, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')),
        p_data #>> '{failure,class}' = 'D')
    ) AS x (kind, recipient_kind, roles, event_key, applies)
   WHERE x.applies
$$;

-- addresses_of: where the provider, or the active admins of these roles, can be reached. A push address is a subscription's id.
CREATE OR REPLACE FUNCTION addresses_of(p_recipient_kind text, p_provider text, p_roles text[])
RETURNS TABLE (recipient_id text, name text, channel text, address text) LANGUAGE sql STABLE AS $$
  WITH people AS (
    SELECT v.id, v.name, v.email FROM providers v WHERE p_recipient_kind = 'provider' AND v.id = p_provider
    UNION ALL
    SELECT a.id, a.name, a.email FROM admins a WHERE p_recipient_kind = 'admin' AND a.active AND a.role = ANY (p_roles)
  )
  SELECT o.id, o.name, 'email', o.email FROM people o WHERE o.email IS NOT NULL
  UNION ALL
  SELECT o.id, o.name, 'push', s.id FROM people o JOIN push_subscriptions s ON s.owner_kind = p_recipient_kind AND s.owner_id = o.id
$$;

-- notification_id: in the form of all our ids, sorting by time; the rest is derived, so that it never depends on chance.
CREATE OR REPLACE FUNCTION notification_id(p_event_key text, p_channel text, p_address text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'ntf_' || lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')
                || left(encode(sha256(convert_to(concat_ws(' ', p_event_key, p_channel, p_address), 'UTF8')), 'hex'), 20)
$$;
