-- What a merchant gives to a provider: the merchant's available → the provider's available. A payout takes the oldest earnings first.
\ir book.sql

INSERT INTO providers (id, merchant_id, mode, external_id, name, email, verified)
VALUES ('prv_1', 'ayesha', 'test', 'tailor-7', 'Bilal Tailors', 'bilal@example.com', true) RETURNING id AS provider;
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT post_earning('{ "earningId": "ern_1", "merchantId": "ayesha", "mode": "test", "providerId": "prv_1", "currency": "PKR",
                      "amountMinor": "80000", "externalId": "order-1" }') ->> 'outcome' AS post;
SELECT post_earning('{ "earningId": "ern_2", "merchantId": "ayesha", "mode": "test", "providerId": "prv_1", "currency": "PKR",
                      "amountMinor": "50000", "externalId": "order-2" }') ->> 'outcome' AS post;
-- Posted again: the same earning. For other money: refused.
SELECT post_earning('{ "earningId": "ern_3", "merchantId": "ayesha", "mode": "test", "providerId": "prv_1", "currency": "PKR",
                      "amountMinor": "50000", "externalId": "order-2" }') AS post;
SELECT post_earning('{ "earningId": "ern_3", "merchantId": "ayesha", "mode": "test", "providerId": "prv_1", "currency": "PKR",
                      "amountMinor": "50001", "externalId": "order-2" }') AS post;

-- The provider asks for 1,000.00, with a fee of 10.00. First the ledger wants the risk assessed, by the built-in policy (null).
SELECT q ->> 'outcome' AS reserve, q -> 'policy' AS policy, (q -> 'facts') - 'at' AS facts
  FROM reserve_payout('{ "payoutId": "po_1", "kind": "provider", "owner": { "kind": "provider", "id": "prv_1" }, "merchantId": "ayesha",
                         "mode": "test", "currency": "PKR", "amountMinor": "100000", "feeMinor": "1000", "reference": "po_1",
                         "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "bank", "bankCode": "HBL", "accountNumber": "12345678900001" } }') q;

-- Asked again with a verdict on these facts, it is taken in. Somebody must look at it: it is the provider's first.
SELECT reserve_payout(request || jsonb_build_object('risk', jsonb_build_object(
         'policyVersion', 1, 'policyMerchantId', '', 'facts', reserve_payout(request) -> 'facts',
         'verdict', '{ "decision": "REVIEW", "reasons": [{ "code": "too_few_successes",
                       "detail": "0 payouts were completed, fewer than 3", "value": 0, "limit": 3 }] }'::jsonb))) ->> 'outcome' AS reserve
  FROM (SELECT '{ "payoutId": "po_1", "kind": "provider", "owner": { "kind": "provider", "id": "prv_1" }, "merchantId": "ayesha",
                  "mode": "test", "currency": "PKR", "amountMinor": "100000", "feeMinor": "1000", "reference": "po_1",
                  "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                  "destination": { "type": "bank", "bankCode": "HBL", "accountNumber": "12345678900001" } }'::jsonb AS request) asked;

SELECT * FROM payouts_now;

SELECT * FROM earnings_now;

SELECT apply_fact('po_1', 'approved:0:2:adm_1', 'approved', 'admin:adm_1', '{ "adminId": "adm_1" }') ->> 'outcome' AS approved;
SELECT apply_fact('po_1', 'attempt_started:1:3', 'attempt_started', 'system', '{ "attempt": 1 }') ->> 'outcome' AS attempt_started;
-- The PSP says that it paid, and what it took for that: our expense.
SELECT apply_fact('po_1', 'paid:1', 'paid', 'psp:sandbox', '{ "attempt": 1, "pspFeeMinor": "2688" }') ->> 'outcome' AS paid;

SELECT * FROM book;

SELECT * FROM earnings_now;

SELECT * FROM accounts_now;

-- And should it come back: the amount is available again, the fee stays paid.
SELECT apply_fact('po_1', 'returned:1:5', 'returned', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS returned;

SELECT * FROM earnings_now;
