-- wants_event(patterns, type): whether an endpoint with these patterns gets events of this type: `*`, a family such as
-- `payout.*`, or the type itself, and of distributions by the type alone (src/webhooks/rules/eventPatterns.ts says which there
-- are). No sub-select, so that it costs its caller no call.
CREATE OR REPLACE FUNCTION wants_event(p_patterns text[], p_type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_type = ANY (p_patterns)
      OR NOT starts_with(p_type, 'distribution.') AND ('*' = ANY (p_patterns) OR split_part(p_type, '.', 1) || '.*' = ANY (p_patterns))
$$;
