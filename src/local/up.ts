/** `oncepay up`: everything on one machine, from nothing to a payout, and kept alive until Ctrl-C. */
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrate } from '../db/migrate.ts';
import { type Kept, keepAlive } from './child.ts';
import {
  type Credentials,
  credentialsOf,
  endLeftovers,
  type Home,
  lockHome,
  openHome,
  type Ports,
  rememberChild,
  type Secrets,
  secretsOf,
} from './home.ts';
import { createDatabase, type PostgresServer, startPostgres } from './postgres.ts';
import { seed } from './seed.ts';
import { temporalCli } from './temporalBinary.ts';
import { spawnTemporal, type TemporalServerOptions, untilTemporalIsHealthy } from './temporalServer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PORT_VARIABLES = {
  api: ['PORT', 3000],
  temporal: ['TEMPORAL_PORT', 7233],
  temporalUi: ['TEMPORAL_UI_PORT', 8233],
  postgres: ['PG_PORT', 5433], // not 5432, where a PostgreSQL of the machine's own would be
  sandbox: ['SANDBOX_PORT', 3001],
  worker: ['WORKER_PORT', 3002],
} as const satisfies Record<keyof Ports, readonly [string, number]>;

/** Waits for a try-out: a retry in seconds, an unknown outcome cleared up within a minute. The user's own settings win. */
const LOCAL_SETTINGS = {
  REVIEW_WINDOW: '24h',
  RETRY_WAIT: '2s',
  RETRY_WAIT_MAX: '5s',
  FIRST_LOOK_UP: '2s',
  LOOK_UP_MAX: '10s',
  PSP_TIMEOUT: '5s',
  PSP_NOT_FOUND_GRACE: '12s',
  OUTCOME_DEADLINE: '60s',
  WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
};

/** In the order in which they are ended: who takes requests first, who keeps the data last. */
const NODE_CHILDREN = ['api', 'worker', 'sandbox'] as const;
const CHILDREN = [...NODE_CHILDREN, 'temporal', 'postgres'];

const READY_WITHIN_MS = 60_000;

export interface Installation {
  readonly credentials: Credentials;
  stop(): Promise<void>;
}

