/**
 * Telling other processes that something may be due, and hearing it. A hint: whoever hears none looks by itself within a
 * second. On connections of their own: a NOTIFY in a transaction that moves money would make it take a lock of the whole
 * server at its end, and a transaction of its own costs the money nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createPool } from './pool.ts';

/** Events were written, and with them what the relay sends. */
const CHANNEL = 'oncepay_events';

/** What is written within it is one hint: a busy process gives forty a second at most. */
const COALESCE_MS = 25;

const CONNECT_AGAIN_MS = 1_000;

export interface Waker {
  /** Soon after. May be called as often as one likes. */
  wake(): void;
  end(): Promise<void>;
}

export function createWaker(databaseUrl: string): Waker {
  const pool = createPool({ url: databaseUrl, max: 1, applicationName: 'oncepay wake' });
  let timer: NodeJS.Timeout | undefined;
  return {
    wake() {
      timer ??= setTimeout(() => {
        timer = undefined;
        pool.query(`NOTIFY ${CHANNEL}`).catch(() => undefined); // they look by themselves
      }, COALESCE_MS);
    },
    async end() {
      clearTimeout(timer);
      await pool.end();
    },
  };
}

/** Calls back for each hint until it is stopped, and connects again when the connection is lost. */
export async function hearWakes(databaseUrl: string, onWake: () => void, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    await listenOnce(databaseUrl, onWake, stopped).catch(() => undefined);
    await sleep(CONNECT_AGAIN_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
}

/** Until the connection is lost or we are stopped. */
async function listenOnce(databaseUrl: string, onWake: () => void, stopped: AbortSignal): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'oncepay wakes',
    connectionTimeoutMillis: 5_000, // as the pools'
    keepAlive: true,
  });
  try {
    const lost = new Promise<void>((resolve) => {
      client.on('error', () => resolve());
      client.on('end', () => resolve());
      stopped.addEventListener('abort', () => resolve(), { once: true });
    });
    await client.connect();
    client.on('notification', onWake);
    await client.query(`LISTEN ${CHANNEL}`);
    onWake(); // what was told while nobody listened
    await lost;
  } finally {
    await client.end().catch(() => undefined);
  }
}
