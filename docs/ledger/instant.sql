-- A withdrawal paid person to person: a slice of it by a payer of another merchant, one that nobody pays.
\ir book.sql

INSERT INTO users (id, merchant_id, mode, external_id) VALUES ('usr_payee', 'ayesha', 'test', 'a'), ('usr_payer', 'bilal', 'test', 'b') RETURNING id AS user;
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "INR", "amountMinor": "50000", "externalId": "wire-1" }') ->> 'outcome' AS fund;
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_payee", "type": "USER_CREDIT", "currency": "INR",
                         "amountMinor": "50000", "externalId": "won" }') ->> 'outcome' AS credit;

SELECT open_instant_payout('{ "instantPayoutId": "ip_w1", "merchantId": "ayesha", "mode": "test", "userId": "usr_payee", "currency": "INR", "amountMinor": "50000",
  "reference": "w-1", "payee": { "type": "upi", "label": "a••@upi", "sealed": "…" }, "onUnfilled": "refund", "callbackUrl": null,
  "batches": [{ "batchId": "ipb_s1", "amountMinor": "30000" }, { "batchId": "ipb_s2", "amountMinor": "20000" }],
  "policy": { "creditOn": "proof", "unconfirmedMost": 3, "assignmentMs": 900000, "coolDownMs": 600000, "reassignMost": 5, "confirmMs": 86400000, "validateMs": 900000 } }') ->> 'outcome' AS opened;
-- Nobody pays their own; another merchant's user does.
SELECT open_payin('{ "payinId": "pin_d1", "merchantId": "ayesha", "mode": "test", "userId": "usr_payee", "reference": "d-1", "batchId": "ipb_s1", "waitMs": 0 }') ->> 'outcome' AS claim;
SELECT open_payin('{ "payinId": "pin_d2", "merchantId": "bilal", "mode": "test", "userId": "usr_payer", "reference": "d-1", "batchId": "ipb_s1", "waitMs": 0 }') ->> 'outcome' AS claim;
-- The payer pays the payee in cash, and shows the UTR; once more, as by a request whose answer was lost.
SELECT submit_proof(s.proof) ->> 'outcome' AS proof FROM generate_series(1, 2), (VALUES ('{ "batchId": "ipb_s1", "payinId": "pin_d2", "utr": "431234567890", "rail": "upi",
  "imageHash": "f0", "imageLook": "00ff13579bdf2468", "imageType": "image/webp", "lookAlikeBits": 6, "actor": "merchant:bilal" }'::jsonb)) s (proof);
SELECT confirm_batch('{ "batchId": "ipb_s1", "actor": "merchant:ayesha" }') ->> 'outcome' AS confirm;
SELECT close_instant_payout('{ "instantPayoutId": "ip_w1", "reason": "cancelled", "actor": "merchant:ayesha" }') ->> 'outcome' AS cancel;

SELECT * FROM book;

SELECT * FROM accounts_now;

SELECT state, total, paid, held, returned, handed FROM instant_payouts;

-- What was told, to whom.
SELECT e.subject_id AS subject, e.sequence, e.type, e.from_state, e.to_state, (SELECT string_agg(s.owner_id, ' ' ORDER BY s.owner_id) FROM event_seen_by s
         WHERE (s.epoch, s.xid, s.position) = (e.epoch, e.xid, e.position)) AS seen_by
  FROM events e WHERE e.subject_kind IN ('instant_payout', 'instant_batch', 'payin') ORDER BY e.position;
