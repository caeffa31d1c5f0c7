/** What waiting costs: transactions of the whole installation while nobody waits for a payout, one does, and many do. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Agent, request } from 'undici';
import { installation } from '../harness/installation.ts';
import { cpuMs } from './processes.ts';

export interface Waiting {
  readonly waiters: number;
  readonly transactionsPerSecond: number;
  /** Of the API and PostgreSQL, in ms a second. */
  readonly cpuMsPerSecond: number;
}

const WAIT_S = 25;
/** Until all have begun to wait, and PostgreSQL has counted what that took: a connection with nothing more to do tells it after 10 s. */
const SETTLE_MS = 12_000;
/** Below the limit of waiters of a key. */
const WAITERS_A_KEY = 40;

/** @param seconds with the time before it no longer than they wait. */
export async function measureWaiters(seconds: number, say: (line: string) => void): Promise<Waiting[]> {
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const { credentials } = here;
  const books = new pg.Pool({ connectionString: credentials.databaseUrl, max: 1 });
  const dispatcher = new Agent({ connections: 1_000 });
  try {
    const body = {
      amount: '100000.00', // an approver must decide: nothing more happens to it
      currency: 'PKR',
      reference: 'bench',
      destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001' },
    };
    const { body: payout } = await here.call<{ id: string; status: string }>('POST', '/api/v1/payouts', { body });
    if (payout.status !== 'IN_REVIEW') throw new Error(`nobody can wait for a payout that is ${payout.status}`);

    const counted = async () => {
      const { rows } = await books.query<{ count: string }>(
        'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()',
      );
      const cpu = cpuMs(here.home);
      return { transactions: Number.parseInt(rows[0]?.count ?? '', 10), cpu: cpu.api + cpu.postgres };
    };
    const results: Waiting[] = [];
    for (const waiters of [0, 1, 160]) {
      const keys = await Promise.all(Array.from({ length: Math.ceil(waiters / WAITERS_A_KEY) }, () => newKey()));
      const waiting = Array.from({ length: waiters }, async (_, nth) => {
        const url = `${credentials.baseUrl}/api/v1/payouts/${payout.id}?wait=${WAIT_S}`;
        const headers = { 'x-api-key': keys[nth % keys.length] ?? '' };
        const reply = await request(url, { dispatcher, headers });
        await reply.body.dump();
        if (reply.statusCode !== 200) throw new Error(`one that waits was answered ${reply.statusCode}`);
      });
      await sleep(SETTLE_MS);
      const before = await counted();
      await sleep(seconds * 1_000);
      const after = await counted();
      await Promise.all(waiting);
      results.push({
        waiters,
        transactionsPerSecond: (after.transactions - before.transactions) / seconds,
        cpuMsPerSecond: (after.cpu - before.cpu) / seconds,
      });
      say(`${waiters} wait: ${results.at(-1)?.transactionsPerSecond.toFixed(1)} transactions/s`);
    }
    return results;
  } finally {
    await dispatcher.close();
    await books.end();
    await here.remove();
  }

  async function newKey(): Promise<string> {
    const { id, key } = { id: credentials.merchants[0]?.id, key: credentials.admins.find(({ role }) => role === 'admin')?.key };
    const made = await here.call<{ key: string }>('POST', `/api/admin/merchants/${id}/api-keys`, {
      body: { mode: 'test' },
      ...(key && { key }),
    });
    return made.body.key;
  }
}
