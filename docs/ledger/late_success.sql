-- A payout that we took for failed, yet the PSP has paid it. What is available pays for it; the rest is a debt, never a negative balance.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "151500",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "150000", "feeMinor": "1500",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;
SELECT apply_fact('po_1', 'attempt_started:1:1', 'attempt_started', 'system', '{ "attempt": 1 }') ->> 'outcome' AS attempt_started;
SELECT apply_fact('po_1', 'failed:1:2', 'failed', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS failed;

-- The merchant uses the released money for another payout. Then the PSP says that the first was paid.
SELECT reserve_payout('{ "payoutId": "po_2", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "100000", "feeMinor": "0",
                         "reference": "INV-2", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;
SELECT apply_fact('po_1', 'paid:1', 'paid', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS paid;

SELECT * FROM payouts_now;

SELECT * FROM book;

SELECT * FROM accounts_now;

-- New money repays first: what arrives is not available before nothing is owed.
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "40000",
                      "externalId": "wire-2" }') ->> 'outcome' AS fund;

SELECT * FROM book WHERE step LIKE 'fund:%:wire-2%';

-- And should it come back: what is still owed is repaid, the rest is available again.
SELECT apply_fact('po_1', 'returned:1:4', 'returned', 'psp:sandbox', '{ "attempt": 1 }') ->> 'outcome' AS returned;

SELECT * FROM book WHERE type = 'REVERSE';

SELECT * FROM accounts_now;
