/** Bringing a notification to a browser: encrypted for it alone (RFC 8291), in our name (VAPID, RFC 8292), by its push service. */
import webPush from 'web-push';
import type { PushKeys, VapidKeys } from '../crypto/pushKeys.ts';
import { postWebhook, type SendResult } from '../net/guardedFetch.ts';
import type { Mode } from '../payouts/rules/contract.ts';

export interface Push {
  /** The notification's, the same on every try. */
  readonly id: string;
  /** The push service's address of this browser: from outside, so it is guarded like a webhook's. */
  readonly endpoint: string;
  readonly keys: PushKeys;
  readonly title: string;
  readonly body: string;
  /** For the page behind it; null: it is about no payout. */
  readonly payoutId: string | null;
  readonly mode: Mode;
}

/** `gone`: this browser has unsubscribed. `refused`: no later try could change it. */
export type PushResult =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'failed'; readonly error: string; readonly retryAfterMs: number | null }
  | { readonly outcome: 'refused' | 'gone'; readonly error: string };

export interface PushSettings {
  /** Undefined: this installation sends no pushes. */
  readonly vapid: VapidKeys | undefined;
  /** For one try, all in all. */
  readonly timeoutMs: number;
  /** Pushes about test payouts may go to loopback and over plain http; about live ones never. */
  readonly allowLoopbackTest: boolean;
}

export interface Pusher {
  /** Once. Whatever the push service does is a result. @throws only when `signal` ends the try. */
  send(push: Push, signal: AbortSignal): Promise<PushResult>;
}

/** A browser that is off for longer learns it from the mail. */
const KEPT_SECONDS = 24 * 3_600;

/** The push service knows no such subscription any more (RFC 8030, 7.3). */
const GONE = new Set([404, 410]);

export function createPusher({ vapid, timeoutMs, allowLoopbackTest }: PushSettings): Pusher {
  return {
    async send({ id, endpoint, keys, title, body, payoutId, mode }, signal) {
      if (!vapid) return { outcome: 'failed', error: 'VAPID_PUBLIC_KEY is not set', retryAfterMs: null };
      // The id is a browser's `tag` and the service's topic: one that comes a second time takes the place of the first.
      const payload = JSON.stringify({ id, title, body, payoutId });
      const request = webPush.generateRequestDetails({ endpoint, keys }, payload, {
        vapidDetails: vapid,
        TTL: KEPT_SECONDS,
        topic: id.slice('ntf_'.length),
      });
      // Not by the library's own request: ours goes to public addresses only, and follows no redirects.
      const result = await postWebhook({
        url: endpoint,
        headers: textOf(request.headers),
        body: request.body,
        timeoutMs,
        allowLoopback: allowLoopbackTest && mode === 'test',
        signal,
      });
      return resultOf(result);
    },
  };
}

const textOf = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

function resultOf(result: SendResult): PushResult {
  switch (result.outcome) {
    case 'delivered':
      return { outcome: 'sent' };
    case 'refused':
      return { outcome: 'refused', error: result.error };
    case 'failed': {
      const { statusCode, retryAfterMs } = result;
      if (statusCode === null) return { outcome: 'failed', error: result.error, retryAfterMs };
      const error = `${statusCode} ${result.excerpt}`.trim();
      return GONE.has(statusCode) ? { outcome: 'gone', error } : { outcome: 'failed', error, retryAfterMs };
    }
  }
}
