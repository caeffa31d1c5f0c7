/**
 * The relay: brings what stands in rows to those who wait for it. Loops side by side, each with its own rows, so that none
 * waits for another. Any number of relays may run: what one has in its hands, its leases keep from the others.
 */
import type { Logger } from 'pino';
import { hearWakes } from '../db/wake.ts';
import { type Bell, keepTurning, type Work } from './loop.ts';

export interface Relay {
  /** Until it is stopped: then what is in the air gets a moment, and what is known is written down. */
  run(stopped: AbortSignal, onTurn: () => void): Promise<void>;
}

/** A loop, and the bell that wakes it. */
export interface Part {
  readonly work: Work;
  readonly bell: Bell;
}

/** @param parts made anew for each run: what a run has in its hands ends with it. */
export function createRelay(databaseUrl: string, parts: () => readonly Part[], log: Logger): Relay {
  return {
    async run(stopped, onTurn) {
      const running = parts();
      const onWake = () => {
        for (const { bell } of running) bell.ring();
      };
      const hearing = hearWakes(databaseUrl, onWake, stopped);
      const ended = await Promise.allSettled(
        running.map(({ work, bell }) => {
          return keepTurning(work, { bell, stopped, onTurn, onError: loud(log, work.name) });
        }),
      );
      await hearing;
      for (const each of ended) {
        if (each.status === 'rejected')
          log.warn({ err: each.reason }, 'the relay could not write down all it knew: it is done again');
      }
    },
  };
}

/** One line in a while: a database that is away fails every turn of every loop. */
const SAY_AGAIN_MS = 30_000;

function loud(log: Logger, loop: string): (error: unknown) => void {
  let sayNextAt = 0;
  return (error) => {
    if (Date.now() < sayNextAt) return;
    sayNextAt = Date.now() + SAY_AGAIN_MS;
    log.warn({ err: error, loop }, 'a turn of the relay failed; trying again');
  };
}
