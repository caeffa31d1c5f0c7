-- A payout that is paid: its money is reserved, then settled, the amount to the PSP and the fee to us.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "150000", "feeMinor": "1500",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;

SELECT * FROM accounts_now;

-- An attempt is written down before the PSP is called. The PSP says that it paid; its callback says so again.
SELECT apply_fact('po_1', 'attempt_started:1:1', 'attempt_started', 'system', '{ "attempt": 1 }') ->> 'outcome' AS attempt_started;
SELECT apply_fact('po_1', 'paid:1', 'paid', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS paid;
SELECT apply_fact('po_1', 'paid:1', 'paid', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS paid;

SELECT * FROM payouts_now;

SELECT * FROM book;

SELECT * FROM accounts_now;
