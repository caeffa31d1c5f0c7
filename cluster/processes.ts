/** The processes of the arrangement: kept alive like those of `npm start`, or told to stay dead. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kept, keepAlive } from '../src/local/child.ts';
import { type Home, rememberChild } from '../src/local/home.ts';
import { openLog } from '../src/local/logFile.ts';

export interface Member {
  readonly name: string;
  /** Where it does not run already. */
  start(): void;
  /** SIGTERM, and SIGKILL if that does not help. */
  stop(): Promise<void>;
  /** SIGKILL. It stays dead until it is started. */
  kill(): Promise<void>;
  /** Until it says that it is well. */
  untilWell(): Promise<void>;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly isWell: () => Promise<boolean>;
}

/** Seconds on an idle machine; members of the ring that were killed are missed for ten. */
const WELL_WITHIN_MS = 180_000;

/** Whoever is killed by others comes back by itself, as under any supervisor. */
export function member(home: Home, name: string, { command, args, env, isWell }: Launch): Member {
  let kept: Kept | undefined;
  return {
    name,
    start() {
      if (kept) return;
      const log = openLog(home.file('logs', `${name}.log`));
      kept = keepAlive({
        name,
        // Detached: Ctrl-C reaches us alone, and we end them in order. By the channel ours see it if we are killed, and end.
        start: (): ChildProcess => spawn(command, args, { env, detached: true, stdio: ['ignore', log, log, 'ipc'] }),
        onStart: (pid) => rememberChild(home, name, pid),
        onEnd: () => undefined, // its log tells
      });
    },
    async stop() {
      await kept?.stop();
      kept = undefined;
    },
    async kill() {
      kept?.kill();
      await kept?.stop(); // returns once it is gone
      kept = undefined;
    },
    async untilWell() {
      const deadline = performance.now() + WELL_WITHIN_MS;
      while (!(await isWell().catch(() => false))) {
        if (performance.now() > deadline) throw new Error(`${name} did not become well`);
        await sleep(200);
      }
    },
  };
}
