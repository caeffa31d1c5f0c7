/** Events as one of those who may see them reads them: the audience is part of every WHERE, never a check afterwards. */
import type { Pool } from 'pg';
import type { Mode, PayoutRecord } from '../payouts/rules/contract.ts';
import { PASSED, type PassedEvent } from './follow.ts';
import { placeIn, placeOf } from './place.ts';
import type { EventRecord, Hearer } from './presentEvent.ts';

/** Whoever asks, in one of the two worlds. */
export interface Seer {
  readonly kind: Hearer;
  readonly id: string;
  readonly mode: Mode;
}

export interface Subject {
  readonly kind: string;
  readonly id: string;
}

export interface SeenEvent extends EventRecord {
  readonly subjectId: string;
  /** Whose subject it is. */
  readonly ownerKind: string;
  readonly ownerId: string;
  /** Where it stands in the order of the list. */
  readonly place: string;
}

export interface EventFilter {
  readonly type: string | undefined;
  readonly subject: Subject | undefined;
  /** Older than the event in this place. */
  readonly before: string | undefined;
  readonly take: number;
}

const SEEN = `event_seen_by s JOIN events e ON (e.type, e.epoch, e.xid, e.position) = (s.type, s.epoch, s.xid, s.position)`;
const BY_SEER = 's.owner_kind = $1 AND s.owner_id = $2 AND s.mode = $3';
const EVENT = `e.id, e.subject_kind AS "subjectKind", e.subject_id AS "subjectId", e.owner_kind AS "ownerKind", e.owner_id AS "ownerId",
  e.mode, e.sequence, e.type, e.at, e.object, ${placeIn('e')} AS place`;

/** After every place: epoch, transaction, number. */
const END = `2147483647, '18446744073709551615'::xid8, 9223372036854775807`;

const ORDER = (row: string): string => `${row}.epoch DESC, ${row}.xid DESC, ${row}.position DESC`;

/** The newest first. @param unheard types that are for the timeline only. */
export async function listEvents(
  pool: Pool,
  seer: Seer,
  unheard: readonly string[],
  { type, subject, before, take }: EventFilter,
): Promise<SeenEvent[]> {
  const values: unknown[] = [seer.kind, seer.id, seer.mode];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const place = before === undefined ? undefined : placeOf(before);
  const key = place && `${bind(place.epoch)}::int, ${bind(place.xid)}::xid8, ${bind(place.position)}::bigint`;
  const heard = (column: string) =>
    `${column} <> ALL (${bind(unheard)}) ${type === undefined ? '' : `AND ${column} = ${bind(type)}`}`;
  // A subject has few events, found by it. Of all that somebody sees, those of each type lie in the order of the list: the top of
  // each is taken, and the newest of these. The type is a part of that order, which then is one index's alone.
  const found = subject
    ? `SELECT s.epoch, s.xid, s.position FROM ${SEEN}
        WHERE ${BY_SEER} AND e.subject_kind = ${bind(subject.kind)} AND e.subject_id = ${bind(subject.id)} AND ${heard('e.type')}
          ${key === undefined ? '' : `AND (s.epoch, s.xid, s.position) < (${key})`}
        ORDER BY ${ORDER('s')} LIMIT ${bind(take)}`
    : `SELECT top.* FROM (SELECT * FROM (${TYPES_SEEN}) t WHERE ${heard('t.type')}) t CROSS JOIN LATERAL (
         SELECT s.epoch, s.xid, s.position FROM event_seen_by s
          WHERE ${BY_SEER} AND s.type >= t.type AND (s.type, s.epoch, s.xid, s.position) < (t.type, ${key ?? END})
          ORDER BY s.type DESC, ${ORDER('s')} LIMIT ${bind(take)}) top
        ORDER BY ${ORDER('top')} LIMIT ${bind(take)}`;
  const { rows } = await pool.query<SeenEvent>(
    `SELECT ${EVENT} FROM (${found}) f JOIN events e ON (e.epoch, e.xid, e.position) = (f.epoch, f.xid, f.position) ORDER BY ${ORDER('e')}`,
    values,
  );
  return rows;
}

