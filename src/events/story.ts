/**
 * A subject's story up to now, or as it was up to an earlier time: its steps, and its record right after the last of them. Each
 * event keeps that record, so that nothing has to be worked out again.
 *
 * An event's time is taken once its subject is locked, and never lies before that of the event before it. What was written just
 * then is committed some milliseconds later: until then nobody was shown it.
 */
import type { Pool } from 'pg';
import type { Mode } from '../payouts/rules/contract.ts';
import type { Step } from '../rules/explain.ts';
import type { Hearer } from './presentEvent.ts';
import type { Subject } from './reads.ts';

/** More than any subject has that only its own flow writes of. What is left out is the oldest. */
const STEPS_MOST = 1_000;

export interface Story<Record> {
  readonly steps: readonly Step[];
  readonly record: Record;
  /** Nothing has happened since. */
  readonly isNewest: boolean;
}

/** Whose subject it must be; undefined: anybody's. */
export interface StoryOwner {
  readonly kind: Hearer;
  readonly id: string;
  readonly mode: Mode;
}

/** Its record names whose it is, where that is not simply its merchant: an event's own owner is who hears of it first. */
const OWNED = `(coalesce(e.object #>> '{owner,kind}', 'merchant'), coalesce(e.object #>> '{owner,id}', e.object ->> 'merchantId'), e.mode) = ($3, $4, $5)`;

const STORY = `
  SELECT e.sequence, e.type, e.at, e.from_state AS "from", e.to_state AS "to", e.data,
         CASE WHEN row_number() OVER (ORDER BY e.sequence DESC) = 1 THEN e.object END AS object,
         (SELECT max(n.sequence) FROM events n WHERE n.subject_id = $1) AS newest
    FROM events e
   WHERE e.subject_id = $1 AND e.subject_kind = $2 AND ($3::text IS NULL OR ${OWNED})
     AND ($6::timestamptz IS NULL OR e.at <= $6)
   ORDER BY e.sequence DESC LIMIT ${STEPS_MOST}`;

interface Row {
  readonly sequence: number;
  readonly type: string;
  readonly at: Date;
  readonly from: string | null;
  readonly to: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly object: unknown;
  readonly newest: number;
}

/**
 * Undefined: there is none, it is somebody else's, or it was not there yet.
 * @param at undefined: now.
 */
export async function storyOf<Record>(
  sql: Pick<Pool, 'query'>,
  subject: Subject,
  owner: StoryOwner | undefined,
  at?: string,
): Promise<Story<Record> | undefined> {
  const { rows } = await sql.query<Row>({
    name: 'story',
    text: STORY,
    values: [subject.id, subject.kind, owner?.kind ?? null, owner?.id ?? null, owner?.mode ?? null, at ?? null],
  });
  const [last] = rows;
  if (!last) return undefined;
  const steps = rows.map(({ object: _, newest: __, ...step }): Step => ({ ...step, at: step.at.toISOString() })).reverse();
  return { steps, record: last.object as Record, isNewest: last.sequence === last.newest };
}

/** One step of any of several subjects, as operators see it. */
export interface ChronicleStep extends Step {
  readonly subject: Subject;
  readonly eventId: string;
  readonly actor: string;
}

export interface Chronicle {
  /** Of all of them, in order. */
  readonly steps: readonly ChronicleStep[];
  /** Each subject's record right after the last of its steps, by its id. */
  readonly records: ReadonlyMap<string, unknown>;
}

interface ChronicleRow extends Omit<ChronicleStep, 'at' | 'subject'> {
  readonly at: Date;
  readonly kind: string;
  readonly id: string;
  readonly object: unknown;
}

/** Positions are given as events are written: a subject's own in the order of its steps. */
const CHRONICLE = `
  SELECT e.subject_kind AS kind, e.subject_id AS id, e.id AS "eventId", e.sequence, e.type, e.at, e.actor, e.from_state AS "from", e.to_state AS "to", e.data,
         CASE WHEN row_number() OVER (PARTITION BY e.subject_id ORDER BY e.sequence DESC) = 1 THEN e.object END AS object
    FROM unnest($1::text[]) s (id) CROSS JOIN LATERAL (
      SELECT * FROM events e WHERE e.subject_id = s.id AND ($2::timestamptz IS NULL OR e.at <= $2) ORDER BY e.sequence DESC LIMIT ${STEPS_MOST}) e
   ORDER BY e.epoch, e.position`;

/**
 * The stories of several subjects as one. Whoever asks has looked whose they are.
 * @param at undefined: now.
 */
export async function chronicleOf(sql: Pick<Pool, 'query'>, ids: readonly string[], at?: string): Promise<Chronicle> {
  const { rows } = await sql.query<ChronicleRow>({ name: 'chronicle', text: CHRONICLE, values: [ids, at ?? null] });
  const records = new Map(rows.flatMap(({ id, object }) => (object === null ? [] : [[id, object] as const])));
  const steps = rows.map(({ kind, id, object: _, ...step }) => ({ ...step, subject: { kind, id }, at: step.at.toISOString() }));
  return { steps, records };
}
