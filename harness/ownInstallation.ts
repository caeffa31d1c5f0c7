/**
 * A whole oncepay as `npm start` runs it, in a home and on ports of its own: PostgreSQL, Temporal, PSP simulators, worker, API.
 * Tests talk to it over HTTP only, and look into the sandbox's own book.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '../src/local/home.ts';
import { type CallOptions, type Reply, replyTo, requestOf } from './call.ts';
import { freePorts } from './freePorts.ts';
import { killByName, killEach, processesOf } from './installationProcesses.ts';

export type { CallOptions, Credentials, Reply };

export interface Installation {
  readonly home: string;
  readonly credentials: Credentials;
  /** Of its APIs: one, but for a cluster. */
  readonly urls: readonly string[];
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

export async function startInstallation(env: Record<string, string>): Promise<Installation> {
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
  const mine = (): number[] => [...new Set([...(child?.pid === undefined ? [] : [child.pid]), ...processesOf(home)])];
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
    urls: [credentials.baseUrl],
    output: () => output,
    start,
    call: (method, path, options = {}) =>
      replyTo(`${credentials.baseUrl}${path}`, requestOf(method, { key: credentials.merchants[0]?.testKey ?? '', ...options })),
    killAll: () => killEach(mine()),
    kill: (name) => killByName(mine(), name),
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
