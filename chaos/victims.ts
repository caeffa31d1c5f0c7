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
  const pids = pidsOf(here, victim);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some(isAlive)) await sleep(5);
}

/** After a kill: the supervisor brings a child back by itself, and nobody but us brings back the supervisor. */
export async function untilBack(here: Installation, victim: Victim | 'sandbox'): Promise<void> {
  if (victim === 'all') return await here.start();
  await within(async () => pidsOf(here, victim).every(isAlive) && (await isHealthy(here)), `${victim} does not come back`);
}

/** Stops the process and its children in mid-air, as a machine that swaps or a virtual machine that is moved does. */
export function freeze(here: Installation, name: 'postgres' | 'temporal' | 'worker' | 'api'): { thaw(): void } {
  const pids = pidsOf(here, name).flatMap((pid) => [pid, ...childrenOf(pid)]);
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

async function isHealthy({ urls }: Installation): Promise<boolean> {
  const answers = await Promise.all(urls.map((url) => fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })));
  return answers.every(({ status }) => status === 200);
}

/** As the supervisor wrote them down: one, or in a cluster (`worker-1`, `worker-2`) all of this name. */
function pidsOf(here: Installation, name: string): number[] {
  const folder = join(here.home, 'logs');
  const isMark = new RegExp(`^${name}(-\\d+)?\\.pid$`);
  const marks = readdirSync(folder).filter((file) => isMark.test(file));
  if (marks.length === 0) throw new Error(`no process ${name}`);
  return marks.map((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number }).pid);
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
