/** The second merchant's webhook endpoints (subjects.ts pays for it), and the wait until nothing is left to deliver. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Installation } from '../harness/installation.ts';

/** For all of its payouts' events. @returns takes it away again. */
export async function addEndpoint({ call, credentials }: Installation, url: string): Promise<() => Promise<void>> {
  const key = credentials.merchants[1]?.testKey ?? '';
  const made = await call<{ id: string }>('POST', '/api/v1/webhook-endpoints', { key, body: { url } });
  if (made.status !== 201) throw new Error(`no endpoint: ${made.text}`);
  return async () => {
    const removed = await call('DELETE', `/api/v1/webhook-endpoints/${made.body.id}`, { key });
    if (removed.status !== 204) throw new Error(`not removed: ${removed.text}`);
  };
}

/** Less often it would be measured late; more often the question itself would be. */
const LOOK_MS = 100;

/** @returns how many deliveries still wait: none, unless it takes longer. */
export async function untilDelivered(databaseUrl: string, withinMs: number): Promise<number> {
  const books = new pg.Client({ connectionString: databaseUrl });
  await books.connect();
  try {
    for (const deadline = performance.now() + withinMs; ; await sleep(LOOK_MS)) {
      const { rows } = await books.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM webhook_deliveries WHERE state = 'pending'`,
      );
      const waiting = rows[0]?.n ?? 0;
      if (waiting === 0 || performance.now() > deadline) return waiting;
    }
  } finally {
    await books.end();
  }
}
