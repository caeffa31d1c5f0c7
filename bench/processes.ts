/** What the processes of an installation use, from /proc: Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const PROCESSES = ['api', 'worker', 'sandbox', 'flutterwave', 'temporal', 'postgres'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** USER_HZ of Linux on every common machine: the unit of /proc/<pid>/stat. */
const TICK_MS = 10;

/** CPU time used since each was started, in ms. PostgreSQL with all its processes, those that have ended too. */
export function cpuMs(home: string): Record<ProcessName, number> {
  return forEach((name) => {
    const pid = pidOf(home, name);
    const own = ticks(pid, name === 'postgres');
    const children = name === 'postgres' ? childrenOf(pid).reduce((sum, child) => sum + ticks(child, false), 0) : 0;
    return (own + children) * TICK_MS;
  });
}

/** Of a second of a worker's: it looks after this and that (some 80 ms on our machine), and does no more. */
const IDLE_MS = 250;
/** A workflow for each of ten thousand slices begins in five minutes on two cores. */
const IDLE_WITHIN_S = 1_200;

/** Until the worker has done what was begun: three seconds in a row without work. */
export async function untilIdle(home: string): Promise<void> {
  for (let [left, idle, before] = [IDLE_WITHIN_S, 0, cpuMs(home).worker]; idle < 3; left -= 1) {
    if (left === 0) throw new Error(`the worker has not come to rest in ${IDLE_WITHIN_S} s`);
    await sleep(1_000);
    const used = cpuMs(home).worker;
    idle = used - before < IDLE_MS ? idle + 1 : 0;
    before = used;
  }
}

/** The same of one process, whoever started it. */
export const cpuMsOf = (pid: number): number => ticks(pid, false) * TICK_MS;

/** Resident memory in MB; what PostgreSQL's processes share is counted once. */
export function residentMb(home: string): Record<ProcessName, number> {
  return forEach((name) => {
    const pid = pidOf(home, name);
    const pids = name === 'postgres' ? [pid, ...childrenOf(pid)] : [pid];
    return pids.reduce((sum, each) => sum + kbIn(each, 'smaps_rollup', 'Pss'), 0) / 1_024;
  });
}

/** Of one process, whoever started it, with all that it shares: comparable from moment to moment, whoever else comes and goes. */
export const residentMbOf = (pid: number): number => kbIn(pid, 'status', 'VmRSS') / 1_024;

const forEach = (of: (name: ProcessName) => number): Record<ProcessName, number> =>
  Object.fromEntries(PROCESSES.map((name) => [name, of(name)])) as Record<ProcessName, number>;

function pidOf(home: string, name: ProcessName): number {
  return (JSON.parse(readFileSync(join(home, 'logs', `${name}.pid`), 'utf8')) as { pid: number }).pid;
}

/** The fields of stat after the command, which may contain anything, as proc(5) counts them from 3. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // it has ended meanwhile
  }
}

function ticks(pid: number, withEndedChildren: boolean): number {
  const stat = statOf(pid);
  const field = (number: number) => Number.parseInt(stat[number - 3] ?? '0', 10);
  return field(14) + field(15) + (withEndedChildren ? field(16) + field(17) : 0);
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter((each) => statOf(each)[1] === String(pid));
}

function kbIn(pid: number, file: 'smaps_rollup' | 'status', field: string): number {
  try {
    const [, value = '0'] = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? [];
    return Number.parseInt(value, 10);
  } catch {
    return 0; // it has ended meanwhile
  }
}
