/**
 * A private PostgreSQL from the npm package's binaries: for the local default and for tests. A server that a killed
 * parent left behind is taken over.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { binaries, postgresUser, reachable } from './postgresUser.ts';
import { lookAt } from './process.ts';

export interface PostgresOptions {
  readonly dataDir: string;
  /** Any free one if left out. */
  readonly port?: number;
  /** False for tests: fast, and lost with the machine. */
  readonly durable?: boolean;
  /** Made if it is not there. */
  readonly database?: string;
  /** Where its log goes; by default beside its data. */
  readonly logFile?: string;
}

export interface PostgresServer {
  /** As the owner. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** When the process that we started has ended. Never for one that was taken over. */
  readonly ended: Promise<void>;
  stop(mode?: 'fast' | 'immediate'): void;
}

const START_WITHIN_MS = 60_000; // recovery after a crash may take its time
const LEFTOVER_WITHIN_MS = 30_000;
const STOP_WITHIN_SECONDS = 20; // the last checkpoint of a slow disk; after that it is made to end, and recovers at the next start

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { durable = true, database } = options;
  const bin = binaries();
  const asked = reachable(options.dataDir);
  if (!existsSync(join(asked, 'PG_VERSION'))) initialize(bin, asked, durable);
  const dataDir = realpathSync(asked);
  const log = options.logFile ?? join(dataDir, 'server.log');

  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    const live = await runningServer(dataDir);
    const port = live?.port ?? options.port ?? (await freePort());
    const launched = live ? undefined : launch(bin, dataDir, port, durable, log);
    const pid = live?.pid ?? launched?.pid;
    if (!pid) throw new Error('PostgreSQL did not start.');
    const outcome = await untilReady(port, dataDir, launched, deadline);
    if (outcome === 'ready') {
      if (database) await onServer(port, (client) => createDatabase(client, database));
      return {
        url: urlOf(port, database),
        port,
        pid,
        ended: new Promise((resolve) => launched?.once('exit', () => resolve())),
        stop: (mode = 'fast') => stop(bin, dataDir, mode),
      };
    }
    const last = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-4).join(' ');
    // The last processes of a killed server still hold its memory: they notice its death within moments, and end.
    const isHeld = last.includes('shared memory block');
    if (!isHeld || performance.now() > deadline) throw new Error(`PostgreSQL did not start: ${last} (${log})`);
    await sleep(200);
  }
}

const urlOf = (port: number, database = 'postgres'): string => `postgresql://postgres@127.0.0.1:${port}/${database}`;

const environment = (dataDir: string): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C', HOME: dataDir });

/** Made beside its place and moved there when complete: a start that was killed half-way leaves no half cluster. */
function initialize(bin: string, dataDir: string, durable: boolean): void {
  const user = postgresUser();
  mkdirSync(dirname(dataDir), { recursive: true });
  const prefix = `${basename(dataDir)}.new-`;
  for (const name of readdirSync(dirname(dataDir)).filter((each) => each.startsWith(prefix))) {
    rmSync(join(dirname(dataDir), name), { recursive: true, force: true });
  }
  const fresh = join(dirname(dataDir), `${prefix}${process.pid}`);
  mkdirSync(fresh, { mode: 0o700 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(fresh, user.uid, user.gid);
  const args = ['-D', fresh, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  if (!durable) args.push('--no-sync');
  const done = spawnSync(join(bin, 'initdb'), args, { ...user, env: environment(fresh), encoding: 'utf8', cwd: '/' });
  if (done.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`PostgreSQL's initdb failed: ${(done.stderr || done.error?.message || '').trim().split('\n').at(-1)}`);
  }
  renameSync(fresh, dataDir); // also over an empty directory
}

function launch(bin: string, dataDir: string, port: number, durable: boolean, logFile: string): ChildProcess {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // a path in a deep home may be longer than a socket's name can be
    max_connections: '200',
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable
      ? { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const log = openSync(logFile, 'a');
  // Detached, so that Ctrl-C in a terminal does not reach it before the processes that still use it are closed.
  const child = spawn(join(bin, 'postgres'), ['-D', dataDir, ...flags], {
    ...postgresUser(),
    env: environment(dataDir),
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  return child;
}

async function untilReady(
  port: number,
  dataDir: string,
  launched: ChildProcess | undefined,
  deadline: number,
): Promise<'ready' | 'ended'> {
  for (;;) {
    if (launched && (launched.exitCode !== null || launched.signalCode !== null)) return 'ended';
    if (await answers(port, dataDir)) return 'ready';
    if (performance.now() > deadline) throw new Error(`PostgreSQL did not answer on port ${port} within a minute.`);
    await sleep(25);
  }
}

async function onServer<T>(port: number, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(port) });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes the database unless it is there; two who make it at once are both content. */
export async function createDatabase(client: pg.Client, name: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (found.rowCount !== 0) return;
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`).catch((error: { code?: string }) => {
    if (error.code !== '42P04' && error.code !== '23505') throw error; // duplicate_database, or its unique index
  });
}

/** Whether the server of these data answers there, and not somebody else's. */
async function answers(port: number, dataDir: string): Promise<boolean> {
  const ask = (client: pg.Client) => client.query<{ data_directory: string }>('SHOW data_directory');
  const found = await onServer(port, ask).catch(() => undefined);
  return found?.rows[0] !== undefined && realpathSync(found.rows[0].data_directory) === realpathSync(dataDir);
}

/** The process that works in this directory, as its postmaster.pid tells (line 1: its number, line 4: its port). */
export function serverProcess(dataDir: string): { pid: number; port: number } | undefined {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  const port = Number.parseInt(lines[3] ?? '', 10);
  const seen = pid > 0 ? lookAt(pid) : undefined;
  const isOurs = seen && !seen.isZombie && seen.command.includes(`postgres -D ${realpathSync(dataDir)} `);
  return isOurs ? { pid, port } : undefined;
}

/** The server that already works in this directory, once it can be used or is gone for good. */
async function runningServer(dataDir: string): Promise<{ pid: number; port: number } | undefined> {
  const deadline = performance.now() + LEFTOVER_WITHIN_MS;
  for (;;) {
    const found = serverProcess(dataDir);
    if (!found) break;
    if (found.port > 0 && (await answers(found.port, dataDir))) return found;
    if (performance.now() > deadline) throw new Error(`PostgreSQL's process ${found.pid} in ${dataDir} does not answer; end it.`);
    await sleep(100);
  }
  disownLockFile(join(dataDir, 'postmaster.pid'));
  return undefined;
}

/** Greater than any process number can be. */
const NOBODY = '2147483646';

/**
 * PostgreSQL refuses to start while the number in its lock file belongs to any process of its user: one of ours after a
 * container's restart, or the zombie of a killed server under an init that does not reap. The rest of the file stays:
 * by it PostgreSQL finds out whether its memory is still in use.
 */
function disownLockFile(file: string): void {
  if (!existsSync(file)) return;
  writeFileSync(file, [NOBODY, ...readFileSync(file, 'utf8').split('\n').slice(1)].join('\n'));
}

function stop(bin: string, dataDir: string, mode: 'fast' | 'immediate'): void {
  const options = { ...postgresUser(), env: environment(dataDir), cwd: '/' };
  const args = ['stop', '-w', '-t', String(STOP_WITHIN_SECONDS), '-D', dataDir];
  const done = spawnSync(join(bin, 'pg_ctl'), [...args, '-m', mode], options);
  if (done.status !== 0 && mode === 'fast' && serverProcess(dataDir)) stop(bin, dataDir, 'immediate');
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
