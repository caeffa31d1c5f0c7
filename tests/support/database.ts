/**
 * A database of its own for a test file: a real PostgreSQL, migrated as an installation is, with the owner's and the
 * application's role. `TEST_DATABASE_SERVER=postgresql://postgres@host:port` takes a server that runs instead of
 * starting one (a second saved per file while you work).
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createPool } from '../../src/db/pool.ts';

export interface TestDatabase {
  /** May do everything: migrations, and the tests that break rows by hand. */
  readonly ownerUrl: string;
  /** The application's role, as the API and the workers connect. */
  readonly appUrl: string;
  readonly owner: pg.Pool;
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

/** @param connections of the application's pool: how many callers can be at work at once. */
export async function testDatabase({ connections = 10 }: { connections?: number } = {}): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_SERVER'] ?? 'postgresql://postgres@127.0.0.1:5599';
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const ownerUrl = withDatabase(server, name, 'postgres');
  const appUrl = withDatabase(server, name, 'oncepay_app');
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  await migrate(owner);
  const pool = createPool({ url: appUrl, max: connections, applicationName: 'test' });
  return {
    ownerUrl,
    appUrl,
    owner,
    pool,
    async stop() {
      await Promise.all([pool.end(), owner.end()]);
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function migrate(owner: pg.Pool): Promise<void> {
  const migrations = 'prisma/migrations';
  for (const each of readdirSync(migrations).sort()) {
    if (!each.endsWith('.toml')) await owner.query(readFileSync(join(migrations, each, 'migration.sql'), 'utf8'));
  }
  for (const each of readdirSync('prisma/functions').sort())
    await owner.query(readFileSync(join('prisma/functions', each), 'utf8'));
}

async function onServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(server, 'postgres', 'postgres') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(server: string, database: string, user: string): string {
  const url = new URL(server);
  url.pathname = database;
  url.username = user;
  return url.toString();
}
