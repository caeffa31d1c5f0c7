/** One send of one event to one receiver: in the words of the API, signed, as it is now. */
import { decryptSecret, type KeyRing } from '../crypto/secretBox.ts';
import { presentEvent } from '../events/presentEvent.ts';
import { postWebhook, type SendResult } from '../net/guardedFetch.ts';
import { signedHeaders } from '../webhooks/sign.ts';
import type { ToSend } from './books.ts';

export interface SenderSettings {
  readonly keys: KeyRing;
  /** For one try, all in all; below a lease's length (webhooks.ts). */
  readonly timeoutMs: number;
  /** Test keys' webhooks may go to loopback and over plain http; a live key's never. */
  readonly allowLoopbackTest: boolean;
}

/** @throws where `signal` ends it, and for what is our own trouble, such as a secret under a lost key. */
export type Send = (delivery: ToSend, signal: AbortSignal) => Promise<SendResult>;

export function createSender({ keys, timeoutMs, allowLoopbackTest }: SenderSettings): Send {
  return async ({ event, receiverId, url, secret, previousSecret }, signal) => {
    const body = JSON.stringify(presentEvent(event, receiverId.startsWith('cb_') ? 'callback' : 'merchant')); // every receiver is one's
    const current = decryptSecret(keys, secret);
    const previous = previousSecret === null ? null : decryptSecret(keys, previousSecret);
    const signed = signedHeaders({ id: event.id, sentAt: new Date(), body }, { current, previous });
    return await postWebhook({
      url,
      headers: { 'content-type': 'application/json', 'user-agent': 'oncepay-webhooks', ...signed },
      body,
      timeoutMs,
      allowLoopback: allowLoopbackTest && event.mode === 'test',
      signal,
    });
  };
}