/** The types of what somebody sees, found one after the other in the index: a dozen, whatever they see. */
const TYPES_SEEN = `
  WITH RECURSIVE seen AS (
    (SELECT s.type FROM event_seen_by s WHERE ${BY_SEER} ORDER BY s.type LIMIT 1)
    UNION ALL
    SELECT next.type FROM seen CROSS JOIN LATERAL (
      SELECT s.type FROM event_seen_by s WHERE ${BY_SEER} AND s.type > seen.type ORDER BY s.type LIMIT 1) next)
  SELECT type FROM seen`;

/** One event; undefined: there is none that this one hears. */
export async function findEvent(pool: Pool, seer: Seer, unheard: readonly string[], id: string): Promise<SeenEvent | undefined> {
  const { rows } = await pool.query<SeenEvent>({
    name: 'find_event',
    text: `SELECT ${EVENT} FROM ${SEEN} WHERE ${BY_SEER} AND e.id = $4 AND e.type <> ALL ($5)`,
    values: [seer.kind, seer.id, seer.mode, id, unheard],
  });
  return rows[0];
}

const MISSED = `
  SELECT ${PASSED}
    FROM (
      SELECT top.* FROM unnest($4::text[]) t (type) CROSS JOIN LATERAL (
        SELECT s.epoch, s.xid, s.position FROM event_seen_by s
         WHERE ${BY_SEER}
           AND (s.type, s.epoch, s.xid, s.position) > (t.type, $5::int, $6::xid8, $7::bigint)
           AND (s.type, s.epoch, s.xid, s.position) <= (t.type, $8::int, $9::xid8, $10::bigint)
         ORDER BY s.type, s.epoch, s.xid, s.position LIMIT $11) top
       ORDER BY top.epoch, top.xid, top.position LIMIT $11) f
    JOIN events e ON (e.epoch, e.xid, e.position) = (f.epoch, f.xid, f.position)
   ORDER BY e.epoch, e.xid, e.position`;

export interface Missed {
  readonly types: readonly string[];
  /** The place of the last event before. */
  readonly after: string;
  /** That of the last one: settled for whoever asks (follow.ts). */
  readonly until: string;
  readonly take: number;
}

/** What one saw happen after one place and up to another, the oldest first: of each type the first, and the first of these. */
export async function eventsBetween(pool: Pick<Pool, 'query'>, { kind, id, mode }: Seer, missed: Missed): Promise<PassedEvent[]> {
  const { types, after, until, take } = missed;
  const [from, to] = [placeOf(after), placeOf(until)];
  if (!from || !to) throw new Error(`no places in the order of events: ${after}, ${until}`);
  const range = [from, to].flatMap(({ epoch, xid, position }) => [epoch, xid, position]);
  const { rows } = await pool.query<PassedEvent>({
    name: 'events_between',
    text: MISSED,
    values: [kind, id, mode, types, ...range, take],
  });
  return rows;
}

/** A step of a subject's story, with its records before and after. */
export interface TimelineStep {
  readonly sequence: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly fromState: string | null;
  readonly toState: string;
  readonly data: unknown;
  readonly before: PayoutRecord | null;
  readonly after: PayoutRecord;
}

/** From the first step on, or from the one after `after`. */
export async function timelineOf(
  pool: Pool,
  seer: Seer,
  subject: Subject,
  { after = 0, take }: { readonly after: number | undefined; readonly take: number },
): Promise<TimelineStep[]> {
  const { rows } = await pool.query<TimelineStep>({
    name: 'timeline',
    text: `
      SELECT e.sequence, e.type, e.at, e.actor, e.from_state AS "fromState", e.to_state AS "toState", e.data, b.object AS before, e.object AS after
        FROM ${SEEN} LEFT JOIN events b ON b.subject_id = e.subject_id AND b.sequence = e.sequence - 1
       WHERE ${BY_SEER} AND e.subject_kind = $4 AND e.subject_id = $5 AND e.sequence > $6 ORDER BY e.sequence LIMIT $7`,
    values: [seer.kind, seer.id, seer.mode, subject.kind, subject.id, after, take],
  });
  return rows;
}
