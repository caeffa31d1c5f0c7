/** The ledger alone: reserve() through the pool that the worker uses, beside pgbench of the same function. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { createPool } from '../src/db/pool.ts';
import { createLedger, type ReserveRequest } from '../src/ledger/ledger.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { newId } from '../src/rules/newId.ts';

export interface LedgerResult {
  /** One merchant for all, and 10,000 taken at random. */
  readonly hot: Compared;
  readonly cold: Compared;
}

interface Compared {
  readonly pool: number;
  /** undefined: there is no pgbench on the PATH. */
  readonly pgbench: number | undefined;
}

const MERCHANTS = 10_000;
const CALLERS = 16; // the worker's pool

export async function measureLedger(seconds: number, say: (line: string) => void): Promise<LedgerResult> {
  const folder = mkdtempSync(join(tmpdir(), 'oncepay-bench-'));
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), database: 'bench' });
  try {
    await migrate(server.url);
    await fundEverybody(server.url);
    const measure = async (merchants: number): Promise<Compared> => {
      const pool = await callsPerSecond(server.url, merchants, seconds);
      const bench = pgbench(server.url, folder, merchants, seconds);
      say(
        `reserve() of ${merchants === 1 ? 'one merchant' : `${merchants} merchants`}: ${pool.toFixed(0)}/s, pgbench ${bench?.toFixed(0) ?? 'not here'}`,
      );
      return { pool, pgbench: bench };
    };
    const cold = await measure(MERCHANTS);
    const hot = await measure(1);
    return { cold, hot };
  } finally {
    server.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fundEverybody(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `SELECT fund_balance(jsonb_build_object('merchantId', 'mer_' || n, 'mode', 'test', 'currency', 'PKR', 'amountMinor', '100000000000', 'externalId', 'start'))
       FROM generate_series(1, $1) n`,
    [MERCHANTS],
  );
  await client.query('VACUUM ANALYZE');
  await client.end();
}

export const reserveRequest = (payoutId: string, merchantId: string): ReserveRequest => ({
  payoutId,
  merchantId,
  mode: 'test',
  currency: 'PKR',
  amountMinor: '100',
  feeMinor: '0',
  reviewUntil: '2026-12-31T00:00:00.000Z',
  reference: payoutId,
  description: null,
  metadata: {},
  callbackUrl: null,
  destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', iban: null, accountTitle: 'Ayesha Khan' },
  psp: 'sandbox',
  makerId: null,
  reviewReasons: [],
});

async function callsPerSecond(ownerUrl: string, merchants: number, seconds: number): Promise<number> {
  const url = new URL(ownerUrl);
  url.username = 'oncepay_app';
  const pool = createPool({ url: url.toString(), max: CALLERS, applicationName: 'bench' });
  const ledger = createLedger(pool);
  const until = performance.now() + seconds * 1_000;
  let calls = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (performance.now() < until) {
        const merchant = 1 + Math.floor(Math.random() * merchants);
        const { outcome } = await ledger.reserve(reserveRequest(newId('po'), `mer_${merchant}`));
        if (outcome !== 'reserved') throw new Error(`not reserved: ${outcome}`);
        calls += 1;
      }
    }),
  );
  await pool.end();
  return calls / seconds;
}

function pgbench(ownerUrl: string, folder: string, merchants: number, seconds: number): number | undefined {
  const { port, pathname } = new URL(ownerUrl);
  const script = join(folder, 'reserve.sql');
  // `:name` is a variable of pgbench's wherever it stands, so the colons of the JSON are kept apart from what follows.
  const json = JSON.stringify(reserveRequest('<id>', '<merchant>')).replaceAll(':', ': ');
  const call = json.replaceAll('<id>', `' || id || '`).replace('<merchant>', `mer_' || :merchant || '`);
  const sql = `SELECT reserve_payout(('${call}')::jsonb) FROM (SELECT 'po_' || replace(uuidv7()::text, '-', '') AS id) new;`;
  writeFileSync(script, `\\set merchant random(1, ${merchants})\n${sql}\n`);
  const args = ['-h', '127.0.0.1', '-p', port, '-U', 'oncepay_app', '-n', '-c', String(CALLERS), '-j', '2', '-M', 'prepared'];
  const { stdout, status, stderr, error } = spawnSync(
    'pgbench',
    [...args, '-T', String(seconds), '-f', script, pathname.slice(1)],
    {
      encoding: 'utf8',
    },
  );
  if (error) return undefined;
  const found = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
  if (status !== 0 || !found) throw new Error(`pgbench: ${stderr}`);
  return Number.parseFloat(found);
}
