/** One HTTP request to an API, as a client makes it. */
export interface Reply<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: T;
}

export interface CallOptions {
  readonly key?: string;
  /** Sent as JSON; a text or bytes as they are. */
  readonly body?: unknown;
  /** The idempotency key; by default a new one for each call. */
  readonly idempotencyKey?: string | null;
  readonly headers?: Record<string, string>;
}

let serial = 0;

/** Everything that two calls of the same request must have in common is settled here. */
export function requestOf(
  method: string,
  { key = '', body, idempotencyKey, headers = {} }: CallOptions,
): { method: string; headers: Record<string, string>; body?: string | Buffer } {
  serial += 1;
  const idempotency = idempotencyKey === undefined ? `${process.pid}-${serial}` : idempotencyKey;
  return {
    method,
    headers: {
      ...(key === '' ? {} : { 'x-api-key': key }),
      ...(method === 'GET' || idempotency === null ? {} : { 'x-idempotency-key': idempotency }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
  };
}

export async function replyTo<T>(url: string, request: RequestInit): Promise<Reply<T>> {
  const answer = await fetch(url, request);
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : undefined) as T };
}
