/**
 * Asking our own API: typed by its document (src/generated/api.d.ts, made by `npm run build`), signed in by the session's cookie
 * and, with every request, by the token that only this page knows. The token lives in memory alone.
 */
import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from '../generated/api.d.ts';

export type Schemas = components['schemas'];

/** What a list can be asked for. An address may hold something else: that the API refuses. */
export type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Asked } } }
  ? NonNullable<Asked>
  : never;

let csrfToken = '';
export const setCsrfToken = (token: string): void => {
  csrfToken = token;
};

/** After this without a key or a pointer, what the page asks is asked by nobody: it keeps no session alive. */
const ATTENDED_MS = 60_000;
let lastTouch = Date.now();
for (const type of ['pointerdown', 'keydown'] as const) {
  addEventListener(type, () => { lastTouch = Date.now(); }, { capture: true, passive: true }); // biome-ignore format: one act
}

/** What every request of this page carries. */
export function ourHeaders(): Record<string, string> {
  const isAttended = Date.now() - lastTouch < ATTENDED_MS;
  return { 'x-csrf-token': csrfToken, ...(isAttended ? {} : { 'x-console-background': 'true' }) };
}

const ours: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(ourHeaders())) request.headers.set(name, value);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' });
api.use(ours);

/** The idempotency key of one act. Whoever may be asked to repeat theirs (the form of a payout) keeps it. */
export const once = () => ({ 'x-idempotency-key': crypto.randomUUID() });

export interface Fault {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** An answer that is no success, or none at all (`status` 0). */
export class Failure extends Error {
  override name = 'Failure';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, detail: string, requestId?: string, faults: readonly Fault[] = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.faults = faults;
  }
}

export interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

const unreachable = (): never => {
  throw new Failure(0, 'unreachable', 'oncepay does not answer. Look at your connection; what you asked may have been done.');
};

/** What it answers. @throws Failure */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked.catch(unreachable);
  if (response.ok) return data as T;
  throw failureOf(response, error);
}

/** What is no JSON (a table, an image): asked like everything else, so that no address holds what opens it. @throws Failure */
export async function file(path: string): Promise<Blob> {
  const response = await fetch(path, { headers: ourHeaders(), credentials: 'same-origin' }).catch(unreachable);
  if (!response.ok) throw failureOf(response, await response.json().catch(() => undefined));
  return await response.blob().catch(unreachable);
}

export function failureOf(response: Response, problem: unknown): Failure {
  const { code = 'unknown', detail, requestId, errors } = (problem ?? {}) as Partial<Schemas['Problem']>;
  const id = requestId ?? response.headers.get('x-request-id') ?? undefined;
  return new Failure(response.status, code, detail ?? `The answer was ${response.status}.`, id, errors);
}
