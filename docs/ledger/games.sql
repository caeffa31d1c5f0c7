-- A game: stakes stay the users' own until it is decided; the bank holds the most that it could lose beyond the winners' stakes.
\ir book.sql

INSERT INTO users (id, merchant_id, mode, external_id) VALUES ('usr_a', 'ayesha', 'test', 'a'), ('usr_b', 'ayesha', 'test', 'b') RETURNING id AS user;
SELECT fund_balance('{ "merchantId": "ayesha", "mode": "test", "currency": "INR", "amountMinor": "60000", "externalId": "wire-1" }') ->> 'outcome' AS fund;
SELECT move_bank_money('{ "merchantId": "ayesha", "mode": "test", "type": "BANK_DEPOSIT", "currency": "INR", "amountMinor": "10000", "name": "opening" }') ->> 'outcome' AS deposit;
SELECT move_user_money(jsonb_build_object('merchantId', 'ayesha', 'mode', 'test', 'userId', id, 'type', 'USER_CREDIT', 'currency', 'INR',
                                          'amountMinor', '20000', 'externalId', id)) ->> 'outcome' AS credit FROM users ORDER BY id;

SELECT open_game('{ "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "type": "andar_bahar", "currency": "INR", "overdueAfterMs": 3600000,
                    "sides": [{ "side": "andar", "multiplierBps": 20000 }, { "side": "bahar", "multiplierBps": 20000 }] }');
SELECT place_bet('{ "betId": "bet_1", "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "userId": "usr_a", "side": "andar", "amountMinor": "10000" }') ->> 'outcome' AS bet;
-- One more would be more than the bank could pay. On the other side it has as much to spare.
SELECT place_bet('{ "betId": "bet_2", "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "userId": "usr_a", "side": "andar", "amountMinor": "1" }') ->> 'outcome' AS bet;
SELECT place_bet('{ "betId": "bet_3", "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "userId": "usr_b", "side": "bahar", "amountMinor": "7000" }') ->> 'outcome' AS bet;

SELECT record_completion('{ "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "winner": "andar", "payouts": null }') ->> 'outcome' AS complete;
SELECT record_completion('{ "gameId": "gam_1", "merchantId": "ayesha", "mode": "test", "winner": "bahar", "payouts": null }') ->> 'outcome' AS complete;
SELECT settle_users('gam_1', '{usr_a,usr_b}');
-- Once more, as by a worker that took over: nobody is left.
SELECT settle_users('gam_1', '{usr_a,usr_b}');
SELECT end_game('gam_1') ->> 'outcome' AS the_end;

SELECT * FROM book;

-- A card was seen. The winner has spent half of it.
SELECT move_user_money('{ "merchantId": "ayesha", "mode": "test", "userId": "usr_a", "type": "USER_DEBIT", "currency": "INR",
                         "amountMinor": "15000", "externalId": "withdrawal-1" }') ->> 'outcome' AS debit;
SELECT void_game('gam_1', 'a card was seen', 'admin:adm_1') ->> 'outcome' AS void;
SELECT void_users('gam_1', '{usr_a,usr_b}');
SELECT end_game('gam_1') ->> 'outcome' AS the_end;

SELECT * FROM book WHERE step LIKE 'game/%/void%';

SELECT * FROM accounts_now;

-- What was told: each with the balance of its own commit.
SELECT subject_id AS user, sequence, object ->> 'result' AS result, object ->> 'amountMinor' AS amount, object ->> 'netProfitMinor' AS profit,
       object #>> '{balance,availableMinor}' AS balance, object #>> '{balance,version}' AS version
  FROM events WHERE type = 'game_complete' ORDER BY subject_id, sequence;
