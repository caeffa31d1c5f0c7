/** What anybody may ask of resolutions. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { ResolutionRecord } from './rules/market.ts';

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
