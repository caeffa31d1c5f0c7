/**
 * The cluster of `npm run cluster -- --test` (cluster/endToEnd.ts) as an installation: the tests use one API after the
 * other. It was started by somebody else, who also brings back whoever is killed, and ends it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Reply, replyTo, requestOf } from './call.ts';
import { killByName, killEach, processesOf } from './installationProcesses.ts';
import type { Credentials, Installation } from './ownInstallation.ts';

/** What cluster/endToEnd.ts puts into the environment. */
interface Place {
  readonly home: string;
  readonly urls: readonly string[];
}

/** Everything killed at once: two servers that recover their shards on a busy machine. */
const WELL_WITHIN_MS = 180_000;
/** Several times the ten seconds after which a dead server's work has gone over to the other one. */
const PATIENCE_MS = 60_000;

export function clusterInstallation(place: string): Installation {
  const { home, urls } = JSON.parse(place) as Place;
  const credentials = JSON.parse(readFileSync(join(home, 'credentials.json'), 'utf8')) as Credentials;
  const isHalfDead = () => existsSync(join(home, 'half-dead'));
  let calls = 0;

  async function untilWell(): Promise<void> {
    const deadline = performance.now() + WELL_WITHIN_MS;
    for (const url of urls) {
      while ((await fetch(`${url}/health`).catch(() => undefined))?.status !== 200) {
        if (performance.now() > deadline) throw new Error(`${url} is not well`);
        await sleep(100);
      }
    }
  }

  return {
    home,
    credentials,
    urls,
    output: () => '',
    start: untilWell,
    async call<T>(method: string, path: string, options = {}) {
      const request = requestOf(method, { key: credentials.merchants[0]?.testKey ?? '', ...options });
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        calls += 1;
        const url = `${urls[calls % urls.length]}${path}`;
        const mayRepeat = () => isHalfDead() && performance.now() < deadline;
        try {
          const reply = await replyTo<T>(url, request);
          if (!isNotNow(method, path, reply) || !mayRepeat()) return reply;
        } catch (error) {
          if (!mayRepeat()) throw error;
        }
        await sleep(200);
      }
    },
    killAll: () => killEach(processesOf(home)),
    kill: (name) => killByName(processesOf(home), name),
    stop: async () => 0,
    remove: async () => undefined,
  };
}

/** What a client asks again, under its key, at another API (docs/cluster.md). */
function isNotNow(method: string, path: string, { status, body }: Reply<unknown>): boolean {
  if (status === 503) return true;
  if (status === 409) return (body as { code?: string } | undefined)?.code === 'idempotency_key_in_flight';
  return status === 202 && method === 'POST' && path === '/api/v1/payouts';
}
