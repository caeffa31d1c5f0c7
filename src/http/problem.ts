/** Every answer that is not a success, as RFC 9457 problem details. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

export interface FieldError {
  /** Where in the request: a JSON pointer into the body, or `/name` of a query parameter. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** What was recorded, where that is why the request is refused: an extension member of RFC 9457. */
  readonly recorded?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below a route; the error handler sends it. `code` is what a client may branch on. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly recorded: Readonly<Record<string, string>> | undefined;

  constructor(status: number, code: string, detail: string, { errors, headers = {}, recorded }: ProblemOptions = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
    this.recorded = recorded;
  }
}

/** The same for an id that nobody has and one that somebody else has. */
export const notFound = (): Problem => new Problem(404, 'not_found', 'There is nothing here under this address for this key.');

/** @throws Problem 404 where there is none. */
export function mustFind<Found>(found: Found | undefined): Found {
  if (found === undefined) throw notFound();
  return found;
}

const INVALID_REQUEST = 'invalid_request';

/** A client reads the first few; a body of a megabyte can hold a hundred thousand, and what is no invalid request is stored. */
const ERRORS_MAX = 50;

/** Something wrong in the request; nothing was done. */
export const invalidRequest = (errors: readonly FieldError[]): Problem =>
  new Problem(400, INVALID_REQUEST, summary(errors), { errors: errors.slice(0, ERRORS_MAX) });

/** Nothing is kept of such a request, not even under its idempotency key. */
export const isInvalidRequest = (error: unknown): boolean => error instanceof Problem && error.code === INVALID_REQUEST;

/** A rule that a well-formed request breaks. `code` is that of its first fault. */
export const brokenRule = (errors: readonly FieldError[]): Problem =>
  new Problem(422, errors[0]?.code ?? 'rule_broken', summary(errors), { errors: errors.slice(0, ERRORS_MAX) });

/** Another of the caller's has this reference: a repeat of the same request would have had the same key. */
export const duplicateReference = (detail: string): Problem =>
  new Problem(409, 'duplicate_reference', detail, { errors: [{ pointer: '/reference', code: 'duplicate_reference', detail }] });

/** PostgreSQL or Temporal is away. What was asked may have been done: the same key asks again safely. */
export const unavailable = (what: string): Problem =>
  new Problem(503, 'service_unavailable', `${what} does not answer at the moment. Ask again with the same idempotency key.`, {
    headers: { 'retry-after': String(RETRY_AFTER_S) },
  });

/** A pause holds over what would be begun. No 5xx is kept under a key: the same one begins it when the pause has ended. */
export const paused = (): Problem =>
  new Problem(503, 'paused', 'Nothing new is begun here until a pause ends. Ask again later with the same idempotency key.', {
    headers: { 'retry-after': String(PAUSED_RETRY_AFTER_S) },
  });

/** Pauses last minutes at least. */
const PAUSED_RETRY_AFTER_S = 60;

/** A restart of PostgreSQL or Temporal takes a few seconds: sooner is in vain, much later is time lost. */
const RETRY_AFTER_S = 2;

/** A read that PostgreSQL gave up: asked again as it is, it would most likely take as long again. */
export const queryTooSlow = (): Problem =>
  new Problem(
    503,
    'query_too_slow',
    'The database could not finish this query in time. Ask for less: a shorter time range, more filters, a smaller limit. Where there is nothing to narrow, ask again later.',
    { headers: { 'retry-after': String(SLOW_RETRY_AFTER_S) } },
  );

/** Longer than the statement's own limit of 8 s: who asks again all the same keeps a connection busy for less than half the time. */
const SLOW_RETRY_AFTER_S = 10;

function summary(errors: readonly FieldError[]): string {
  const [first] = errors;
  if (!first) return 'The request is not valid.';
  const where = first.pointer === '' ? '' : `${first.pointer}: `;
  if (errors.length === 1) return where + first.detail;
  return `${where}${first.detail} (${errors.length} faults in all, see ${errors.length > ERRORS_MAX ? 'the first in ' : ''}errors)`;
}

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
    recorded: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details. `code` is stable; `errors` points into the request.' });

export type ProblemBody = z.infer<typeof problemSchema>;

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The body as it goes out. `instance` is the path without its query, which may hold a merchant's own words. */
export function problemBody(
  { status, code, message, errors, recorded }: Problem,
  request: Pick<FastifyRequest, 'id' | 'url'>,
): ProblemBody {
  return {
    type: `urn:oncepay:problem:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    instance: request.url.split('?', 1)[0] ?? '',
    code,
    requestId: request.id,
    ...(errors === undefined ? {} : { errors: [...errors] }),
    ...(recorded === undefined ? {} : { recorded: { ...recorded } }),
  };
}

const titleOf = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ');
