-- Attempts in doubt of payouts that are over are looked up again now and then; there are few among all that ever were.
CREATE INDEX payout_attempts_doubted ON payout_attempts (payout_id) WHERE state = 'doubted';
