/** A backup of one database, and its return in place of what the database has become: whoever is connected is cut off. */
import pg from 'pg';

export interface Backup {
  /** When it was made. */
  readonly at: Date;
  /** May be done once. */
  restore(): Promise<void>;
}

/** @param databases with the URL of their owner, one after the other; what is written meanwhile is in the later ones only. */
export async function backUp(...databases: readonly string[]): Promise<Backup> {
  const at = new Date();
  const copies: { readonly url: string; readonly copy: string }[] = [];
  for (const url of databases) {
    const copy = `${nameIn(url)}_backup_${at.getTime()}`;
    await alone(url, (sql) => sql(`CREATE DATABASE ${copy} TEMPLATE ${nameIn(url)}`));
    copies.push({ url, copy });
  }
  return {
    at,
    async restore() {
      for (const { url, copy } of copies) {
        await alone(url, async (sql) => {
          await sql(`DROP DATABASE ${nameIn(url)} WITH (FORCE)`);
          await sql(`ALTER DATABASE ${copy} RENAME TO ${nameIn(url)}`);
        });
      }
    },
  };
}

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

/** Nobody else is connected while this works, and all may connect again afterwards. */
async function alone(url: string, work: (sql: (text: string) => Promise<unknown>) => Promise<unknown>): Promise<void> {
  const server = new URL(url);
  server.pathname = 'postgres';
  const client = new pg.Client({ connectionString: server.toString() });
  await client.connect();
  const sql = (text: string) => client.query(text);
  try {
    await sql(`ALTER DATABASE ${nameIn(url)} ALLOW_CONNECTIONS false`);
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [nameIn(url)]);
    await untilNobody(client, nameIn(url));
    await work(sql);
    await sql(`ALTER DATABASE ${nameIn(url)} ALLOW_CONNECTIONS true`);
  } finally {
    await client.end();
  }
}

async function untilNobody(client: pg.Client, name: string): Promise<void> {
  const count = 'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = $1';
  while ((await client.query<{ count: number }>(count, [name])).rows[0]?.count !== 0) await client.query('SELECT pg_sleep(0.05)');
}
