/** A client that does what api.md §1 says: repeats a request under its key until it has an answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation, Reply } from '../harness/installation.ts';

export interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly key: string;
  readonly body: unknown;
  readonly idempotencyKey: string;
}

export interface Insisting {
  /** Every answer with a status below 300. */
  readonly onAnswer?: (reply: Reply) => void;
  /** Nobody waits for it any more. */
  readonly isOver: () => boolean;
}

/** Whoever waits decides by what moves; this only ends a wait that nobody watches. */
const AT_MOST_MS = 1_800_000;

/** Taken in, and not done yet: the answer is still to come. */
const NOT_YET = 202;

/** @throws where it is refused, or over. */
export async function insist(here: Installation, asked: Asked, { onAnswer, isOver }: Insisting): Promise<Reply> {
  const { method = 'POST', path, idempotencyKey, key, body } = asked;
  const deadline = performance.now() + AT_MOST_MS;
  for (;;) {
    const reply = await here.call(method, path, { key, body, idempotencyKey }).catch(() => undefined);
    if (reply && reply.status < 300) onAnswer?.(reply);
    if (reply && isDone(reply)) return reply;
    if (reply && isRefusal(reply)) throw new Error(`${path} ${idempotencyKey} was refused: ${reply.status} ${reply.text}`);
    if (isOver() || performance.now() > deadline)
      throw new Error(`${path} ${idempotencyKey} has no answer: ${reply?.status} ${reply?.text}`);
    await sleep(reply?.status === NOT_YET ? 300 : 100);
  }
}

export const isDone = ({ status }: Reply): boolean => status < 300 && status !== NOT_YET;

/** A 4xx that means what it says, not "later". */
export const isRefusal = ({ status, body }: Reply): boolean =>
  status >= 400 && status < 500 && status !== 429 && body['code'] !== 'idempotency_key_in_flight';
