/** What must hold after every story: the books balance, and no workflow failed, and those that run wait for somebody. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Pool } from 'pg';
import { createPool } from '../src/db/pool.ts';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { type PayoutState, WAITING_ON } from '../src/payouts/rules/machine.ts';
import type { Cluster } from './arrangement.ts';

/** Follow-ups of callbacks may take a moment longer than the payouts; what still runs after this is stuck. */
const ENDED_WITHIN_MS = 30_000;

export async function problemsOf(cluster: Cluster): Promise<string[]> {
  return [...(await brokenBooks(cluster)), ...(await badWorkflows(cluster))];
}

export async function brokenBooks({ env }: Cluster): Promise<string[]> {
  const pool = createPool({ url: String(env['DATABASE_URL']), max: 1, applicationName: 'cluster' });
  try {
    const broken = (await checkInvariants(pool)).filter(({ violations }) => violations > 0);
    return broken.map(({ name, violations, sample }) => `${name}: ${violations} violations, such as ${JSON.stringify(sample)}`);
  } finally {
    await pool.end();
  }
}

const NOT_ENDED_WELL = `ExecutionStatus IN ('Running', 'Failed', 'Terminated', 'TimedOut', 'Canceled')`;

async function badWorkflows(cluster: Cluster): Promise<string[]> {
  const connection = await Connection.connect({ address: cluster.addresses[0] });
  const pool = createPool({ url: String(cluster.env['DATABASE_URL']), max: 1, applicationName: 'cluster' });
  try {
    const { workflow } = new Client({ connection });
    const deadline = performance.now() + ENDED_WITHIN_MS;
    for (;;) {
      const bad: string[] = [];
      for await (const { workflowId, status, type } of workflow.list({ query: NOT_ENDED_WELL })) {
        const isRunning = status.name === 'RUNNING';
        if (isRunning && (!type.startsWith('payout') || (await waitsForSomebody(pool, workflowId)))) continue;
        bad.push(`workflow ${workflowId} is ${status.name}`);
      }
      if (bad.length === 0 || performance.now() > deadline) return bad;
      await sleep(500);
    }
  } finally {
    await connection.close();
    await pool.end();
  }
}

/** A payout that nobody decided, or that the bank still has: its workflow runs because it should. */
async function waitsForSomebody(pool: Pool, workflowId: string): Promise<boolean> {
  const { rows } = await pool.query<{ state: PayoutState }>('SELECT state FROM payouts WHERE id = $1', [
    workflowId.split('/')[1],
  ]);
  const state = rows[0]?.state;
  return state !== undefined && ['approver', 'operator', 'psp'].includes(WAITING_ON[state] ?? '');
}
