-- Money that arrived for a merchant: funding → available. The same externalId is booked once.
\ir book.sql

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

-- The bank tells us again: nothing changes. With another amount it is refused, not booked.
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "600000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT * FROM book;

SELECT * FROM accounts_now;
