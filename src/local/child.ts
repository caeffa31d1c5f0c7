/** A process that is kept alive: when it ends without being asked to, it is started again, a little later each time. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Kept {
  readonly name: string;
  /** Asks it to end, and insists after the deadline. */
  stop(): Promise<void>;
  /** Ends it at once, and for good. */
  kill(): void;
}

export interface Keeping {
  readonly name: string;
  start(): ChildProcess;
  /** Called with each new process. */
  onStart(pid: number): void;
  /** Called when one has ended; nobody killed it if it ended by itself, and then it has said why. */
  onEnd(sentence: string, byItself: boolean): void;
}

const RESTART_FIRST_MS = 250; // at once, but not in a busy loop
const RESTART_MAX_MS = 10_000; // what keeps failing waits for a person
const STABLE_AFTER_MS = 30_000; // alive that long, the next end counts as the first
const STOP_WITHIN_MS = 15_000; // above the worker's grace for activities in flight

export function keepAlive(keeping: Keeping): Kept {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let waitMs = RESTART_FIRST_MS;

  const running = (async () => {
    while (!stopping.signal.aborted) {
      const startedAt = performance.now();
      child = keeping.start();
      const ended = new Promise<{ how: string; byItself: boolean }>((resolve) => {
        child?.once('exit', (code, signal) => resolve({ how: signal ?? `code ${code}`, byItself: signal === null }));
        child?.once('error', ({ message }) => resolve({ how: message, byItself: false }));
      });
      if (child.pid !== undefined) keeping.onStart(child.pid);
      const { how, byItself } = await ended;
      if (stopping.signal.aborted) return;
      if (performance.now() - startedAt > STABLE_AFTER_MS) waitMs = RESTART_FIRST_MS;
      keeping.onEnd(`${keeping.name} ended (${how}); starting it again`, byItself);
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, RESTART_MAX_MS);
    }
  })();

  return {
    name: keeping.name,
    async stop() {
      stopping.abort();
      child?.kill('SIGTERM');
      const insist = setTimeout(() => child?.kill('SIGKILL'), STOP_WITHIN_MS);
      await running;
      clearTimeout(insist);
    },
    kill() {
      stopping.abort();
      child?.kill('SIGKILL');
    },
  };
}
