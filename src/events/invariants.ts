/** What must be true of events and of who sees and hears them, whatever they are about: a part of the list in src/ledger/invariants.ts. */
import type { Invariant } from '../ledger/invariant.ts';

const SAME_EVENT = '(e.type, e.epoch, e.xid, e.position) = (a.type, a.epoch, a.xid, a.position)';

export const eventInvariants: readonly Invariant[] = [
  {
    name: 'events_in_their_epoch',
    description:
      'No event is of a history of the books that has not begun, or of a transaction that has not: the books were moved, and whoever follows events was not told (`oncepay restored`).',
    sql: `
      SELECT e.id AS event, e.epoch, e.xid::text
        FROM events e
       WHERE (e.epoch, e.xid) >= (SELECT h.epoch, pg_snapshot_xmax(pg_current_snapshot()) FROM event_horizon h)
         -- whoever checks within a transaction of their own sees what it wrote
         AND e.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()`,
  },
  {
    name: 'events_in_their_order',
    description:
      'No event is of a time before that of the event before it: a subject as of an earlier time (`?at=`) is one that it was.',
    sql: `
      SELECT e.id AS event, e.at, e.before
        FROM (SELECT x.id, x.at, lag(x.at) OVER (PARTITION BY x.subject_id ORDER BY x.sequence) AS before FROM events x) e
       WHERE e.at < e.before`,
  },
  {
    name: 'audience_of_events',
    description:
      "Whoever sees an event besides its owner is named once and sees one that there is, of the event's own type and mode.",
    sql: `
      SELECT a.owner_kind, a.owner_id, a.mode, a.epoch, a.xid::text, a.position
        FROM event_audience a LEFT JOIN events e ON ${SAME_EVENT}
       WHERE e.id IS NULL OR a.mode <> e.mode OR (a.owner_kind, a.owner_id) = (e.owner_kind, e.owner_id)`,
  },
  {
    name: 'deliveries_belong_to_their_event',
    description:
      'Every webhook delivery is of an event of its subject, in its place and mode, waits where its receiver is looked for, and goes to an endpoint of one who may hear that event, or to an address of the subject.',
    sql: `
      SELECT d.id AS delivery, d.event_id, d.subject_id, d.endpoint_id
        FROM webhook_deliveries d
        LEFT JOIN events e ON e.id = d.event_id
        LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id
       WHERE e.id IS NULL OR (e.subject_kind, e.subject_id, e.sequence, e.mode) <> (d.subject_kind, d.subject_id, d.sequence, d.mode)
          OR d.receiver_id <> coalesce(d.endpoint_id, callback_receiver(d.merchant_id, d.mode, d.url))
          OR d.endpoint_id IS NOT NULL AND (w.id IS NULL OR w.mode <> e.mode
            OR (e.owner_kind, e.owner_id) <> ('merchant', w.merchant_id) AND NOT EXISTS (
              SELECT 1 FROM event_audience a WHERE (a.owner_kind, a.owner_id, a.mode) = ('merchant', w.merchant_id, e.mode) AND ${SAME_EVENT}))`,
  },
];
