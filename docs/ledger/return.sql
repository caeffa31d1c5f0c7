-- A payout that was paid and sent back by the bank: the amount is available again. The fee stays: the transfer was made.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "150000", "feeMinor": "1500",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;
SELECT apply_fact('po_1', 'attempt_started:1:1', 'attempt_started', 'system', '{ "attempt": 1 }') ->> 'outcome' AS attempt_started;
SELECT apply_fact('po_1', 'paid:1', 'paid', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS paid;
SELECT apply_fact('po_1', 'returned:1:3', 'returned', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS returned;

SELECT * FROM payouts_now;

SELECT * FROM book;

SELECT * FROM accounts_now;

-- And should the bank try again by itself: paid once more, out of what is there. The fee was taken the first time.
SELECT apply_fact('po_1', 'paid:1:again', 'paid', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS paid_again;

SELECT * FROM book WHERE step LIKE 'po_1:settle%';

SELECT * FROM payouts_now;
