/** Real SIGKILLs, and SIGSTOPs, to the processes of one installation. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '../tests/support/installation.ts';
import type { Victim } from './boundaries.ts';

/** On a loaded two-core machine; an idle one needs two seconds. */
const BACK_WITHIN_MS = 60_000;

/** Kills it and returns once it is gone: whatever it had said to anybody by then, it says no more. */
export async function kill(here: Installation, victim: Victim | 'sandbox'): Promise<void> {
  if (victim === 'all') return await here.killAll();
  const pid = pidOf(here, victim);
  process.kill(pid, 'SIGKILL');
  while (isAlive(pid)) await sleep(5);
}

/** After a kill: the supervisor brings a child back by itself, and nobody but us brings back the supervisor. */
export async function untilBack(here: Installation, victim: Victim | 'sandbox'): Promise<void> {
  if (victim === 'all') return await here.start();
  await within(async () => isAlive(pidOf(here, victim)) && (await isHealthy(here)), `${victim} does not come back`);
}

/** Stops the process and its children in mid-air, as a machine that swaps or a virtual machine that is moved does. */
export function freeze(here: Installation, name: 'postgres' | 'temporal' | 'worker' | 'api'): { thaw(): void } {
  const pid = pidOf(here, name);
  const pids = [pid, ...childrenOf(pid)];
  for (const each of pids) process.kill(each, 'SIGSTOP');
  return {
    thaw() {
      for (const each of pids.toReversed()) if (isAlive(each)) process.kill(each, 'SIGCONT');
    },
  };
}

export async function within(holds: () => Promise<boolean>, problem: string, ms = BACK_WITHIN_MS): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(problem);
    await sleep(50);
  }
}

const isHealthy = async (here: Installation): Promise<boolean> =>
  (await fetch(`${here.credentials.baseUrl}/health`, { signal: AbortSignal.timeout(2_000) })).status === 200;

/** As the supervisor wrote it down, with the moment of its start: a pid alone may be somebody else's by now. */
function pidOf(here: Installation, name: string): number {
  const mark = JSON.parse(readFileSync(join(here.home, 'logs', `${name}.pid`), 'utf8')) as { pid: number };
  return mark.pid;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(name).split(') ').at(-1)?.split(' ')[1] === String(parent))
    .map((name) => Number.parseInt(name, 10));
}

const isAlive = (pid: number): boolean => /\) [^ZX] /.test(statOf(String(pid)));

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}
