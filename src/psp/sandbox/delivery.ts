/** Sends the stored callbacks until each was answered 2xx. */
import { Agent, request } from 'undici';
import type { Pool } from './database.ts';
import { signature } from './wire.ts';

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
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A customer that was away for a day finds out by look-up. */
const GIVE_UP_AFTER = '24 hours';

/** 0.5 s, 1 s, 2 s … 30 s. */
export function waitAfter(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 10));
}

export interface Delivery {
  /** Takes the due callbacks in hand; returns before they are sent. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export function createDelivery(options: {
  pool: Pool;
  callbackUrl: string;
  webhookSecret: string;
  onError: (error: unknown) => void;
}): Delivery {
  const { pool, callbackUrl, webhookSecret, onError } = options;
  const agent = new Agent({ connections: MAX_IN_FLIGHT });
  const closing = new AbortController();
  const inFlight = new Set<Promise<void>>();

  async function send(callback: Due): Promise<string> {
    // A forger signs too, only not with this secret.
    const secret = callback.forged ? `not ${webhookSecret}` : webhookSecret;
    try {
      const { statusCode, body } = await request(callbackUrl, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', 'x-signature': signature(callback.body, secret) },
        body: callback.body,
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      await body.dump();
      return String(statusCode);
    } catch (error) {
      return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'no answer';
    }
  }

  async function deliver(callback: Due): Promise<void> {
    const result = await send(callback);
    // A forger does not insist.
    const isDone = callback.forged || /^2\d\d$/.test(result);
    await pool.query({
      name: 'note_delivery',
      text: `UPDATE sandbox.callbacks SET last_result = $2, due_at = clock_timestamp() + $3 * interval '1 ms',
          done_at = CASE WHEN $4 OR created_at < now() - $5::interval THEN now() END
        WHERE id = $1`,
      values: [callback.id, result, waitAfter(callback.tries), isDone, GIVE_UP_AFTER],
    });
  }

  return {
    async start() {
      const free = MAX_IN_FLIGHT - inFlight.size;
      if (free === 0) return;
      const { rows } = await pool.query<Due>({
        name: 'claim_callbacks',
        text: `UPDATE sandbox.callbacks SET tries = tries + 1, due_at = clock_timestamp() + $2 * interval '1 ms'
          WHERE id IN (SELECT id FROM sandbox.callbacks WHERE done_at IS NULL AND due_at <= clock_timestamp()
                       ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
          RETURNING id::text, body, forged, tries`,
        values: [free, CLAIM_MS],
      });
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
