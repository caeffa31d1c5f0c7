/** The active faults in the simulator's database: they outlive the process, and their uses are counted exactly. */
import { type Client, type Db, inTransaction, type Pool } from './database.ts';
import { type AgedTarget, type Fault, type FaultKind, faultsIn, type Match, type Struck, strike } from './faults.ts';

export interface FaultRow {
  readonly id: string;
  readonly kind: string;
  readonly match: Match;
  readonly params: unknown;
  readonly times: number | null;
  readonly times_left: number | null;
}

/** Rows were validated when they were added, by the same table of kinds. */
export function faultOf(row: FaultRow): Fault {
  const { id, kind, match, params, times, times_left: timesLeft } = row;
  return { id: `flt_${id}`, kind, match, params, times, timesLeft } as Fault;
}

export async function addFault(
  db: Db,
  fault: { kind: FaultKind; match: Match; params: unknown; times: number | null },
): Promise<Fault> {
  const { rows } = await db.query<FaultRow>(
    `INSERT INTO faults (kind, match, params, times, times_left) VALUES ($1, $2, $3, $4, $4)
     RETURNING id::text, kind, match, params, times, times_left`,
    [fault.kind, JSON.stringify(fault.match), JSON.stringify(fault.params), fault.times],
  );
  const row = rows[0];
  if (!row) throw new Error('the fault was not stored');
  return faultOf(row);
}

/** All that were added since the last clearing, used up or not. */
export async function listFaults(db: Db): Promise<Fault[]> {
  const { rows } = await db.query<FaultRow>(
    'SELECT id::text, kind, match, params, times, times_left FROM faults ORDER BY faults.id',
  );
  return rows.map(faultOf);
}

export async function clearFaults(db: Db): Promise<number> {
  const { rowCount } = await db.query('DELETE FROM faults');
  return rowCount ?? 0;
}

/** Which faults this request meets, and one use less for each. */
export function takeRequestFaults(pool: Pool, target: AgedTarget): Promise<Struck> {
  return inTransaction(pool, async (client) => {
    const struck = strike(await lockActive(client), target);
    await countDown(client, faultsIn(struck));
    return struck;
  });
}

/** The same inside the transaction that makes the callbacks. */
export async function takeFaults(client: Client, choose: (active: readonly Fault[]) => Fault[]): Promise<Fault[]> {
  const chosen = choose(await lockActive(client));
  await countDown(client, chosen);
  return chosen;
}

/** Locked, so that of two requests at once only one gets a fault's last use. */
async function lockActive(client: Client): Promise<Fault[]> {
  const { rows } = await client.query<FaultRow>(
    `SELECT id::text, kind, match, params, times, times_left FROM faults
     WHERE times_left IS NULL OR times_left > 0 ORDER BY faults.id FOR UPDATE`,
  );
  return rows.map(faultOf);
}

async function countDown(client: Client, faults: readonly Fault[]): Promise<void> {
  const counted = faults.filter((fault) => fault.timesLeft !== null).map((fault) => fault.id.slice('flt_'.length));
  if (counted.length === 0) return;
  await client.query('UPDATE faults SET times_left = times_left - 1 WHERE id = ANY ($1::bigint[])', [counted]);
}
