-- What operators ask every few seconds (metrics, lists) is a handful of rows among millions. Partial, so that the
-- payouts and deliveries that need nobody cost nothing.
CREATE INDEX payouts_needing_operator ON payouts (id) WHERE needs_operator;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (id) WHERE state = 'pending';
