-- see_batch_over(batch): its workflow has seen that nothing is to come of it any more, and has told its withdrawal. Until then somebody looks
-- after it: whoever said the last word may have died before telling that workflow. Nothing, where something is to come of it.
CREATE OR REPLACE FUNCTION see_batch_over(p_batch text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE instant_batches b SET seen_over = true WHERE b.id = p_batch AND instant_batch_final(b.state) AND NOT b.seen_over
$$;
REVOKE EXECUTE ON FUNCTION see_batch_over(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION see_batch_over(text) TO oncepay_app;

-- see_instant_payout_over(withdrawal): the same of a withdrawal.
CREATE OR REPLACE FUNCTION see_instant_payout_over(p_id text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE instant_payouts w SET seen_over = true WHERE w.id = p_id AND instant_payout_final(w.state) AND NOT w.seen_over
$$;
REVOKE EXECUTE ON FUNCTION see_instant_payout_over(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION see_instant_payout_over(text) TO oncepay_app;
