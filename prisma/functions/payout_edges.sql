-- The legal edges of a payout, the same rows as EDGES in src/domain/payout/machine.ts; a test compares the two.
-- Written out rather than computed, so that what may happen to money can be read here without running anything.
DELETE FROM payout_edges;
INSERT INTO payout_edges (from_state, fact, to_state, effect, event_type) VALUES
  ('IN_REVIEW', 'approved', 'QUEUED', 'none', 'payout.approved'),
  ('IN_REVIEW', 'rejected', 'REJECTED', 'release', 'payout.rejected'),
  ('REVIEW_ON_HOLD', 'rejected', 'REJECTED', 'release', 'payout.rejected'),
  ('ON_HOLD', 'rejected', 'REJECTED', 'release', 'payout.rejected'),
  ('IN_REVIEW', 'review_expired', 'REJECTED', 'release', 'payout.rejected'),
  ('IN_REVIEW', 'held', 'REVIEW_ON_HOLD', 'none', 'payout.on_hold'),
  ('REVIEW_ON_HOLD', 'hold_lifted', 'IN_REVIEW', 'none', 'payout.released'),
  ('QUEUED', 'held', 'ON_HOLD', 'none', 'payout.on_hold'),
  ('RETRY_WAIT', 'held', 'ON_HOLD', 'none', 'payout.on_hold'),
  ('ON_HOLD', 'hold_lifted', 'QUEUED', 'none', 'payout.released'),
  ('IN_REVIEW', 'cancelled', 'CANCELLED', 'release', 'payout.cancelled'),
  ('REVIEW_ON_HOLD', 'cancelled', 'CANCELLED', 'release', 'payout.cancelled'),
  ('QUEUED', 'cancelled', 'CANCELLED', 'release', 'payout.cancelled'),
  ('RETRY_WAIT', 'cancelled', 'CANCELLED', 'release', 'payout.cancelled'),
  ('ON_HOLD', 'cancelled', 'CANCELLED', 'release', 'payout.cancelled'),
  ('FAILED', 'reinitiated', 'QUEUED', 'reserve', 'payout.queued'),
  ('QUEUED', 'dispatched', 'QUEUED', 'none', 'payout.queued'),
  ('QUEUED', 'attempt_started', 'SUBMITTING', 'attempt', 'payout.processing'),
  ('RETRY_WAIT', 'attempt_started', 'SUBMITTING', 'attempt', 'payout.processing'),
  ('UNKNOWN', 'attempt_started', 'SUBMITTING', 'attempt', 'payout.processing'),
  ('SUBMITTING', 'not_taken', 'QUEUED', 'none', 'payout.queued'),
  ('SUBMITTING', 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued'),
  ('SUBMITTING', 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold'),
  ('SUBMITTING', 'psp_processing', 'PROCESSING', 'none', 'payout.processing'),
  ('SUBMITTING', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('SUBMITTING', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('SUBMITTING', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('SUBMITTING', 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('PSP_QUEUED', 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold'),
  ('PSP_QUEUED', 'psp_processing', 'PROCESSING', 'none', 'payout.processing'),
  ('PSP_QUEUED', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('PSP_QUEUED', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('PSP_QUEUED', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('PSP_QUEUED', 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('PSP_HELD', 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued'),
  ('PSP_HELD', 'psp_processing', 'PROCESSING', 'none', 'payout.processing'),
  ('PSP_HELD', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('PSP_HELD', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('PSP_HELD', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('PSP_HELD', 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('PROCESSING', 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued'),
  ('PROCESSING', 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold'),
  ('PROCESSING', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('PROCESSING', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('PROCESSING', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('PROCESSING', 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('UNKNOWN', 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued'),
  ('UNKNOWN', 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold'),
  ('UNKNOWN', 'psp_processing', 'PROCESSING', 'none', 'payout.processing'),
  ('UNKNOWN', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('UNKNOWN', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('UNKNOWN', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('UNKNOWN', 'mismatch', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('UNRESOLVED', 'psp_queued', 'PSP_QUEUED', 'none', 'payout.queued'),
  ('UNRESOLVED', 'psp_held', 'PSP_HELD', 'none', 'payout.on_hold'),
  ('UNRESOLVED', 'psp_processing', 'PROCESSING', 'none', 'payout.processing'),
  ('UNRESOLVED', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('UNRESOLVED', 'attempt_failed', 'RETRY_WAIT', 'none', 'payout.retrying'),
  ('UNRESOLVED', 'failed', 'FAILED', 'release', 'payout.failed'),
  ('SUBMITTING', 'outcome_unknown', 'UNKNOWN', 'none', 'payout.outcome_unknown'),
  ('PSP_QUEUED', 'outcome_unknown', 'UNKNOWN', 'none', 'payout.outcome_unknown'),
  ('PSP_HELD', 'outcome_unknown', 'UNKNOWN', 'none', 'payout.outcome_unknown'),
  ('PROCESSING', 'outcome_unknown', 'UNKNOWN', 'none', 'payout.outcome_unknown'),
  ('UNKNOWN', 'outcome_overdue', 'UNRESOLVED', 'none', 'payout.outcome_unknown'),
  ('UNRESOLVED', 'resolved_paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('UNRESOLVED', 'resolved_not_paid', 'FAILED', 'release', 'payout.failed'),
  ('IN_REVIEW', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('REVIEW_ON_HOLD', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('QUEUED', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('RETRY_WAIT', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('ON_HOLD', 'paid', 'SUCCEEDED', 'settle', 'payout.succeeded'),
  ('FAILED', 'paid', 'SUCCEEDED', 'settle_late', 'payout.succeeded'),
  ('REJECTED', 'paid', 'SUCCEEDED', 'settle_late', 'payout.succeeded'),
  ('CANCELLED', 'paid', 'SUCCEEDED', 'settle_late', 'payout.succeeded'),
  ('SUCCEEDED', 'returned', 'RETURNED', 'reverse', 'payout.returned');

-- state_in_flight: may a request be on the wire?
CREATE OR REPLACE FUNCTION state_in_flight(p_state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_state IN ('SUBMITTING', 'PSP_QUEUED', 'PSP_HELD', 'PROCESSING', 'UNKNOWN', 'UNRESOLVED')
$$;

CREATE OR REPLACE FUNCTION state_final(p_state text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_state IN ('SUCCEEDED', 'FAILED', 'REJECTED', 'CANCELLED', 'RETURNED')
$$;

-- fact_origin: who says so decides what happens to a fact without an edge.
CREATE OR REPLACE FUNCTION fact_origin(p_fact text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_fact IN ('approved', 'rejected', 'held', 'hold_lifted', 'cancelled', 'reinitiated', 'resolved_paid', 'resolved_not_paid') THEN 'person'
    WHEN p_fact IN ('review_expired', 'outcome_overdue') THEN 'clock'
    WHEN p_fact IN ('attempt_started', 'dispatched') THEN 'engine'
    WHEN p_fact IN ('psp_queued', 'psp_held', 'psp_processing', 'not_taken', 'outcome_unknown', 'mismatch', 'attempt_failed', 'failed', 'paid', 'returned') THEN 'psp'
  END
$$;
