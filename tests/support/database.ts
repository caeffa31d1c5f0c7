/**
 * A database of its own for a test file: a real PostgreSQL, migrated as an installation is, with the owner's and the
 * application's role. `TEST_DATABASE_SERVER=postgresql://postgres@host:port` takes a server that runs instead of
 * starting one (a second saved per file while you work).
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { createPool } from '../../src/db/pool.ts';
import { startPostgres } from '../../src/local/postgres.ts';

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
  const empty = await emptyDatabase();
  const ownerUrl = empty.url;
  const appUrl = withUser(ownerUrl, 'oncepay_app');
  await migrate(ownerUrl);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  owner.on('error', () => undefined); // an idle connection that the server ends, at the latest with the test
  const pool = createPool({ url: appUrl, max: connections, applicationName: 'test' });
  return {
    ownerUrl,
    appUrl,
    owner,
    pool,
    async stop() {
      await Promise.all([pool.end(), owner.end()]);
      await empty.stop();
    },
  };
}

/** One with nothing in it, such as a PSP simulator keeps its book in. The URL is its owner's. */
export async function emptyDatabase(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = await useServer();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server.url, `CREATE DATABASE ${name}`);
  return {
    url: withDatabase(server.url, name),
    async stop() {
      await onServer(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
      await server.leave();
    },
  };
}

/** One server for all databases of a test file, gone with the last of them. */
let running: { readonly server: ReturnType<typeof startPostgres>; readonly dataDir: string; users: number } | undefined;

async function useServer(): Promise<{ url: string; leave(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_SERVER'];
  if (given) return { url: given, leave: async () => undefined };
  if (!running) {
    const dataDir = mkdtempSync(join(tmpdir(), 'oncepay-test-'));
    running = { server: startPostgres({ dataDir, durable: false }), dataDir, users: 0 };
  }
  const mine = running;
  mine.users += 1;
  const server = await mine.server;
  return {
    url: server.url,
    async leave() {
      mine.users -= 1;
      if (mine.users > 0) return;
      running = undefined;
      server.stop('immediate'); // nobody needs what it would still write
      rmSync(mine.dataDir, { recursive: true, force: true });
    },
  };
}

async function onServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(server, 'postgres') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = database;
  return withUser(url.toString(), 'postgres');
}

function withUser(database: string, user: string): string {
  const url = new URL(database);
  url.username = user;
  return url.toString();
}
