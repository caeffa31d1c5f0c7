/** How long the books take to check when they are large: a database filled by SQL with payouts that were paid. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { createPool } from '../src/db/pool.ts';
import { checkInvariants, type InvariantResult } from '../src/ledger/invariants.ts';
import { startPostgres } from '../src/local/postgres.ts';

export interface BooksResult {
  readonly payouts: number;
  readonly entries: number;
  readonly events: number;
  /** Absent if an earlier run has filled them. */
  readonly fillSeconds: number | undefined;
  readonly seconds: number;
  readonly results: readonly InvariantResult[];
}

export interface BooksOptions {
  readonly entries: number;
  /** Where the filled database stays, for other runs to check again; a temporary place if left out. */
  readonly keep: string | undefined;
}

const MERCHANTS = 1_000;
const EVENTS_A_PAYOUT = 3;
const FUNDS = 1_000_000_000_000; // minor units; each payout is 100

export async function measureBooks({ entries, keep }: BooksOptions, say: (line: string) => void): Promise<BooksResult> {
  const folder = keep === undefined ? mkdtempSync(join(tmpdir(), 'oncepay-bench-')) : resolve(keep);
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false, database: 'bench' });
  try {
    await migrate(server.url);
    const url = new URL(server.url);
    url.username = 'oncepay_app';
    const pool = createPool({ url: url.toString(), max: 2, applicationName: 'bench' });
    const fillSeconds =
      (await payoutsIn(pool)) > 0 ? undefined : await fill(server.url, Math.floor((entries - MERCHANTS) / 2), say);
    const payouts = await payoutsIn(pool);
    say(`checking the books of ${payouts} payouts`);
    const since = performance.now();
    const results = await checkInvariants(pool);
    const seconds = (performance.now() - since) / 1_000;
    await pool.end();
    for (const { name, violations, durationMs, isShared } of results) {
      say(`  ${name}: ${violations}, ${(durationMs / 1_000).toFixed(1)} s${isShared ? ' in one pass with others' : ''}`);
    }
    say(`checked in ${seconds.toFixed(1)} s`);
    return { payouts, entries: MERCHANTS + 2 * payouts, events: EVENTS_A_PAYOUT * payouts, fillSeconds, seconds, results };
  } finally {
    server.stop(keep === undefined ? 'immediate' : 'fast');
    if (keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function payoutsIn(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM payouts');
  return rows[0]?.n ?? 0;
}

/** Payout n is merchant n modulo MERCHANTS's next one; `nth` is its number there, from 1. */
const PAYOUTS = `(SELECT n, 'po_' || lpad(to_hex(n), 32, '0') AS id, 'mer_' || (n % ${MERCHANTS}) AS merchant, n / ${MERCHANTS} + 1 AS nth
                    FROM generate_series(0, $1::bigint - 1) n) p JOIN balances b ON b.merchant_id = p.merchant`;

/**
 * Rows lie in the order of time, as an engine would have appended them: one merchant's far apart, one payout's together.
 * Each payout has two entries, one to reserve and one to settle. @returns the seconds it took.
 */
async function fill(url: string, payouts: number, say: (line: string) => void): Promise<number> {
  say(`filling the books with ${payouts} payouts`);
  const started = performance.now();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const step = async (name: string, sql: string, values: unknown[] = []) => {
    const since = performance.now();
    await client.query(sql, values);
    say(`  ${name}: ${((performance.now() - since) / 1_000).toFixed(0)} s`);
  };
  await client.query(`SET maintenance_work_mem = '1GB'; SET session_replication_role = replica`);
  await step(
    'merchants',
    `SELECT fund_balance(jsonb_build_object('merchantId', 'mer_' || n, 'mode', 'test', 'currency', 'PKR', 'amountMinor', '${FUNDS}', 'externalId', 'start'))
       FROM generate_series(0, ${MERCHANTS - 1}) n`,
  );
  const indexes = await dropIndexes(client, ['ledger_entries', 'events', 'payouts', 'payout_attempts']);
  await step(
    'payouts',
    `INSERT INTO payouts (id, merchant_id, mode, owner_kind, owner_id, balance_id, currency, amount, fee, reference, destination, psp, state, attempt, sequence, completed_at)
     SELECT p.id, p.merchant, 'test', 'merchant', p.merchant, b.id, 'PKR', 100, 0, p.id, '{}', 'sandbox', 'SUCCEEDED', 1, ${EVENTS_A_PAYOUT}, now() FROM ${PAYOUTS} ORDER BY n`,
    [payouts],
  );
  await step(
    'attempts',
    `INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key, psp_ref, state, ended_at)
     SELECT p.id, 1, 'sandbox', p.id || ':1', p.id, 'succeeded', now() FROM ${PAYOUTS} ORDER BY n`,
    [payouts],
  );
  const clearing = `(SELECT id FROM accounts WHERE purpose = 'clearing')`;
  await client.query(
    `INSERT INTO accounts (merchant_id, mode, owner_kind, owner_id, purpose, currency) VALUES ('', 'test', 'platform', 'sandbox', 'clearing', 'PKR')`,
  );
  await step(
    'entries',
    `INSERT INTO ledger_entries (id, op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id, debit_balance, debit_available, debit_reserved, debit_debt)
     SELECT ${MERCHANTS} + 2 * p.n + leg.number, p.id || leg.key, 0, leg.type,
            CASE leg.number WHEN 1 THEN b.available_account ELSE b.reserved_account END,
            CASE leg.number WHEN 1 THEN b.reserved_account ELSE ${clearing} END,
            'PKR', 100, 'payout', p.id, b.id, ${FUNDS} - 100 * p.nth, CASE leg.number WHEN 1 THEN 100 ELSE 0 END, 0
       FROM ${PAYOUTS}, (VALUES (1, ':reserve:1', 'RESERVE'), (2, ':settle', 'SETTLE')) leg (number, key, type) ORDER BY n, leg.number`,
    [payouts],
  );
  await step(
    'events',
    `INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, from_state, to_state, object, epoch)
     SELECT 'evt_' || substr(p.id, 4) || '_000' || e.sequence, 'payout', p.id, 'merchant', p.merchant, 'test', e.sequence, e.type, e.type, 'system', e.from_state, e.to_state, '{}', 1
       FROM ${PAYOUTS}, (VALUES (1, 'payout.created', NULL, 'QUEUED'), (2, 'payout.processing', 'QUEUED', 'SUBMITTING'),
                                (3, 'payout.succeeded', 'SUBMITTING', 'SUCCEEDED')) e (sequence, type, from_state, to_state) ORDER BY n, e.sequence`,
    [payouts],
  );
  await client.query(
    `UPDATE balances b SET available = available - 100 * x.n, version = version + 2 * x.n
       FROM (SELECT balance_id, count(*) AS n FROM payouts GROUP BY 1) x WHERE x.balance_id = b.id`,
  );
  for (const definition of indexes) await step('index', definition);
  await step('vacuum', 'VACUUM ANALYZE');
  await client.end();
  const seconds = (performance.now() - started) / 1_000;
  say(`filled in ${seconds.toFixed(0)} s`);
  return seconds;
}

/** All but the primary keys, to be made again when the rows are there: half the time. @returns how. */
async function dropIndexes(client: pg.Client, tables: string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
       FROM pg_index i WHERE i.indrelid::regclass::text = ANY ($1) AND NOT i.indisprimary`,
    [tables],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  return rows.map(({ definition }) => definition);
}
