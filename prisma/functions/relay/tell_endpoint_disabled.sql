-- tell_endpoint_disabled(endpoint): its merchant is told by mail that nothing is sent there any more, in the transaction that
-- switched it off. Key: (endpoint, since when it is off), so once for each time. A merchant without an address is told by
-- nobody: it sees it at the endpoint.
CREATE OR REPLACE FUNCTION tell_endpoint_disabled(e webhook_endpoints) RETURNS void LANGUAGE sql AS $$
  INSERT INTO notifications (id, event_key, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address, data)
  SELECT notification_id(k.key, 'email', m.email), k.key, 'webhook_endpoint', e.id, e.merchant_id, e.mode, 'merchant', m.id, 'email', 'endpoint_disabled', m.email,
         -- What the text is made of (EndpointNoticeData in src/notify/rules/notifications.ts).
         jsonb_build_object('recipientName', m.name, 'url', e.url, 'waiting', w.waiting,
                            'failingSince', to_char(r.failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
    FROM merchants m
   CROSS JOIN LATERAL (SELECT concat_ws(':', e.id, 'endpoint_disabled', (extract(epoch FROM e.disabled_at) * 1000)::bigint) AS key) k
   -- Counted no further than anybody cares: this holds the receiver's lock.
   CROSS JOIN LATERAL (SELECT count(*)::int AS waiting FROM (
     SELECT FROM webhook_deliveries d WHERE d.state = 'pending' AND d.receiver_id = e.id LIMIT 10001) x) w
    LEFT JOIN receivers r ON r.id = e.id -- an endpoint's receiver has its id
   WHERE m.id = e.merchant_id AND m.email IS NOT NULL
  ON CONFLICT (event_key, channel, address) DO NOTHING
$$;
