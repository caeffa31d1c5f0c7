/** Sends the stored callbacks until each was taken, or for as long as the PSP tries. */
import { Agent, request } from 'undici';
import type { Pool } from './database.ts';

/** How one PSP calls back. */
export interface DeliveryRules {
  /** What proves that it is the PSP; a forger proves something else. */
  proof(body: string, forged: boolean): Readonly<Record<string, string>>;
  /** Does this answer mean that the customer has it? */
  isTaken(status: number): boolean;
  /** How long to wait after so many tries; null: not again. */
  waitAfter(tries: number): number | null;
}

interface Due {
  readonly id: string;
  readonly body: string;
  readonly forged: boolean;
  readonly tries: number;
}

/** A receiver stores a callback and answers; one that needs longer is in trouble, and gets it again. */
const ANSWER_WITHIN_MS = 5000;
/** How long a claimed callback is left to the process that claimed it; longer than ANSWER_WITHIN_MS, so that only a dead one loses it. */
const CLAIM_MS = 8000;
/** At once: enough for hundreds of callbacks a second on one machine, few enough not to drown the receiver. */
const MAX_IN_FLIGHT = 20;
/** A customer that was away for a day finds out by look-up. */
const GIVE_UP_AFTER = '24 hours';

export interface Delivery {
  /** Takes the due callbacks in hand; returns before they are sent. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createDelivery(options: {
  pool: Pool;
  callbackUrl: string;
  rules: DeliveryRules;
  onError: (error: unknown) => void;
}): Delivery {
  const { pool, callbackUrl, rules, onError } = options;
  const agent = new Agent({ connections: MAX_IN_FLIGHT });
  const closing = new AbortController();
  const inFlight = new Set<Promise<void>>();

  async function send(callback: Due): Promise<{ result: string; isTaken: boolean }> {
    try {
      const { statusCode, body } = await request(callbackUrl, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...rules.proof(callback.body, callback.forged) },
        body: callback.body,
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      await body.dump();
      return { result: String(statusCode), isTaken: rules.isTaken(statusCode) };
    } catch (error) {
      const result = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'no answer';
      return { result, isTaken: false };
    }
  }

  async function deliver(callback: Due): Promise<void> {
    const { result, isTaken } = await send(callback);
    const waitMs = rules.waitAfter(callback.tries);
    // A forger does not insist.
    const isDone = callback.forged || isTaken || waitMs === null;
    await pool.query(
      `UPDATE callbacks SET last_result = $2, due_at = clock_timestamp() + $3 * interval '1 ms',
         done_at = CASE WHEN $4 OR created_at < now() - $5::interval THEN now() END
       WHERE id = $1`,
      [callback.id, result, waitMs ?? 0, isDone, GIVE_UP_AFTER],
    );
  }

  return {
    async start() {
      const free = MAX_IN_FLIGHT - inFlight.size;
      if (free === 0) return;
      const { rows } = await pool.query<Due>(
        `UPDATE callbacks SET tries = tries + 1, due_at = clock_timestamp() + $2 * interval '1 ms'
         WHERE id IN (SELECT id FROM callbacks WHERE done_at IS NULL AND due_at <= clock_timestamp()
                      ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING id::text, body, forged, tries`,
        [free, CLAIM_MS],
      );
      for (const callback of rows) {
        const delivery = deliver(callback).catch(onError);
        inFlight.add(delivery);
        void delivery.then(() => inFlight.delete(delivery));
      }
    },
    async close() {
      closing.abort();
      await Promise.all(inFlight);
      await agent.close();
    },
  };
}
