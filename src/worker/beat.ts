/** A worker says every two seconds that it runs; `GET /health` of the API reads it. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';

const BEAT_MS = 2_000;

const BEAT = `
  INSERT INTO worker_beats (id, stuck) VALUES ($1, $2)
  ON CONFLICT (id) DO UPDATE SET seen_at = now(), stuck = excluded.stuck`;

export interface Beat {
  /** Says good-bye: the row goes. */
  stop(): Promise<void>;
}

export interface Pulse {
  /** A worker that does not poll has nothing to say. */
  readonly isRunning: () => boolean;
  /** It polls, and gets nowhere. */
  readonly isStuck: () => boolean;
}

/** @param pulse asked before each beat. */
export function startBeat(pool: Pool, log: Logger, { isRunning, isStuck }: Pulse): Beat {
  const id = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const stopping = new AbortController();
  let isAway = false;
  const beating = (async () => {
    while (!stopping.signal.aborted) {
      await beat();
      await sleep(BEAT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();

  async function beat(): Promise<void> {
    if (!isRunning()) return;
    try {
      await pool.query(BEAT, [id, isStuck()]);
      if (isAway) log.info('the database is back');
      isAway = false;
    } catch (error) {
      // Not worth ending for: activities try again, and so do we.
      if (!isAway) log.warn({ err: error }, 'the database does not answer');
      isAway = true;
    }
  }

  return {
    async stop() {
      stopping.abort();
      await beating;
      await pool.query('DELETE FROM worker_beats WHERE id = $1', [id]).catch(() => undefined);
    },
  };
}
