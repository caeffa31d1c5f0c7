/** What anybody may ask of resolutions. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import { parseDistributionId } from './rules/ids.ts';
import type { ResolutionState } from './rules/machine.ts';
import type { DistributionRecord, ResolutionRecord } from './rules/market.ts';

const RECORD = 'resolution_record(r) AS resolution';

interface Row {
  readonly resolution: ResolutionRecord;
}

/** Whosever it is. */
export async function readResolution(pool: Sql, id: string): Promise<ResolutionRecord | undefined> {
  if (!isId('res', id)) return undefined;
  const text = `SELECT ${RECORD} FROM resolutions r WHERE r.id = $1`;
  const { rows } = await pool.query<Row>({ name: 'read_resolution', text, values: [id] });
  return rows[0]?.resolution;
}

/** Of this market; undefined: it has none. */
export async function newestResolution(pool: Sql, marketId: string): Promise<ResolutionRecord | undefined> {
  const text = `SELECT ${RECORD} FROM markets m JOIN resolutions r ON r.market_id = m.id AND r.run = m.run WHERE m.id = $1`;
  const { rows } = await pool.query<Row>({ name: 'newest_resolution', text, values: [marketId] });
  return rows[0]?.resolution;
}

export interface PageOf {
  /** Older than this one. */
  readonly before: string | undefined;
  readonly take: number;
}

/** A merchant's resolutions, newest first. */
export async function listResolutions(
  pool: Sql,
  { merchantId, mode }: Tenant,
  { before, take }: PageOf,
): Promise<ResolutionRecord[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${RECORD} FROM resolutions r WHERE r.merchant_id = $1 AND r.mode = $2 AND ($3::text IS NULL OR r.id < $3)
      ORDER BY r.merchant_id DESC, r.mode DESC, r.id DESC LIMIT $4`,
    [merchantId, mode, before ?? null, take],
  );
  return rows.map(({ resolution }) => resolution);
}

/** Of one market, newest first: as many as it was resolved again. Of another merchant's none. */
export async function listResolutionsOf(
  pool: Sql,
  { merchantId, mode }: Tenant,
  marketId: string,
  { before, take }: PageOf,
): Promise<ResolutionRecord[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${RECORD} FROM resolutions r WHERE r.market_id = $1 AND ($2::text IS NULL OR r.id < $2) AND r.merchant_id = $4 AND r.mode = $5
      ORDER BY r.market_id DESC, r.run DESC LIMIT $3`,
    [marketId, before ?? null, take, merchantId, mode],
  );
  return rows.map(({ resolution }) => resolution);
}

export interface ResolutionFilter extends PageOf {
  /** Empty: all. */
  readonly states: readonly ResolutionState[];
  readonly needsOperator: boolean | undefined;
}

/**
 * Everybody's, newest first: of each state that is asked for a page from the top of its pile (src/payouts/newest.ts says why the
 * state is compared together with the id); those that a person is to look at are few.
 */
export async function listAllResolutions(
  pool: Sql,
  { states, needsOperator, before, take }: ResolutionFilter,
): Promise<ResolutionRecord[]> {
  const only = needsOperator === undefined ? 'true' : `${needsOperator ? '' : 'NOT '}r.needs_operator`;
  const isByState = states.length > 0 && needsOperator !== true;
  const text = isByState
    ? `SELECT ${RECORD} FROM unnest($3::text[]) s CROSS JOIN LATERAL (
         SELECT * FROM resolutions r WHERE (r.state, r.id) >= (s, '') AND (r.state, r.id) < (s, $1) AND CASE WHEN ${only} THEN true ELSE false END
          ORDER BY r.state DESC, r.id DESC LIMIT $2) r ORDER BY r.id DESC LIMIT $2`
    : `SELECT ${RECORD} FROM resolutions r WHERE r.id < $1 AND ${only} ${states.length > 0 ? 'AND r.state = ANY ($3)' : ''} ORDER BY r.id DESC LIMIT $2`;
  const { rows } = await pool.query<Row>(text, [before ?? AFTER_ALL, take, ...(states.length > 0 ? [states] : [])]);
  return rows.map(({ resolution }) => resolution);
}

/** No digit of an id is a `g`. */
const AFTER_ALL = 'res_g';

/** Everybody's distributions that a person is to decide on, in the order of their resolutions and users. */
export async function listDisputed(
  pool: Sql,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<DisputedRecord[]> {
  const { resolutionId = '', userId = '' } = after === undefined ? {} : (parseDistributionId(after) ?? {});
  const { rows } = await pool.query<{ distribution: DistributionRecord; resolution: ResolutionRecord }>(
    `SELECT distribution_record(d, r) AS distribution, ${RECORD} FROM (
       SELECT * FROM distributions d WHERE d.state = 'disputed' AND (d.resolution_id, d.user_id) > ($1, $2)
        ORDER BY d.resolution_id, d.user_id LIMIT $3) d JOIN resolutions r ON r.id = d.resolution_id ORDER BY d.resolution_id, d.user_id`,
    [resolutionId, userId, take],
  );
  return rows;
}

export interface DisputedRecord {
  readonly distribution: DistributionRecord;
  readonly resolution: ResolutionRecord;
}

/** Whosever it is. */
export async function readDistribution(pool: Sql, id: string): Promise<DisputedRecord | undefined> {
  if (!parseDistributionId(id)) return undefined;
  const { rows } = await pool.query<DisputedRecord>({
    name: 'read_distribution',
    text: `SELECT distribution_record(d, r) AS distribution, ${RECORD} FROM distributions d JOIN resolutions r ON r.id = d.resolution_id WHERE d.id = $1`,
    values: [id],
  });
  return rows[0];
}
