/**
 * What was brought to its receiver, or given up, is kept for a while and then removed, in steps that nobody feels. A step walks
 * on by the primary key, so that it reads no more rows than it may remove and needs no index of its own. Ids begin with the
 * time at which they were made (a delivery's with that of its subject's, never later), so that the walk ends where nothing can
 * be old enough; what is younger than its id says is left to a later walk.
 */
import type { Sql } from '../db/pool.ts';

/** Rows a step, with their tries: some ten milliseconds, and no lock that anybody waits for. */
export const THIN_STEP = 500;

const OLD = `now() - $2::bigint * interval '1 millisecond'`;

/** The lowest id with this prefix of the time from which on everything is kept. */
const firstKept = (prefix: string): string =>
  `'${prefix}_' || lpad(to_hex((extract(epoch FROM ${OLD}) * 1000)::bigint), 12, '0')`;

const page = (table: string, prefix: string): string =>
  `page AS MATERIALIZED (SELECT id FROM ${table} WHERE id > $1 AND id < ${firstKept(prefix)} ORDER BY id LIMIT ${THIN_STEP})`;

/** By their ids, whatever the planner knows of the table: a step never reads it all. */
const among = (rows: string): string => `= ANY (ARRAY(SELECT id FROM ${rows}))`;

const ANSWER = `
  SELECT coalesce((SELECT max(id) FROM page), $1) AS after, (SELECT count(*) FROM gone)::int AS removed,
         (SELECT count(*) FROM page) < ${THIN_STEP} AS "isLast"`;

/**
 * Each is one statement: the tries go with their delivery. What somebody is changing at this moment (a resend) is left alone, and
 * is seen as it is then: locking it reads it again.
 */
const STEPS = {
  webhook_deliveries: `
    WITH ${page('webhook_deliveries', 'whd')}, old AS MATERIALIZED (
      SELECT id FROM webhook_deliveries
       WHERE id ${among('page')} AND state IN ('delivered', 'failed') AND updated_at < ${OLD} FOR UPDATE SKIP LOCKED
    ), tries AS (DELETE FROM webhook_attempts WHERE delivery_id ${among('old')}
    ), gone AS (DELETE FROM webhook_deliveries WHERE id ${among('old')} RETURNING id)
    ${ANSWER}`,
  notifications: `
    WITH ${page('notifications', 'ntf')}, old AS MATERIALIZED (
      SELECT id FROM notifications
       WHERE id ${among('page')} AND state IN ('sent', 'failed') AND coalesce(sent_at, created_at) < ${OLD} FOR UPDATE SKIP LOCKED
    ), gone AS (DELETE FROM notifications WHERE id ${among('old')} RETURNING id)
    ${ANSWER}`,
} as const;

export type Thinned = keyof typeof STEPS;

export const THINNED = Object.keys(STEPS) as readonly Thinned[];

export interface ThinStep {
  /** Where the next step goes on. */
  readonly after: string;
  readonly removed: number;
  /** Nothing that could be old enough is left. */
  readonly isLast: boolean;
}

/** @param after where the step before ended; '' for the first. */
export async function thinStep(pool: Sql, what: Thinned, after: string, keptMs: number): Promise<ThinStep> {
  const { rows } = await pool.query<ThinStep>(STEPS[what], [after, keptMs]);
  return rows[0] ?? { after, removed: 0, isLast: true };
}