/** @throws one sentence for whoever started it. */
export async function up(env: Environment, say: (line: string) => void, stopping: AbortSignal): Promise<Installation> {
  const home = openHome(env);
  lockHome(home);
  const left = await endLeftovers(home, CHILDREN);
  if (left.length > 0) say(`ended what a killed start had left: ${left.join(', ')}`);
  const ports = await portsOf(env);
  const secrets = secretsOf(home);
  const cli = await temporalCli(say);

  say('starting PostgreSQL and Temporal');
  const kept: Kept[] = [];
  const stop = async (): Promise<void> => {
    for (const each of kept.toReversed()) await each.stop();
  };
  try {
    kept.push(await keepPostgres(home, ports.postgres, say));
    kept.push(await keepTemporal(home, ports, cli, say));
    stopping.throwIfAborted();
    const ownerUrl = `postgresql://postgres@127.0.0.1:${ports.postgres}/oncepay`;
    const done = await migrate(ownerUrl);
    if (done.length > 0) say(`the database is up to date (${done.length} files)`);
    const credentials = credentialsOf(home, ports, ownerUrl);
    await seed(ownerUrl, credentials, secrets.encryptionKeys);

    say('starting the sandbox PSP, a worker and the API');
    const childEnv = environmentOf(env, ports, secrets);
    for (const name of [...NODE_CHILDREN].reverse()) kept.push(keepNode(home, name, childEnv, say));
    await untilReady(credentials, home, stopping);
    return { credentials, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environmentOf(env: Environment, ports: Ports, secrets: Secrets): Record<string, string | undefined> {
  const database = (user: string, name: string) => `postgresql://${user}@127.0.0.1:${ports.postgres}/${name}`;
  return {
    ...LOCAL_SETTINGS,
    ...env,
    DATABASE_URL: database('oncepay_app', 'oncepay'),
    DATABASE_OWNER_URL: database('postgres', 'oncepay'),
    SANDBOX_DATABASE_URL: database('postgres', 'sandbox'),
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_UI_URL: `http://127.0.0.1:${ports.temporalUi}`,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    PORT: String(ports.api),
    WORKER_PORT: String(ports.worker),
    SANDBOX_PORT: String(ports.sandbox),
    SANDBOX_URL: `http://127.0.0.1:${ports.sandbox}`,
    SANDBOX_API_KEY: secrets.sandboxApiKey,
    SANDBOX_WEBHOOK_SECRET: secrets.sandboxWebhookSecret,
    SANDBOX_CALLBACK_URL: `http://127.0.0.1:${ports.api}/api/v1/ipn/sandbox`,
  };
}

function keepNode(home: Home, name: string, env: Record<string, string | undefined>, say: (line: string) => void): Kept {
  const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'cli.js');
  const log = openSync(home.file('logs', `${name}.log`), 'a');
  return keepAlive({
    name,
    // Detached: Ctrl-C reaches us alone, and we end them in order.
    start: () => spawn(process.execPath, [cli, name], { env, detached: true, stdio: ['ignore', log, log] }),
    onStart: (pid) => rememberChild(home, name, pid),
    onEnd: (sentence) => say(`${sentence}\n  ${lastWords(home.file('logs', `${name}.log`))}`),
  });
}

/** The end of a log, on one line: what a process that ended by itself usually says last. */
function lastWords(file: string): string {
  return readFileSync(file, 'utf8').slice(-300).trim().replace(/\s+/g, ' ');
}

async function keepTemporal(home: Home, ports: Ports, cli: string, say: (line: string) => void): Promise<Kept> {
  const options: TemporalServerOptions = {
    cli,
    databaseFile: home.file('temporal.db'),
    port: ports.temporal,
    uiPort: ports.temporalUi,
    codecEndpoint: `http://127.0.0.1:${ports.api}/codec`,
    log: openSync(home.file('logs', 'temporal.log'), 'a'),
  };
  let ends = 0;
  const kept = keepAlive({
    name: 'temporal',
    start: () => spawnTemporal(options),
    onStart: (pid) => rememberChild(home, 'temporal', pid),
    onEnd: (sentence) => {
      ends += 1;
      say(sentence);
    },
  });
  try {
    await untilTemporalIsHealthy(options, () => ends > 2);
  } catch (error) {
    await kept.stop();
    throw error;
  }
  return kept;
}

async function keepPostgres(home: Home, port: number, say: (line: string) => void): Promise<Kept> {
  let isStopping = false;
  let server: PostgresServer;
  async function start(): Promise<void> {
    server = await startPostgres({ dataDir: home.file('postgres'), port, database: 'oncepay' });
    rememberChild(home, 'postgres', server.pid);
    void server.ended.then(restart);
  }
  async function restart(): Promise<void> {
    if (isStopping) return;
    say('postgres ended; starting it again');
    for (;;) {
      // Its last processes may still hold the shared memory: then the new one gives up, and the next try succeeds.
      const isUp = await start().then(
        () => true,
        () => false,
      );
      if (isUp || isStopping) return;
      await sleep(500);
    }
  }
  await start();
  const client = new pg.Client({ connectionString: `postgresql://postgres@127.0.0.1:${port}/postgres` });
  await client.connect();
  await createDatabase(client, 'sandbox');
  await client.end();
  return {
    name: 'postgres',
    stop: async () => {
      isStopping = true;
      server.stop('fast');
    },
  };
}

/** @throws a sentence that names the port and its variable. */
async function portsOf(env: Environment): Promise<Ports> {
  const ports = Object.fromEntries(
    Object.entries(PORT_VARIABLES).map(([name, [variable, byDefault]]) => {
      const text = env[variable] || String(byDefault);
      const port = /^\d{1,5}$/.test(text) ? Number.parseInt(text, 10) : 0;
      if (port < 1 || port > 65_535) throw new Error(`${variable} must be a port between 1 and 65535, not "${text}".`);
      return [name, port];
    }),
  ) as unknown as Ports;
  const taken = new Map<number, string>();
  for (const [name, [variable]] of Object.entries(PORT_VARIABLES)) {
    const port = ports[name as keyof Ports];
    const other = taken.get(port);
    if (other) throw new Error(`${variable} and ${other} both name port ${port}; give each its own.`);
    taken.set(port, variable);
    if (!(await isFree(port))) throw new Error(`Port ${port} is in use; set ${variable} to another one.`);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function untilReady({ baseUrl, sandboxUrl }: Credentials, home: Home, stopping: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  const isUp = async (url: string) =>
    (await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined))?.ok === true;
  while (!((await isUp(`${sandboxUrl}/health`)) && (await isUp(`${baseUrl}/health`)))) {
    stopping.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`It did not become healthy within a minute; see ${home.file('logs')}.`);
    await sleep(100);
  }
}

/** What a newcomer needs next. */
export function welcome({ baseUrl, temporalUi, sandboxUrl, merchants }: Credentials, home: string): string {
  const key = merchants[0]?.testKey ?? '';
  return `
oncepay is ready.

  API           ${baseUrl}        docs ${baseUrl}/docs
  Temporal UI   ${temporalUi}        to read payloads there, sign in once at ${baseUrl}/codec/login
  sandbox PSP   ${sandboxUrl}/control/transfers
  keys          ${join(home, 'credentials.json')}

A payout:

  curl -s ${baseUrl}/api/v1/payouts \\
    -H 'X-API-KEY: ${key}' \\
    -H 'X-IDEMPOTENCY-KEY: first-payout' -H 'Content-Type: application/json' \\
    -d '{"amount":"1500.00","currency":"PKR","reference":"INV-1001","destination":{"type":"bank","bankCode":"HBL","accountNumber":"12345678900001","accountTitle":"Ayesha Khan"}}'

Ctrl-C stops everything; nothing is lost.
`;
}
