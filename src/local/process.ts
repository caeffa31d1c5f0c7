/** Processes by number and start time: a number alone is given again. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessMark {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
}

export interface SeenProcess {
  /** Equal for the same process however often it is asked; its form is the system's. */
  readonly startedAt: string;
  /** Its words separated by spaces; empty for a zombie. */
  readonly command: string;
  readonly isZombie: boolean;
}

/** What the system says of a process; undefined if there is none with this number. */
export function lookAt(pid: number): SeenProcess | undefined {
  return existsSync('/proc/self/stat') ? fromProc(pid) : fromPs(pid);
}

export const markOf = (name: string, pid: number): ProcessMark => ({ name, pid, startedAt: lookAt(pid)?.startedAt ?? '' });

export function isAlive({ pid, startedAt }: ProcessMark): boolean {
  const seen = lookAt(pid);
  return seen !== undefined && !seen.isZombie && seen.startedAt === startedAt;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended meanwhile
  }
}

/** proc(5): the state is field 3 and the start time field 22; the name before them may hold spaces and parentheses. */
function fromProc(pid: number): SeenProcess | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    return { startedAt: fields[19] ?? '', command, isZombie: ['Z', 'X'].includes(fields[0] ?? '') };
  } catch {
    return undefined;
  }
}

/** Where there is no /proc (macOS). */
function fromPs(pid: number): SeenProcess | undefined {
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'lstart=,stat=,command='], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [, startedAt, state, command] = /^\s*(\w+ \w+ +\d+ [\d:]+ \d+)\s+(\S+)\s+(.*)$/m.exec(stdout ?? '') ?? [];
  if (!startedAt || !state) return undefined;
  return { startedAt, command: command ?? '', isZombie: state.startsWith('Z') };
}
