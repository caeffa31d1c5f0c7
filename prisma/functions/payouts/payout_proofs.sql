-- What a PSP's word that a request came to nothing proves of its attempt, the same rows as PROOFS in
-- src/payouts/rules/proof.ts; a test compares the two.
--   named      it names the PSP's transfer
--   uncertain  an earlier request under the key may have been taken, or this is no answer to a request
DELETE FROM payout_proofs;
INSERT INTO payout_proofs (word, named, uncertain, counts, proof) VALUES
  ('not_taken', false, false, 'not_taken', NULL),
  ('not_taken', false, true, 'outcome_unknown', NULL),
  ('not_taken', true, false, 'not_taken', NULL),
  ('not_taken', true, true, 'outcome_unknown', NULL),
  ('attempt_failed', false, false, 'attempt_failed', 'refused'),
  ('attempt_failed', false, true, 'outcome_unknown', NULL),
  ('attempt_failed', true, false, 'attempt_failed', 'failed_transfer'),
  ('attempt_failed', true, true, 'attempt_failed', 'failed_transfer'),
  ('failed', false, false, 'failed', 'refused'),
  ('failed', false, true, 'outcome_unknown', NULL),
  ('failed', true, false, 'failed', 'failed_transfer'),
  ('failed', true, true, 'failed', 'failed_transfer');

-- unproven_attempts(payout): the attempts by which money may still go out: in flight, or proven dead and shown alive since.
CREATE OR REPLACE FUNCTION unproven_attempts(p payouts) RETURNS int[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(x.attempt::int ORDER BY x.attempt), '{}') FROM payout_attempts x
   WHERE x.payout_id = p.id AND (x.state = 'doubted' OR x.state = 'open' AND state_in_flight(p.state))
$$;

-- paid_attempt(payout): one that the PSP says it has paid, or null.
CREATE OR REPLACE FUNCTION paid_attempt(p payouts) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT min(x.attempt)::int FROM payout_attempts x WHERE x.payout_id = p.id AND x.state = 'succeeded'
$$;

-- psp_of(payout, state): the PSP of the attempt that came into this state last; where there is none, the one that pays it now.
CREATE OR REPLACE FUNCTION psp_of(p payouts, p_state text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT x.psp FROM payout_attempts x WHERE x.payout_id = p.id AND x.state = p_state ORDER BY x.told_at DESC, x.attempt LIMIT 1), p.psp)
$$;

-- has_unread_message(payout, attempt): a stored message, not dealt with yet, says that an attempt is alive or paid, be it one that the
-- books do not know. It may be the payment that makes this request one too many, so that waits until it is looked into. One
-- about the very attempt that is sent again, under its own key, holds up nothing.
CREATE OR REPLACE FUNCTION has_unread_message(p payouts, p_attempt int) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM psp_messages m WHERE m.payout_id = p.id AND m.state = 'received'
                    AND (m.attempt <> p_attempt OR p_attempt > p.attempt) AND m.claim IN ('paid', 'queued', 'held', 'processing'))
$$;
