/**
 * Brings a database up to this version: the migrations in order, in Prisma's own `_prisma_migrations` table (Prisma
 * agrees with every row), then the ledger's functions that changed. Why not by Prisma's own engine: docs/dependencies.md.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const PRISMA_LOCK = 72707369; // the advisory lock of `prisma migrate`: the two wait for each other
const TABLES = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS _functions (name TEXT PRIMARY KEY NOT NULL, checksum CHAR(64) NOT NULL)`;

interface AppliedMigration {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/**
 * Safe to run by several processes at once; the others wait and find it done.
 * @returns what was applied, in order.
 * @throws if a migration was edited after it was applied, failed before, or is unknown here (a newer version's database).
 */
export async function migrate(ownerUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'oncepay migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK]);
    await client.query(TABLES);
    const done = [...(await applyMigrations(client)), ...(await applyFunctions(client))];
    await setAppPassword(client);
    return done;
  } finally {
    await client.end(); // ends the session, and with it the lock
  }
}

async function applyMigrations(client: pg.Client): Promise<string[]> {
  const folder = prismaFolder('migrations');
  const names = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'migration.sql')))
    .sort();
  const { rows } = await client.query<AppliedMigration>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const applied = new Map(rows.map((row) => [row.migration_name, row]));
  for (const name of applied.keys()) {
    if (!names.includes(name)) throw new Error(`The database has the migration ${name}, which this version does not know.`);
  }
  const done: string[] = [];
  for (const name of names) {
    const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
    const checksum = sha256(sql);
    const row = applied.get(name);
    if (row && !row.finished_at)
      throw new Error(`The migration ${name} failed before: repair it, then run prisma migrate resolve.`);
    if (row && row.checksum !== checksum) throw new Error(`The migration ${name} was edited after it was applied.`);
    if (row) continue;
    await inTransaction(client, name, async () => {
      await client.query("SET LOCAL lock_timeout = '5s'"); // rather fail than stop the payouts that wait behind us
      await client.query(sql); // no parameters: one simple query, so that $$ bodies and many statements pass whole
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
         VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
        [randomUUID(), checksum, name],
      );
    });
    done.push(name);
  }
  return done;
}

/** All that changed in one transaction: a payout meets the old functions or the new ones, never some of each. */
async function applyFunctions(client: pg.Client): Promise<string[]> {
  const folder = prismaFolder('functions');
  const { rows } = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM _functions');
  const applied = new Map(rows.map((row) => [row.name, row.checksum]));
  const changed = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .map((file) => ({ name: basename(file), sql: readFileSync(join(folder, file), 'utf8') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter(({ name, sql }) => applied.get(name) !== sha256(sql));
  if (changed.length === 0) return [];
  await inTransaction(client, 'functions', async () => {
    await client.query('SET LOCAL check_function_bodies = off'); // they name each other in any order
    for (const { name, sql } of changed) {
      await client.query(sql);
      await client.query(
        'INSERT INTO _functions (name, checksum) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum',
        [name, sha256(sql)],
      );
    }
  });
  return changed.map(({ name }) => name);
}

/** Where the server asks for passwords, the application's role gets the one that DATABASE_URL names. */
async function setAppPassword(client: pg.Client): Promise<void> {
  const url = process.env['DATABASE_URL'];
  const { username, password } = url ? new URL(url) : { username: '', password: '' };
  if (username !== 'oncepay_app' || password === '') return;
  await client.query(`ALTER ROLE oncepay_app PASSWORD ${client.escapeLiteral(decodeURIComponent(password))}`);
}

async function inTransaction(client: pg.Client, name: string, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The project's `prisma/` folder, seen from src/db as well as from dist/src/db. */
function prismaFolder(name: string): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at)) {
    const folder = join(at, 'prisma', name);
    if (existsSync(folder)) return folder;
  }
  throw new Error(`There is no folder prisma/${name} above ${import.meta.url}.`);
}
