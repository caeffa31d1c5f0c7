/**
 * Following all events, each once. Numbers are given out before their transactions commit, so that a reader who goes by
 * numbers alone passes one by that commits late. This one goes by (epoch, transaction, number) and stays behind the oldest
 * transaction that still writes (event_horizon): what it has passed by, nobody can add to any more.
 *
 * One writer that stays open, in whatever database of the server, holds all readers back. So every write is one call of one
 * function, and none of ours lasts longer than the pool allows (src/db/pool.ts); `oncepay_events_held_back_seconds` says how
 * long events wait for others.
 *
 * The events of one subject come in their sequence, but for a transaction that writes for several subjects, which may have
 * waited for one of them after it began: whoever keeps an order by subject goes by `sequence`.
 */
import type { Pool } from 'pg';
import { placeIn, placeOf } from './place.ts';

export interface FollowedEvent {
  readonly id: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly sequence: number;
  readonly type: string;
  /** To go on after it: opaque outside. */
  readonly place: string;
}

/** Before the first. */
const BEGINNING = { epoch: '0', xid: '0', position: '0' } as const;

const AFTER = `
  SELECT e.id, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", e.sequence, e.type, ${placeIn('e')} AS place
    FROM events e
   WHERE (e.epoch, e.xid, e.position) > ($1::int, $2::xid8, $3::bigint) AND (e.epoch, e.xid) < (SELECT h.epoch, h.xid FROM event_horizon h)
   ORDER BY e.epoch, e.xid, e.position LIMIT $4`;

/**
 * The next events after a place, at most so many; none: there is nothing that is settled yet.
 * @param place of the last one that was dealt with; undefined: from the beginning.
 * @throws if the place is none of ours.
 */
export async function eventsAfter(
  pool: Pick<Pool, 'query'>,
  place: string | undefined,
  atMost: number,
): Promise<FollowedEvent[]> {
  const after = place === undefined ? BEGINNING : placeOf(place);
  if (!after) throw new Error(`no place in the order of events: ${place}`);
  const { rows } = await pool.query<FollowedEvent>({
    name: 'follow_events',
    text: AFTER,
    values: [after.epoch, after.xid, after.position, atMost],
  });
  return rows;
}

/**
 * Where whoever begins to follow now stands: what is before it was settled when the database was asked, so that whoever reads
 * afterwards has seen it; what is yet to be committed lies beyond it. Numbers of events begin at 1.
 */
export async function newestPlace(pool: Pick<Pool, 'query'>): Promise<string> {
  const { rows } = await pool.query<{ place: string }>(`SELECT concat_ws('-', h.epoch, h.xid, 0) AS place FROM event_horizon h`);
  const [newest] = rows;
  if (!newest) throw new Error('the order of events has no horizon');
  return newest.place;
}
