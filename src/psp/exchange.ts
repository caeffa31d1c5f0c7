/**
 * One HTTP exchange with the PSP, and what it proves about whether the PSP got the request. It never throws and never
 * tries twice: whether to ask again is not decided here.
 */
import type { IncomingMessage } from 'node:http';
import { retryAfter } from '../net/retryAfter.ts';
import { chunksOf, keptConnections, neverLeft, send } from '../net/send.ts';

export type Exchange =
  /** The PSP answered; `body` is undefined where it is not JSON. */
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | null; readonly body: unknown }
  /** No connection came about, so not a byte of the request has left. */
  | { readonly kind: 'not_sent'; readonly reason: string }
  /** Sent, perhaps: the connection broke, or the time ran out. */
  | { readonly kind: 'lost'; readonly reason: string };

export const isSuccess = (status: number): boolean => status >= 200 && status <= 299;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON, as it goes over the wire. */
  readonly body?: string;
}

export interface Line {
  ask(question: Question, signal: AbortSignal): Promise<Exchange>;
  close(): Promise<void>;
}

/** As many requests as one worker has under way; more wait for a connection, inside their own timeout. */
const MAX_CONNECTIONS = 50;
/** A PSP that does not even shake hands in this time will not: the rest of the timeout is better spent waiting for an answer. */
const CONNECT_WITHIN_MS = 5000;
/** Below the 5 s after which common servers close an idle connection: a request sent into a closing one has an unknown outcome. */
const KEEP_ALIVE_MS = 4000;
/** The PSP's answers are under 2 KiB. More is not the PSP, and is not read into memory. */
const ANSWER_LIMIT_BYTES = 256 * 1024;
/** A PSP that asks us to wait longer than a day means something else. */
const RETRY_AFTER_MAX_MS = 86_400_000;

/** Opens a pool of connections to one PSP. */
export function openLine(options: { baseUrl: string; apiKey: string; timeoutMs: number }): Line {
  const { apiKey, timeoutMs } = options;
  const base = options.baseUrl.replace(/\/+$/, '');
  const agent = keptConnections(new URL(base), { maxConnections: MAX_CONNECTIONS, idleMs: KEEP_ALIVE_MS });
  const connectMs = Math.min(timeoutMs, CONNECT_WITHIN_MS);
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json', 'content-type': 'application/json' };
  const underWay = new Set<Promise<Exchange>>();

  async function exchange({ method, path, body }: Question, given: AbortSignal): Promise<Exchange> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const signal = AbortSignal.any([given, timeout]);
      const response = await send({ url: new URL(base + path), method, headers, body, agent, connectMs, signal });
      const text = await textOf(response);
      return {
        kind: 'answered',
        status: response.statusCode ?? 0,
        retryAfterMs: believable(retryAfter(response.headers['retry-after'])),
        body: parsed(text),
      };
    } catch (error) {
      const reason = timeout.aborted ? 'timeout' : given.aborted ? 'aborted' : reasonOf(error);
      return neverLeft(error) ? { kind: 'not_sent', reason } : { kind: 'lost', reason };
    }
  }

  return {
    ask(question, signal) {
      const asked = exchange(question, signal).finally(() => underWay.delete(asked));
      underWay.add(asked);
      return asked;
    },
    async close() {
      await Promise.all(underWay);
      agent.destroy();
    },
  };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(response)) {
    bytes += chunk.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw Object.assign(new Error('too large'), { code: 'ANSWER_TOO_LARGE' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A code, never a message: messages name hosts. */
function reasonOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' && /^[A-Z0-9_]{1,50}$/.test(code) ? code : 'network error';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A slip in a header must not stop a payout for longer than a day. */
const believable = (ms: number | null): number | null => (ms === null || ms > RETRY_AFTER_MAX_MS ? null : ms);
