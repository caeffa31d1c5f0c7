/** What the overview is made from: kept totals and a few small reads, never a walk over what there is. */
import type { Sql } from '../db/pool.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import type { FailingReceiver, Oldest, Totals } from './rules/totals.ts';

/** Undefined: all of them, or both. */
export interface Scope {
  readonly merchantId: string | undefined;
  readonly mode: Mode | undefined;
}

/** Shown: this many hours and days, the one under way among them. */
export const HOURS = 24;
export const DAYS = 30;

/** What a busy installation writes in some seconds, and what is read in some ten milliseconds. */
const UNFOLDED_MOST = 2_000;

const TOTALS = `
  SELECT overview_totals($1, $2, date_trunc('hour', now(), 'UTC') - $3::int * interval '1 hour', date_trunc('day', now(), 'UTC') - $4::int * interval '1 day', $5) AS totals`;

export async function totalsOf(sql: Sql, { merchantId = '', mode }: Scope): Promise<Totals> {
  const values = [merchantId, mode ?? null, HOURS - 1, DAYS - 1, UNFOLDED_MOST];
  const { rows } = await sql.query<{ totals: Totals }>({ name: 'overview_totals', text: TOTALS, values });
  const totals = rows[0]?.totals;
  if (!totals) throw new Error('overview_totals answered nothing');
  return totals;
}

const OLDEST = `p.created_at AS since, floor(extract(epoch FROM now() - p.created_at))::int AS "ageSeconds"`;

/** The first of the queue, of one mode's the first of them. */
const OLDEST_OF_ALL = `
  SELECT ${OLDEST} FROM payouts p WHERE p.state IN ('IN_REVIEW', 'REVIEW_ON_HOLD') AND ($1::text IS NULL OR p.mode = $1) ORDER BY p.id LIMIT 1`;

/** Of each pile of a merchant's, its own and its providers', the first (docs/architecture.md, "Lists"). */
const OLDEST_OF_MERCHANT = `
  SELECT x.since, x."ageSeconds" FROM (VALUES ('IN_REVIEW'), ('REVIEW_ON_HOLD')) s (state), unnest(CASE WHEN $2::text IS NULL THEN ARRAY['test', 'live'] ELSE ARRAY[$2] END) m (mode), LATERAL (
    (SELECT p.id, ${OLDEST} FROM balances b, LATERAL (
       SELECT * FROM payouts q WHERE q.balance_id = b.id AND q.state = s.state ORDER BY q.balance_id, q.state, q.id LIMIT 1) p
      WHERE b.owner_kind = 'merchant' AND b.owner_id = $1 AND b.mode = m.mode)
    UNION ALL
    (SELECT p.id, ${OLDEST} FROM payouts p
      WHERE p.kind <> 'merchant' AND p.merchant_id = $1 AND p.mode = m.mode AND p.state = s.state ORDER BY p.merchant_id, p.mode, p.state, p.id LIMIT 1)) x
   ORDER BY x.id LIMIT 1`;

/** What waits longest for an approver; undefined: nothing does. */
export async function oldestInReview(sql: Sql, { merchantId, mode }: Scope): Promise<Oldest | undefined> {
  const { rows } =
    merchantId === undefined
      ? await sql.query<Oldest>({ name: 'oldest_in_review', text: OLDEST_OF_ALL, values: [mode ?? null] })
      : await sql.query<Oldest>({ name: 'oldest_in_review_of', text: OLDEST_OF_MERCHANT, values: [merchantId, mode ?? null] });
  return rows[0];
}

/** More than anybody looks through; `failing` then says at least so many. */
const RECEIVERS_MOST = 100;

const FAILING = `
  SELECT r.id, r.merchant_id AS "merchantId", r.endpoint_id AS "endpointId", r.mode, r.failing_since AS since
    FROM receivers r WHERE r.failing_since IS NOT NULL AND ($1::text IS NULL OR r.merchant_id = $1) AND ($2::text IS NULL OR r.mode = $2)
   ORDER BY r.merchant_id, r.mode, r.id LIMIT ${RECEIVERS_MOST}`;

export async function failingReceivers(sql: Sql, { merchantId, mode }: Scope): Promise<FailingReceiver[]> {
  const values = [merchantId ?? null, mode ?? null];
  return (await sql.query<FailingReceiver>({ name: 'failing_receivers', text: FAILING, values })).rows;
}

export interface BooksChecked {
  readonly checkedAt: Date;
  readonly checked: number;
  readonly broken: readonly { readonly name: string; readonly violations: number }[];
}

/** Undefined: no worker has checked them yet. */
export async function lastBooksCheck(sql: Sql): Promise<BooksChecked | undefined> {
  const { rows } = await sql.query<BooksChecked>(
    'SELECT checked_at AS "checkedAt", checked, broken FROM books_checks WHERE id = 1',
  );
  return rows[0];
}
