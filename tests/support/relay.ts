/** A relay that turns by itself beside an engine, as one would whose workflow keeps it. */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { createRelayBooks } from '../../src/relay/books.ts';
import { createBell, keepTurning } from '../../src/relay/loop.ts';
import { createSender } from '../../src/relay/sender.ts';
import { createWebhooks, LEASE_MS } from '../../src/relay/webhooks.ts';
import { keys } from './encryption.ts';

const SEND_MS = 2_000;

/** @returns what ends it. */
export function startRelay(pool: Pool): () => Promise<void> {
  const stopping = new AbortController();
  const bell = createBell();
  const work = createWebhooks({
    books: createRelayBooks(pool, randomUUID(), LEASE_MS),
    send: createSender({ keys, timeoutMs: SEND_MS, allowLoopbackTest: true }),
    sendMs: SEND_MS,
    bell,
    onTried: () => undefined,
    onOurTrouble: () => undefined,
  });
  const turning = { bell, stopped: stopping.signal, onTurn: () => undefined, onError: () => undefined };
  const ended = keepTurning(work, turning);
  return async () => {
    stopping.abort();
    await ended;
  };
}
