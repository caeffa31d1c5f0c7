/**
 * Sends again what an endpoint has missed: what was given up, and what it was never given because it was switched off or did
 * not exist. Never what was delivered. In steps of one short transaction each; whoever dies between two may begin again, and
 * finds what was done as what waits.
 *
 * One at a time for an endpoint: each looks through up to a month of events, and a second one would find nothing that the first
 * does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from '../../db/pool.ts';
import type { RecoveryWindow } from '../rules/recovery.ts';

export interface Recovery extends RecoveryWindow {
  /** The same for every repeat, which goes on at once in the place of one that died. */
  readonly recoveryId: string;
  readonly endpointId: string;
  /** Of events that are told at all. */
  readonly types: readonly string[];
}

/** What began to write before us has ended by then: no transaction of ours may last for more than ten seconds (src/db/pool.ts). */
const ENDED_AFTER_MS = 12_000;
const LOOK_AGAIN_MS = 20;

/** One that says nothing for so long has died: longer than the longest it is silent, which is ENDED_AFTER_MS and a statement. */
const LEASE_MS = 30_000;

export type Recovered =
  /** How many deliveries wait now that did not before. */
  | { readonly outcome: 'recovered'; readonly deliveries: number }
  /** What it is asked for may be what is being done. */
  | { readonly outcome: 'another_runs' };

export async function recover(sql: Sql, recovery: Recovery): Promise<Recovered> {
  if (!(await mayGoOn(sql, recovery))) return { outcome: 'another_runs' };
  try {
    return await everyStep(sql, recovery);
  } finally {
    await letGo(sql, recovery);
  }
}

async function everyStep(sql: Sql, recovery: Recovery): Promise<Recovered> {
  const { endpointId, types, since, until } = recovery;
  const before = await settledEnd(sql);
  let after: string | null = await startOf(sql, since);
  let deliveries = 0;
  while (after !== null) {
    if (!(await mayGoOn(sql, recovery))) return { outcome: 'another_runs' }; // it was taken for dead
    const { rows } = await sql.query<{ step: { deliveries: number; after: string | null } }>({
      name: 'recover_step',
      text: 'SELECT recover_step($1, $2, $3, $4, $5, $6) AS step',
      values: [endpointId, types, since, until ?? 'infinity', after, before],
    });
    const step = rows[0]?.step;
    if (!step) throw new Error('no answer from recover_step');
    deliveries += step.deliveries;
    after = step.after;
  }
  return { outcome: 'recovered', deliveries };
}

/** This one's turn, from now on for LEASE_MS; false: another one's. */
async function mayGoOn(sql: Sql, { endpointId, recoveryId }: Recovery): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'recovery_goes_on',
    text: `UPDATE webhook_endpoints SET recovery_id = $2, recovery_until = clock_timestamp() + $3 * interval '1 millisecond'
            WHERE id = $1 AND (recovery_id = $2 OR recovery_until IS NULL OR recovery_until < clock_timestamp())`,
    values: [endpointId, recoveryId, LEASE_MS],
  });
  return rowCount === 1;
}

/** Where this fails, too, its lease runs out. */
async function letGo(sql: Sql, { endpointId, recoveryId }: Recovery): Promise<void> {
  const text = 'UPDATE webhook_endpoints SET recovery_id = NULL, recovery_until = NULL WHERE id = $1 AND recovery_id = $2';
  await sql.query(text, [endpointId, recoveryId]);
}

/**
 * Up to where we look: what is younger was written by somebody who saw the endpoint as it is now, and its delivery with it. Who
 * began before may have seen it switched off and not be done: so we wait for them.
 */
async function settledEnd(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ epoch: number; xid: string }>(
    'SELECT (SELECT max(epoch) FROM epochs) AS epoch, pg_snapshot_xmax(pg_current_snapshot())::text AS xid',
  );
  const [end] = rows;
  if (!end) throw new Error('no epoch');
  const giveUpAt = performance.now() + ENDED_AFTER_MS; // somebody else's transaction, in whatever database of the server
  while (!(await hasEnded(sql, end.xid)) && performance.now() < giveUpAt) await sleep(LOOK_AGAIN_MS);
  return `${end.epoch}-${end.xid}`;
}

async function hasEnded(sql: Sql, xid: string): Promise<boolean> {
  const text = 'SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 AS ended';
  const { rows } = await sql.query<{ ended: boolean }>({ name: 'writers_ended', text, values: [xid] });
  return rows[0]?.ended ?? false;
}

async function startOf(sql: Sql, since: Date): Promise<string | null> {
  const { rows } = await sql.query<{ place: string }>('SELECT recover_from($1) AS place', [since]);
  return rows[0]?.place ?? null;
}
