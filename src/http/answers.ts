/** What a route can answer, for the OpenAPI document. */
import { z } from 'zod';
import { problemSchema } from './problem.ts';

const PROBLEMS = {
  400: 'The request is not valid: `errors` points at what is wrong',
  401: 'No valid key',
  403: 'The key may not do this',
  404: 'Nothing here for this key',
  408: 'The request took too long to come in',
  409: 'Not in this state, or the first request with this idempotency key is still running',
  410: 'It was here, and is deleted',
  413: 'The body is over what this route takes: 1 MiB unless it says otherwise',
  415: 'The body is of a type that this route does not take',
  422: 'A rule is broken, or the idempotency key was used for another request',
  426: 'This path speaks WebSocket only',
  429: 'Too many requests, too many that wait (`too_many_waiters`) or listen (`too_many_streams`), or the same is being done already (`recovery_in_progress`): see Retry-After',
  500: 'Our fault; logged under the request id',
  503: 'PostgreSQL or Temporal is away, or where screenshots are kept, or more is asked of one market, game or user than is done in time: see Retry-After, then ask again with the same key. A read that took PostgreSQL too long (`query_too_slow`): ask for less',
} as const;

export type ProblemStatus = keyof typeof PROBLEMS;

const problem = (status: ProblemStatus) => ({
  description: PROBLEMS[status],
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** Any route behind a key may answer these. */
const ALWAYS = [400, 401, 403, 429, 500, 503] as const;
/** Any route with a body besides. */
const WITH_BODY = [408, 409, 413, 415, 422] as const;

type Answers = Readonly<Record<number, z.ZodType>>;

/** For the document only: presenters have their own types, so a handler's result is not compared with its schema (a test does). */
type Documented = Readonly<Record<number, z.ZodType<unknown>>>;

const withProblems = (answers: Answers, statuses: readonly ProblemStatus[]): Documented => ({
  ...answers,
  ...(Object.fromEntries(statuses.map((status) => [status, problem(status)])) as object),
});

/** `response` of a GET behind a key: its own answers, and the problems that may come instead. */
export const readAnswers = (answers: Answers, ...more: ProblemStatus[]) => withProblems(answers, [...ALWAYS, ...more]);

/** `response` of a POST, PUT, PATCH behind a key. */
export const writeAnswers = (answers: Answers, ...more: ProblemStatus[]) =>
  withProblems(answers, [...ALWAYS, ...WITH_BODY, ...more]);

/** `response` of a route that needs no key. */
export const openAnswers = (answers: Answers, ...more: ProblemStatus[]) => withProblems(answers, [...more, 429, 500]);

/** `security` of a route behind a key: either header will do. */
export const KEY_NEEDED = [{ apiKey: [] }, { bearer: [] }];

/** The headers of a route under an idempotency key, for the document; `requireIdempotencyKey` reads them. */
export const idempotencyHeaders = z.object({
  'x-idempotency-key': z.string().meta({
    description: 'Yours, the same for every repeat of this request. `Idempotency-Key` is taken too.',
    minLength: 1,
    maxLength: 255,
  }),
});
