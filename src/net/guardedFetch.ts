/** One POST to a customer's URL, which may be slow, dead, hostile or a way back into our own network. */
import type { LookupFunction } from 'node:net';
import {
  type Address,
  type AddressRules,
  mayConnect,
  parseWebhookUrl,
  resolvePublic,
  type UrlFault,
  type UrlFaultCode,
  withLimit,
} from './address.ts';
import { readExcerpt } from './excerpt.ts';
import { retryAfter } from './retryAfter.ts';
import { send } from './send.ts';

/** DNS and then TCP with TLS, each: a host that is up answers either within one. What a firewall swallows stops here. */
const CONNECT_MS = 5_000;

/** Beyond the longest wait between two tries it says nothing more. */
const RETRY_AFTER_MAX_MS = 48 * 3_600_000;

export interface WebhookPost extends AddressRules {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** For everything together, from DNS to the last byte. */
  readonly timeoutMs: number;
  /** Ends the try without a result: we stop, the receiver did nothing wrong. */
  readonly signal?: AbortSignal;
}

export type SendError =
  | 'dns_error'
  | 'connect_refused'
  | 'unreachable'
  | 'tls_error'
  | 'connection_lost'
  | 'invalid_response'
  | 'timeout'
  | 'send_error';

export type SendResult =
  /** The receiver said 2xx. */
  | { readonly outcome: 'delivered'; readonly statusCode: number; readonly excerpt: string; readonly durationMs: number }
  /** We do not send there, today or tomorrow. */
  | { readonly outcome: 'refused'; readonly error: UrlFaultCode; readonly durationMs: number }
  /** It said something else: a redirect too, which we do not follow. */
  | {
      readonly outcome: 'failed';
      readonly statusCode: number;
      readonly error: null;
      readonly excerpt: string;
      readonly retryAfterMs: number | null;
      readonly durationMs: number;
    }
  /** It said nothing. The request may have arrived all the same. */
  | {
      readonly outcome: 'failed';
      readonly statusCode: null;
      readonly error: SendError;
      readonly retryAfterMs: null;
      readonly durationMs: number;
    };

/**
 * Sends it once. Whatever the receiver does is a result.
 * @throws only when `signal` ends the try.
 */
export async function postWebhook(post: WebhookPost): Promise<SendResult> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  const parsed = parseWebhookUrl(post.url, post);
  if (!parsed.ok) return { outcome: 'refused', error: parsed.fault.code, durationMs: durationMs() };
  try {
    const { statusCode, headers, excerpt } = await exchange(parsed.url, post);
    if (statusCode >= 200 && statusCode < 300) return { outcome: 'delivered', statusCode, excerpt, durationMs: durationMs() };
    return {
      outcome: 'failed',
      statusCode,
      error: null,
      excerpt,
      retryAfterMs: atMost(retryAfter(headers['retry-after'])),
      durationMs: durationMs(),
    };
  } catch (error) {
    if (post.signal?.aborted) throw error;
    if (error instanceof Refused) return { outcome: 'refused', error: error.fault.code, durationMs: durationMs() };
    return { outcome: 'failed', statusCode: null, error: errorCode(error), retryAfterMs: null, durationMs: durationMs() };
  }
}

/**
 * A connection of its own for each try: a kept one may die just as we use it again, and would be checked only once. It
 * is opened only to addresses that were checked. A `lookup` hook alone would not do: it is never asked for literals.
 * Here literals are checked too, and what the name resolved to is what the socket gets, so that a second answer of DNS
 * cannot slip in between.
 */
async function exchange(url: URL, { headers, body, timeoutMs, signal: stopped, ...rules }: WebhookPost) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new TimedOut()), timeoutMs);
  const signal = stopped ? AbortSignal.any([stopped, limit.signal]) : limit.signal;
  try {
    signal.throwIfAborted();
    const resolved = await unlessAborted(withLimit(resolvePublic(url.hostname, rules), CONNECT_MS), signal);
    if (!resolved.ok) throw new Refused(resolved.fault);
    const response = await send({
      url,
      method: 'POST',
      headers,
      body,
      connectMs: CONNECT_MS,
      signal,
      lookup: answerWith(resolved.addresses),
      refuse: (address) => (mayConnect(address, rules) ? undefined : new Refused(ELSEWHERE)),
    });
    return { statusCode: response.statusCode ?? 0, headers: response.headers, excerpt: await readExcerpt(response) };
  } catch (error) {
    // Node says only that it was aborted.
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** A DNS question cannot be taken back; nobody waits for its answer any more. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A resolver that knows one answer. Node asks for all addresses where it may try them in turn. */
function answerWith(addresses: readonly [Address, ...Address[]]): LookupFunction {
  const [first] = addresses;
  return (_host, options, callback) =>
    options.all ? callback(null, [...addresses]) : callback(null, first.address, first.family);
}

const ELSEWHERE: UrlFault = { code: 'blocked_address', detail: 'connected elsewhere' };

class Refused extends Error {
  readonly fault: UrlFault;
  constructor(fault: UrlFault) {
    super(fault.detail);
    this.fault = fault;
  }
}

class TimedOut extends Error {
  readonly code = 'ETIMEDOUT';
}

/** Nothing to wait for is nothing said. */
const atMost = (ms: number | null): number | null => (ms === null || ms === 0 ? null : Math.min(ms, RETRY_AFTER_MAX_MS));

const ERRORS: readonly (readonly [RegExp, SendError])[] = [
  [/^ETIMEDOUT$/, 'timeout'],
  [/^(ENOTFOUND|EAI_[A-Z]+|ENODATA)$/, 'dns_error'],
  [/^ECONNREFUSED$/, 'connect_refused'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES)$/, 'unreachable'],
  [/^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/, 'tls_error'],
  [/^(ECONNRESET|EPIPE)$/, 'connection_lost'],
  [/^(HPE_|UNASKED_UPGRADE$)/, 'invalid_response'],
];

function errorCode(error: unknown): SendError {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  const text = String(code ?? name);
  return ERRORS.find(([pattern]) => pattern.test(text))?.[1] ?? 'send_error';
}
