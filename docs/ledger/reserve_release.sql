-- A payout that fails: its money is reserved, then released. Tried again, it reserves again, once a round.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "150000", "feeMinor": "1500",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;
SELECT apply_fact('po_1', 'attempt_started:1:1', 'attempt_started', 'system', '{ "attempt": 1 }') ->> 'outcome' AS attempt_started;
SELECT apply_fact('po_1', 'failed:1:2', 'failed', 'psp:sandbox', '{ "attempt": 1, "failure": { "code": "no_account", "message": "no such account", "retryable": false } }') ->> 'outcome' AS failed;

SELECT * FROM accounts_now;
SELECT apply_fact('po_1', 'reinitiated:2', 'reinitiated', 'merchant:ayesha', '{}') ->> 'outcome' AS reinitiated;
SELECT apply_fact('po_1', 'attempt_started:2:4', 'attempt_started', 'system', '{ "attempt": 2 }') ->> 'outcome' AS attempt_started;
SELECT apply_fact('po_1', 'paid:2', 'paid', 'psp:sandbox', '{ "attempt": 2 }') ->> 'outcome' AS paid;

SELECT * FROM payouts_now;

SELECT * FROM book;
