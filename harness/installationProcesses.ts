/** The processes of one installation, found by its home, and real SIGKILLs to them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** All that were started with this home: by their environment or their command line, whoever their parent is now. */
export function processesOf(home: string): number[] {
  const mine = `ONCEPAY_HOME=${home}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter((pid) => pid !== process.pid)
    .filter((pid) => readProc(pid, 'environ').split('\0').includes(mine) || readProc(pid, 'cmdline').includes(home));
}

/** SIGKILL to those whose command line ends so: `worker`, `api`, `sandbox`. */
export function killByName(pids: readonly number[], name: string): void {
  const found = pids.filter((pid) => commandOf(pid).trimEnd().endsWith(` ${name}`));
  if (found.length === 0) throw new Error(`no process ${name}`);
  for (const pid of found) kill(pid);
}

/** SIGKILL to all, and returns when they are gone. */
export async function killEach(pids: readonly number[]): Promise<void> {
  for (const pid of pids) kill(pid);
  while (pids.some(isAlive)) await sleep(5);
}

export const isAlive = (pid: number): boolean => /^\d+ \(.*\) [^ZX]/.test(readProc(pid, 'stat'));

const commandOf = (pid: number): string => readProc(pid, 'cmdline').replaceAll('\0', ' ');

export function readProc(pid: number, file: string): string {
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
