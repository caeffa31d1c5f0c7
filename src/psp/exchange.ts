/**
 * One HTTP exchange with the PSP, and what it proves about whether the PSP got the request. It never throws and never
 * tries twice: whether to ask again is not decided here.
 */
import { Agent, request } from 'undici';

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
/** undici's own timeouts start anew with every phase; the limit is the signal over the whole exchange, and they come after it. */
const BACKSTOP_MS = 1000;
/** A PSP that asks us to wait longer than a day means something else. */
const RETRY_AFTER_MAX_MS = 86_400_000;

/** Opens a pool of connections to one PSP. */
export function openLine(options: { baseUrl: string; apiKey: string; timeoutMs: number }): Line {
  const { baseUrl, apiKey, timeoutMs } = options;
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    // One request a connection at a time: a cut connection then leaves exactly one outcome unknown.
    pipelining: 1,
    connect: { timeout: Math.min(timeoutMs, CONNECT_WITHIN_MS) },
    headersTimeout: timeoutMs + BACKSTOP_MS,
    bodyTimeout: timeoutMs + BACKSTOP_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxResponseSize: ANSWER_LIMIT_BYTES,
  });
  const base = baseUrl.replace(/\/+$/, '');

  async function ask(question: Question, signal: AbortSignal): Promise<Exchange> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(base + question.path, {
        method: question.method,
        dispatcher: agent,
        headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json', 'content-type': 'application/json' },
        body: question.body ?? null,
        signal: AbortSignal.any([signal, timeout]),
      });
      const text = await response.body.text();
      return {
        kind: 'answered',
        status: response.statusCode,
        retryAfterMs: retryAfter(response.headers['retry-after']),
        body: parsed(text),
      };
    } catch (error) {
      const reason = timeout.aborted ? 'timeout' : signal.aborted ? 'aborted' : reasonOf(error);
      return neverLeft(error) ? { kind: 'not_sent', reason } : { kind: 'lost', reason };
    }
  }

  return { ask, close: () => agent.close() };
}

/**
 * True only where the connection was never made: name resolution, `connect()` and the handshake's timeout. The system
 * call tells, not the code: ECONNRESET or EHOSTUNREACH can also hit a connection that carried the request.
 */
function neverLeft(error: unknown): boolean {
  const { code, syscall, errors } = parts(error);
  // Node tries every address of a host name, and reports each.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(neverLeft);
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

/** A code, never a message: messages name hosts. */
function reasonOf(error: unknown): string {
  const { code } = parts(error);
  return typeof code === 'string' && /^[A-Z0-9_]{1,50}$/.test(code) ? code : 'network error';
}

/** By shape, not by class: errors of Node's core need not be instances of this realm's Error. */
function parts(error: unknown): { code?: unknown; syscall?: unknown; errors?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date. */
function retryAfter(header: string | string[] | undefined): number | null {
  if (typeof header !== 'string') return null;
  const ms = /^\d{1,9}$/.test(header) ? Number.parseInt(header, 10) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) || ms < 0 || ms > RETRY_AFTER_MAX_MS ? null : ms;
}
