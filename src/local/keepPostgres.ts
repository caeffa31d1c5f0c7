/** PostgreSQL, kept alive: like the other children, but with its own ways to start, to recover and to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Kept } from './child.ts';
import { type Home, rememberChild } from './home.ts';
import { createDatabase, type PostgresServer, startPostgres } from './postgres.ts';
import { signal } from './process.ts';

const RESTART_WAIT_MS = 500;

export async function keepPostgres(home: Home, port: number, say: (line: string) => void): Promise<Kept> {
  let isStopping = false;
  let restarting: Promise<void> | undefined;
  let server = await start();

  async function start(): Promise<PostgresServer> {
    const logFile = home.file('logs', 'postgres.log');
    const started = await startPostgres({ dataDir: home.file('postgres'), port, database: 'oncepay', logFile });
    rememberChild(home, 'postgres', started.pid);
    void started.ended.then(() => {
      if (!isStopping) restarting = restart();
    });
    return started;
  }

  async function restart(): Promise<void> {
    say('postgres ended; starting it again');
    while (!isStopping) {
      try {
        server = await start();
        return;
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
        await sleep(RESTART_WAIT_MS);
      }
    }
  }

  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  for (const simulator of ['sandbox', 'flutterwave']) await createDatabase(client, simulator);
  await client.end();
  return {
    name: 'postgres',
    async stop() {
      isStopping = true;
      await restarting; // stopping what is only half started would leave it running
      server.stop('fast');
    },
    kill() {
      isStopping = true;
      signal(server.pid, 'SIGQUIT'); // its immediate shutdown: no checkpoint, and no process of it is left
    },
  };
}
