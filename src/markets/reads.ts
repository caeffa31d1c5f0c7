/** What anybody may ask of markets. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import type { WholeDistribution } from './present/distribution.ts';
import type { WholeMarket } from './present/market.ts';
import { parseDistributionId } from './rules/ids.ts';
import type { CommitmentRecord, ResolutionRecord } from './rules/market.ts';

const WHOLE = `
  market_record(m) || jsonb_build_object('isClosed', m.state <> 'OPEN' OR coalesce(m.closes_at <= now(), false),
    'resolutionId', r.id, 'outcome', r.outcome, 'paidMinor', coalesce(r.paid - r.undone, 0)::text,
    'houseFeeMinor', CASE WHEN r.fees_booked THEN r.house_fee ELSE 0 END::text, 'creatorFeeMinor', CASE WHEN r.fees_booked THEN r.creator_fee ELSE 0 END::text) AS market`;
const NEWEST = 'LEFT JOIN resolutions r ON r.market_id = m.id AND r.run = m.run';

/** Whosever it is. */
export async function readMarket(pool: Sql, id: string): Promise<WholeMarket | undefined> {
  if (!isId('mkt', id)) return undefined;
  const text = `SELECT ${WHOLE} FROM markets m ${NEWEST} WHERE m.id = $1`;
  const { rows } = await pool.query<{ market: WholeMarket }>({ name: 'read_market', text, values: [id] });
  return rows[0]?.market;
}

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownMarket(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<WholeMarket | undefined> {
  if (!isId('mkt', id)) return undefined;
  const text = `SELECT ${WHOLE} FROM markets m ${NEWEST} WHERE m.id = $1 AND m.merchant_id = $2 AND m.mode = $3`;
  const { rows } = await pool.query<{ market: WholeMarket }>({ name: 'own_market', text, values: [id, merchantId, mode] });
  return rows[0]?.market;
}

export interface PageOf {
  /** Older than this one. */
  readonly before: string | undefined;
  readonly take: number;
}

/** Everybody's markets, newest first. */
export async function listAllMarkets(pool: Sql, { before, take }: PageOf): Promise<WholeMarket[]> {
  const { rows } = await pool.query<{ market: WholeMarket }>(
    `SELECT ${WHOLE} FROM (SELECT * FROM markets m WHERE ($1::text IS NULL OR m.id < $1) ORDER BY m.id DESC LIMIT $2) m ${NEWEST} ORDER BY m.id DESC`,
    [before ?? null, take],
  );
  return rows.map(({ market }) => market);
}

/** A merchant's markets, newest first. */
export async function listMarkets(pool: Sql, { merchantId, mode }: Tenant, { before, take }: PageOf): Promise<WholeMarket[]> {
  const { rows } = await pool.query<{ market: WholeMarket }>(
    `SELECT ${WHOLE} FROM (
       SELECT * FROM markets m WHERE m.merchant_id = $1 AND m.mode = $2 AND ($3::text IS NULL OR m.id < $3)
        ORDER BY m.merchant_id DESC, m.mode DESC, m.id DESC LIMIT $4) m ${NEWEST} ORDER BY m.id DESC`,
    [merchantId, mode, before ?? null, take],
  );
  return rows.map(({ market }) => market);
}

/** The commitments of a market, of one user's or all, newest first. */
export async function listCommitments(
  pool: Sql,
  marketId: string,
  { userId, before, take }: PageOf & { readonly userId?: string | undefined },
): Promise<CommitmentRecord[]> {
  const ofUser = userId === undefined ? '' : 'AND c.user_id = $4';
  const order = userId === undefined ? 'c.market_id DESC, c.id DESC' : 'c.market_id DESC, c.user_id DESC, c.id DESC';
  const { rows } = await pool.query<{ commitment: CommitmentRecord }>(
    `SELECT commitment_record(c) AS commitment FROM commitments c
      WHERE c.market_id = $1 AND ($2::text IS NULL OR c.id < $2) ${ofUser} ORDER BY ${order} LIMIT $3`,
    [marketId, before ?? null, take, ...(userId === undefined ? [] : [userId])],
  );
  return rows.map(({ commitment }) => commitment);
}

/** A user's commitments in all markets, newest first. Whose user it is, the caller has looked. */
export async function listUsersCommitments(pool: Sql, userId: string, { before, take }: PageOf): Promise<CommitmentRecord[]> {
  const { rows } = await pool.query<{ commitment: CommitmentRecord }>(
    `SELECT commitment_record(c) AS commitment FROM commitments c
      WHERE c.user_id = $1 AND ($2::text IS NULL OR c.id < $2) ORDER BY c.user_id DESC, c.id DESC LIMIT $3`,
    [userId, before ?? null, take],
  );
  return rows.map(({ commitment }) => commitment);
}

/** Shown with a distribution. Who has more in one market finds them in its list. */
export const COMMITMENTS_SHOWN = 100;

/** A row of a distribution with all that it is made of, as far as `COMMITMENTS_SHOWN`. */
const WHOLE_DISTRIBUTION = `
  jsonb_build_object(
    'distribution', distribution_record(d, r), 'resolution', resolution_record(r),
    'market', jsonb_build_object('type', m.type, 'feeBase', m.fee_base, 'houseFeeBps', m.house_fee_bps, 'creatorFeeBps', m.creator_fee_bps),
    'transactionIds', (SELECT coalesce(jsonb_agg(DISTINCT e.op_key), '[]') FROM ledger_entries e
                        WHERE e.op_key = distribution_key(r, d.user_id)),
    'commitments', (SELECT coalesce(jsonb_agg(commitment_of(c, d, r) ORDER BY c.id DESC), '[]') FROM (
       SELECT * FROM commitments c WHERE c.market_id = d.market_id AND c.user_id = d.user_id
        ORDER BY c.market_id DESC, c.user_id DESC, c.id DESC LIMIT ${COMMITMENTS_SHOWN + 1}) c)) AS whole`;

interface Row {
  readonly whole: Omit<WholeDistribution, 'isCut'>;
}

const cut = ({ whole }: Row): WholeDistribution => ({
  ...whole,
  commitments: whole.commitments.slice(0, COMMITMENTS_SHOWN),
  isCut: whole.commitments.length > COMMITMENTS_SHOWN,
});

const MADE_OF = 'JOIN resolutions r ON r.id = d.resolution_id JOIN markets m ON m.id = d.market_id';

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownDistribution(
  pool: Sql,
  { merchantId, mode }: Tenant,
  id: string,
): Promise<WholeDistribution | undefined> {
  if (!parseDistributionId(id)) return undefined;
  const text = `SELECT ${WHOLE_DISTRIBUTION} FROM distributions d ${MADE_OF} WHERE d.id = $1 AND m.merchant_id = $2 AND m.mode = $3`;
  const { rows } = await pool.query<Row>({ name: 'own_distribution', text, values: [id, merchantId, mode] });
  return rows.map(cut)[0];
}

/** What a market's resolutions came to, by user, the newest resolution first. */
export const listDistributions = (pool: Sql, marketId: string, page: PageOf): Promise<WholeDistribution[]> =>
  listBy(pool, 'market_id', marketId, page);

/** What all resolutions came to for a user, newest first. Whose user it is, the caller has looked. */
export const listUsersDistributions = (pool: Sql, userId: string, page: PageOf): Promise<WholeDistribution[]> =>
  listBy(pool, 'user_id', userId, page);

async function listBy(
  pool: Sql,
  column: 'market_id' | 'user_id',
  value: string,
  { before, take }: PageOf,
): Promise<WholeDistribution[]> {
  const { rows } = await pool.query<Row>(
    `SELECT ${WHOLE_DISTRIBUTION} FROM (
       SELECT * FROM distributions d WHERE (d.${column}, d.id) >= ($1, '') AND (d.${column}, d.id) < ($1, $2) ORDER BY d.${column} DESC, d.id DESC LIMIT $3) d
       ${MADE_OF} ORDER BY d.id DESC`,
    [value, before ?? 'dis_g', take], // no digit of an id is a `g`
  );
  return rows.map(cut);
}

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownResolution(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<ResolutionRecord | undefined> {
  if (!isId('res', id)) return undefined;
  const text =
    'SELECT resolution_record(r) AS resolution FROM resolutions r WHERE r.id = $1 AND r.merchant_id = $2 AND r.mode = $3';
  const { rows } = await pool.query<{ resolution: ResolutionRecord }>({
    name: 'own_resolution',
    text,
    values: [id, merchantId, mode],
  });
  return rows[0]?.resolution;
}
