/** Real SIGKILLs, and SIGSTOPs, to the processes of one installation. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from '../harness/installation.ts';
import { isAlive, killEach, readProc } from '../harness/installationProcesses.ts';
import { untilOrStill } from './patience.ts';
import type { PspName } from './psp.ts';

export const VICTIMS = ['worker', 'api', 'postgres', 'temporal', 'all'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A start says what it waits for; one that says nothing for as long hangs. */
const SILENT_MS = 300_000;

/** `up` gives up after three minutes on a machine that lets it do nothing. Whoever runs it then starts it again. */
const STARTS_AT_MOST = 5;

/** The PSPs too, though they are not ours. */
export type Mortal = Victim | PspName;

/** Kills it and returns once it is gone: whatever it had said to anybody by then, it says no more. */
export async function kill(here: Installation, victim: Mortal): Promise<void> {
  if (victim === 'all') return await here.killAll();
  await killEach(pidsOf(here, victim));
}

/** After a kill: the supervisor brings a child back by itself, and nobody but us brings back the supervisor. */
export async function untilBack(here: Installation, victim: Mortal): Promise<void> {
  if (victim === 'all') return await startAgain(here);
  const isBack = async () => pidsOf(here, victim).every(isAlive) && (await isHealthy(here));
  const moves = () => saidBy(here);
  if (!(await untilOrStill(isBack, { moves, stillMs: SILENT_MS }))) throw new Error(`${victim} does not come back`);
}

async function startAgain(here: Installation): Promise<void> {
  for (let starts = 1; ; starts += 1) {
    try {
      return await here.start();
    } catch (error) {
      if (starts === STARTS_AT_MOST) throw error;
      await here.killAll();
    }
  }
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

async function isHealthy({ urls }: Installation): Promise<boolean> {
  const answers = await Promise.all(urls.map((url) => fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) })));
  return answers.every(({ status }) => status === 200);
}

/** Bytes in the logs. */
function saidBy({ home }: Installation): number {
  const folder = join(home, 'logs');
  return readdirSync(folder).reduce(
    (bytes, file) => bytes + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
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
    .filter((name) => /^\d+$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter((pid) => readProc(pid, 'stat').split(') ').at(-1)?.split(' ')[1] === String(parent));
}
