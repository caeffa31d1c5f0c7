/** Books of their own with merchants and endpoints in them, and a relay beside them: what webhooks alone are measured on. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { newWebhookSecret } from '../src/crypto/newSecret.ts';
import { encryptSecret, parseKeys } from '../src/crypto/secretBox.ts';
import { migrate } from '../src/db/migrate.ts';
import { createPool } from '../src/db/pool.ts';
import { createWaker } from '../src/db/wake.ts';
import { createLedger } from '../src/ledger/ledger.ts';
import { fundBalance } from '../src/ledger/postings.ts';
import { startPostgres } from '../src/local/postgres.ts';
import { newId } from '../src/rules/newId.ts';
import { reserveRequest } from './ledger.ts';
import { cpuMsOf, residentMbOf } from './processes.ts';

export interface Stage {
  /** As the owner of the database. */
  readonly sql: pg.Client;
  /** Tells the relay that something may be due. */
  wake(): void;
  /** With money for any number of payouts: its id. */
  merchant(): Promise<string>;
  /** For all of the merchant's payouts: its id. */
  endpoint(merchantId: string, url: string): Promise<string>;
  /** Takes a payout in, as a worker does: one event, and a delivery of it for each endpoint. @returns its id. */
  payout(merchantId: string): Promise<string>;
  /** What the relay's process uses now. */
  relay(): { readonly memoryMb: number; readonly cpuMs: number };
  stop(): Promise<void>;
}

const FUNDS = '100000000000'; // minor units; each payout is 100

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'oncepay-bench-'));
  const closings: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const close of closings.splice(0).reverse()) await close();
  };
  try {
    const server = await startPostgres({ dataDir: join(folder, 'postgres'), database: 'bench' });
    closings.push(() => server.stop('immediate'));
    await migrate(server.url);
    const sql = new pg.Client({ connectionString: server.url });
    await sql.connect();
    closings.push(() => sql.end());
    const url = new URL(server.url);
    url.username = 'oncepay_app';
    const pool = createPool({ url: url.toString(), max: 4, applicationName: 'bench' });
    const waker = createWaker(url.toString());
    closings.push(
      () => pool.end(),
      () => waker.end(),
    );
    const ledger = createLedger(pool, waker.wake);
    const encryptionKeys = `bench:${randomBytes(32).toString('base64')}`;
    const newSecret = () => encryptSecret(parseKeys(encryptionKeys), newWebhookSecret());
    const child = await startRelay(url.toString(), encryptionKeys);
    closings.push(() => endRelay(child));
    const pid = child.pid ?? 0;

    return {
      sql,
      stop,
      wake: waker.wake,
      relay: () => ({ memoryMb: residentMbOf(pid), cpuMs: cpuMsOf(pid) }),
      async merchant() {
        const id = newId('mer');
        await sql.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'bench', $2)`, [id, newSecret()]);
        await fundBalance(pool, { merchantId: id, mode: 'test', currency: 'PKR', amountMinor: FUNDS, externalId: 'start' });
        return id;
      },
      async endpoint(merchantId, to) {
        const id = newId('we');
        await sql.query(
          `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ($1, $2, 'test', $3, '{payout.*}', $4)`,
          [id, merchantId, to, newSecret()],
        );
        return id;
      },
      async payout(merchantId) {
        const id = newId('po');
        const { outcome } = await ledger.reserve(reserveRequest(id, merchantId));
        if (outcome !== 'reserved') throw new Error(`not reserved: ${outcome}`);
        return id;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startRelay(databaseUrl: string, encryptionKeys: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./relayProcess.js', import.meta.url)), [databaseUrl, encryptionKeys]);
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the relay's process ended with ${code}`)));
    child.once('message', () => resolve());
  });
  return child;
}

async function endRelay(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
}
