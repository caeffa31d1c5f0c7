/**
 * A whole oncepay as `npm start` runs it, in a home and on ports of its own: PostgreSQL, Temporal, PSP simulators, worker, API.
 * Tests talk to it over HTTP only, and look into the sandbox's own book.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Credentials {
  readonly baseUrl: string;
  readonly temporalUi: string;
  readonly temporalAddress: string;
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  readonly flutterwaveUrl: string;
  readonly flutterwaveWebhookHash: string;
  readonly merchants: readonly { id: string; name: string; testKey: string; liveKey: string; webhookSecret: string }[];
  readonly admins: readonly { id: string; role: string; key: string }[];
}

export interface Reply<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: T;
}

export interface CallOptions {
  readonly key?: string;
  readonly body?: unknown;
  /** The idempotency key; by default a new one for each call. */
  readonly idempotencyKey?: string | null;
  readonly headers?: Record<string, string>;
}

export interface Installation {
  readonly home: string;
  readonly credentials: Credentials;
  readonly output: () => string;
  call<T = Record<string, unknown>>(method: string, path: string, options?: CallOptions): Promise<Reply<T>>;
  /** SIGKILL to every process of the installation, at once. */
  killAll(): Promise<void>;
  /** SIGKILL to the one child process whose command line ends so: `worker`, `api`, `sandbox`. */
  kill(child: string): void;
  start(): Promise<void>;
  /** Ctrl-C, then waits for the end. */
  stop(): Promise<number | null>;
  /** Stops and removes the home. */
  remove(): Promise<void>;
}

const READY_WITHIN_MS = 120_000; // a cold start on a busy two-core machine; a healthy one takes some 10 s
let serial = 0;

export async function installation(env: Record<string, string> = {}): Promise<Installation> {
  const home = mkdtempSync(join(tmpdir(), 'oncepay-e2e-'));
  chmodSync(home, 0o755); // as root, PostgreSQL's own user must be able to enter, or its data go outside and stay there
  const ports = await freePorts(7);
  const [PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT, PG_PORT, SANDBOX_PORT, WORKER_PORT, FLUTTERWAVE_SIM_PORT] = ports.map(String);
  const own = {
    ONCEPAY_HOME: home,
    PORT,
    TEMPORAL_PORT,
    TEMPORAL_UI_PORT,
    PG_PORT,
    SANDBOX_PORT,
    WORKER_PORT,
    FLUTTERWAVE_SIM_PORT,
    ...env,
  };
  let child: ChildProcess | undefined;
  let output = '';

  const read = (): Credentials => JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8')) as Credentials;
  const isHealthy = async () => (await fetch(`http://127.0.0.1:${PORT}/health`).catch(() => undefined))?.status === 200;

  async function start(): Promise<void> {
    child = spawn(process.execPath, ['dist/src/cli.js', 'up'], {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await isHealthy())) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
      if (performance.now() > deadline) throw new Error(`not ready in time:\n${output}\n${tails(home)}`);
      await sleep(100);
    }
  }

  await start();
  const credentials = read();

  const self: Installation = {
    home,
    credentials,
    output: () => output,
    start,
    async call(method, path, { key = credentials.merchants[0]?.testKey ?? '', body, idempotencyKey, headers = {} } = {}) {
      serial += 1;
      const idempotency = idempotencyKey === undefined ? `${process.pid}-${serial}` : idempotencyKey;
      const answer = await fetch(`${credentials.baseUrl}${path}`, {
        method,
        headers: {
          ...(key === '' ? {} : { 'x-api-key': key }),
          ...(method === 'GET' || idempotency === null ? {} : { 'x-idempotency-key': idempotency }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = /json/.test(answer.headers.get('content-type') ?? '');
      return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : undefined) as never };
    },
    async killAll() {
      const pids = processesOf(home, child?.pid);
      for (const pid of pids) kill(pid);
      await untilGone(pids);
    },
    kill(name) {
      const pids = processesOf(home, child?.pid).filter((pid) => commandOf(pid).trimEnd().endsWith(` ${name}`));
      if (pids.length === 0) throw new Error(`no process ${name}`);
      for (const pid of pids) kill(pid);
    },
    async stop() {
      if (!child || child.exitCode !== null) return child?.exitCode ?? null;
      const ended = new Promise<number | null>((resolve) => child?.once('exit', resolve));
      child.kill('SIGINT');
      return await ended;
    },
    async remove() {
      await self.stop();
      await self.killAll();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return self;
}

/** All processes that were started with this home: by their environment, whoever their parent is now. */
function processesOf(home: string, supervisor: number | undefined): number[] {
  const mine = `ONCEPAY_HOME=${home}`;
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter(
      (pid) =>
        pid !== process.pid && (readProc(pid, 'environ').split('\0').includes(mine) || readProc(pid, 'cmdline').includes(home)),
    );
  return supervisor === undefined ? found : [...new Set([supervisor, ...found])];
}

const commandOf = (pid: number): string => readProc(pid, 'cmdline').replaceAll('\0', ' ');

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

async function untilGone(pids: number[]): Promise<void> {
  const lives = (pid: number) => /^\d+ \(.*\) [^ZX]/.test(readProc(pid, 'stat'));
  while (pids.some(lives)) await sleep(20);
}

function tails(home: string): string {
  try {
    const logs = join(home, 'logs');
    return readdirSync(logs)
      .map((name) => `--- ${name}\n${readFileSync(join(logs, name), 'utf8').slice(-1500)}`)
      .join('\n');
  } catch {
    return '';
  }
}

/** Held open together before any is used, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
