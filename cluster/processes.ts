/** Child processes that are killed on purpose, and ended with us otherwise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface Process {
  readonly name: string;
  hasEnded(): boolean;
  lastWords(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL if that does not help. */
  stop(): Promise<void>;
}

const STOP_WITHIN_MS = 15_000;

export function run(name: string, home: string, command: string, args: string[], env: NodeJS.ProcessEnv): Process {
  const file = join(home, `${name}.log`);
  const log = openSync(file, 'a');
  const child: ChildProcess = spawn(command, args, { env, stdio: ['ignore', log, log] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    name,
    hasEnded,
    lastWords: () => readFileSync(file, 'utf8').slice(-500),
    async kill() {
      child.kill('SIGKILL');
      if (!hasEnded()) await ended;
    },
    async stop() {
      if (hasEnded()) return;
      child.kill('SIGTERM');
      const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(insist);
    },
  };
}

/** Temporal keeps the ports of its ring in a smallint: those that a system gives out by itself are often too high. */
const HIGHEST_PORT = 32_767;
const LOWEST_PORT = 20_000;

/** Free ones, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
