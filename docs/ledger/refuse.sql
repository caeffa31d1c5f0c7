-- Not enough: nothing is booked, and the answer stays the same for this payout, also when money has come.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "1000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "1000", "feeMinor": "25",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-2" }') ->> 'outcome' AS fund;

SELECT reserve_payout('{ "payoutId": "po_1", "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "1000", "feeMinor": "25",
                         "reference": "INV-1", "metadata": {}, "psp": "sandbox", "reviewReasons": [],
                         "destination": { "type": "wallet", "walletCode": "JAZZCASH", "accountNumber": "03001234567" } }') ->> 'outcome' AS reserve;

SELECT * FROM book;

SELECT * FROM payouts_now;
