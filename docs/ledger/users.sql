-- What a merchant moves to a user of its own and back: the merchant's available → the user's available, and the other way.
\ir book.sql

INSERT INTO users (id, merchant_id, mode, external_id) VALUES ('usr_1', 'ayesha', 'test', 'player-7') RETURNING id AS user;
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "PKR", "amountMinor": "500000",
                      "externalId": "wire-1" }') ->> 'outcome' AS fund;

SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_1", "type": "USER_CREDIT", "currency": "PKR",
                         "amountMinor": "80000", "externalId": "deposit-1" }') ->> 'outcome' AS credit;
-- Asked for again: the same. As other money under that name: refused.
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_1", "type": "USER_CREDIT", "currency": "PKR",
                         "amountMinor": "80000", "externalId": "deposit-1" }') ->> 'outcome' AS credit;
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_1", "type": "USER_DEBIT", "currency": "PKR",
                         "amountMinor": "80000", "externalId": "deposit-1" }') ->> 'outcome' AS debit;
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_1", "type": "USER_DEBIT", "currency": "PKR",
                         "amountMinor": "30000", "externalId": "withdrawal-1" }') ->> 'outcome' AS debit;

-- Frozen: nothing moves this user's money, until it may again.
SELECT freeze_user('usr_1', true, 'freeze-1', 'merchant:ayesha');
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_1", "type": "USER_CREDIT", "currency": "PKR",
                         "amountMinor": "1", "externalId": "deposit-2" }') ->> 'outcome' AS credit;

SELECT * FROM book;

SELECT * FROM accounts_now;

-- What was told, to the merchant and to the user: each with the balance of its own commit.
SELECT sequence, type, to_state, object #>> '{transaction,amountMinor}' AS moved, object #>> '{balance,availableMinor}' AS balance,
       object #>> '{balance,version}' AS version
  FROM events WHERE subject_id = 'usr_1' ORDER BY sequence;
