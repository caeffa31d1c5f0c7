/** That every withdrawal, slice and payin went the way that its events tell, by legal edges: a part of the list in invariants.ts. */
import type { Invariant } from '../ledger/invariant.ts';

interface Subject {
  readonly kind: string;
  readonly rows: string;
  readonly edges: string;
  readonly first: string;
}

const SUBJECTS: readonly Subject[] = [
  { kind: 'instant_payout', rows: 'instant_payouts', edges: 'instant_payout_edges', first: 'open' },
  { kind: 'instant_batch', rows: 'instant_batches', edges: 'instant_batch_edges', first: 'unassigned' },
  { kind: 'payin', rows: 'payins', edges: 'payin_edges', first: 'waiting' },
];

/** A slice's own news (in review, a late proof for another's) leaves its state. */
const STAYS = `type IN ('instant-payout-batch-status-update', 'instant-payout-batch-late-proof')`;

const told = ({ kind, rows, edges, first }: Subject): string => `
  SELECT coalesce(s.id, t.subject_id) AS subject, s.state, s.sequence, t.events, t.states_left, t.states_reached, t.are_legal
    FROM ${rows} s
    FULL JOIN (
      SELECT subject_id, count(*) AS events, max(sequence) AS last,
             bool_and(CASE WHEN sequence = 1 THEN from_state IS NULL AND to_state = '${first}'
                           ELSE from_state = to_state AND subject_kind = 'instant_batch' AND ${STAYS}
                             OR EXISTS (SELECT 1 FROM ${edges} g WHERE (g.from_state, g.to_state, g.event_type) = (e.from_state, e.to_state, e.type)) END) AS are_legal,
             string_agg(from_state, ' ' ORDER BY sequence) AS states_left, string_agg(to_state, ' ' ORDER BY sequence) AS states_reached
        FROM events e WHERE subject_kind = '${kind}' GROUP BY 1) t ON t.subject_id = s.id
   WHERE s.id IS NULL OR t.events IS DISTINCT FROM s.sequence::bigint OR t.last <> s.sequence OR NOT t.are_legal
      OR t.states_reached <> concat_ws(' ', t.states_left, s.state)`;

export const toldInvariant: Invariant = {
  name: 'instant_payouts_as_told',
  description:
    'The events of each withdrawal, slice and payin count from 1 to its sequence, each continues from the state before it by a legal edge, and the last one led to where it is; only those hear it whose it is.',
  queries: [
    ...SUBJECTS.map((subject) => ({ sql: told(subject) })),
    {
      sql: `
        WITH heard AS (
          SELECT e.id, e.subject_kind, e.subject_id, e.type, s.owner_kind, s.owner_id
            FROM events e JOIN event_seen_by s ON (s.epoch, s.xid, s.position) = (e.epoch, e.xid, e.position) WHERE e.subject_kind IN ('instant_payout', 'instant_batch', 'payin'))
        SELECT h.* FROM heard h
         WHERE NOT CASE h.subject_kind
           WHEN 'instant_payout' THEN EXISTS (SELECT 1 FROM instant_payouts w WHERE w.id = h.subject_id AND h.owner_id IN (w.merchant_id, w.user_id))
           WHEN 'payin' THEN EXISTS (SELECT 1 FROM payins p WHERE p.id = h.subject_id AND h.owner_id IN (p.merchant_id, p.user_id))
           ELSE EXISTS (SELECT 1 FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id WHERE b.id = h.subject_id AND h.owner_id IN (w.merchant_id, w.user_id))
             OR EXISTS (SELECT 1 FROM payins p WHERE p.batch_id = h.subject_id AND h.owner_id IN (p.merchant_id, p.user_id)) END`,
    },
  ],
};
