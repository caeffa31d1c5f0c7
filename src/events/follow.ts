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
import type { Mode } from '../payouts/rules/contract.ts';
import { BEGINNING, placeIn, placeOf } from './place.ts';

/** An event as it is passed on, in the order of all. */
export interface PassedEvent {
  readonly id: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly mode: Mode;
  readonly sequence: number;
  readonly type: string;
  readonly at: Date;
  /** JSON, read by whoever tells it: most of what a follower passes is told by nobody. */
  readonly object: string;
  /** To go on after it: opaque outside. */
  readonly place: string;
}

export interface FollowedEvent extends PassedEvent {
  /** All who may see it, each by its name (`nameOfSeer`). */
  readonly seenBy: readonly string[];
}

/** What a query selects, of the row `e` of events, to be a PassedEvent. */
export const PASSED = `e.id, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", e.mode, e.sequence, e.type, e.at,
  e.object::text AS object, ${placeIn('e')} AS place`;

/** Whoever may see events, in one of the two worlds: as SEEN_BY has them. */
export const nameOfSeer = ({ kind, id, mode }: { readonly kind: string; readonly id: string; readonly mode: Mode }): string =>
  `${kind} ${id} ${mode}`;

const SEEN_BY = `ARRAY(
    SELECT concat_ws(' ', s.owner_kind, s.owner_id, s.mode)
      FROM event_seen_by s WHERE (s.epoch, s.xid, s.position) = (e.epoch, e.xid, e.position)) AS "seenBy"`;

const SETTLED = '(e.epoch, e.xid) < (SELECT h.epoch, h.xid FROM event_horizon h)';

const AFTER = `
  SELECT ${PASSED}, ${SEEN_BY}
    FROM events e
   WHERE (e.epoch, e.xid, e.position) > ($1::int, $2::xid8, $3::bigint) AND ${SETTLED}
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
  const after = placeOf(place ?? BEGINNING);
  if (!after) throw new Error(`no place in the order of events: ${place}`);
  const { rows } = await pool.query<FollowedEvent>({
    name: 'follow_events',
    text: AFTER,
    values: [after.epoch, after.xid, after.position, atMost],
  });
  return rows;
}

/**
 * The place of the newest event whose order is settled: where whoever begins to follow now stands. What is up to there can be
 * read by whoever reads afterwards; what is yet to be committed lies beyond it.
 */
export async function newestPlace(pool: Pick<Pool, 'query'>): Promise<string> {
  const { rows } = await pool.query<{ place: string }>(
    `SELECT ${placeIn('e')} AS place FROM events e WHERE ${SETTLED} ORDER BY e.epoch DESC, e.xid DESC, e.position DESC LIMIT 1`,
  );
  return rows[0]?.place ?? BEGINNING;
}

/**
 * Does an event stand there (or is it before the first)? If not, whoever names the place has it from other books, or from a
 * part of these that was forgotten: what came after it is not known.
 */
export async function isPlaceOfAnEvent(pool: Pick<Pool, 'query'>, text: string): Promise<boolean> {
  const place = placeOf(text);
  if (!place || text === BEGINNING) return place !== undefined;
  const { rowCount } = await pool.query({
    name: 'event_at_place',
    text: 'SELECT FROM events e WHERE (e.epoch, e.xid, e.position) = ($1::int, $2::xid8, $3::bigint)',
    values: [place.epoch, place.xid, place.position],
  });
  return rowCount === 1;
}
