/** A request under an idempotency key is done once; its repeats get the first answer, byte for byte. */
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { decryptSecret, encryptSecret } from '../../crypto/secretBox.ts';
import type { PayoutRecord } from '../../payouts/rules/contract.ts';
import { normalize } from '../../rules/text.ts';
import { ownerOf } from '../caller.ts';
import type { ApiContext } from '../context.ts';
import { isInvalidRequest, PROBLEM_TYPE, Problem, problemBody } from '../problem.ts';
import {
  claimKey,
  forget,
  giveUp,
  type KeyState,
  type KeyUse,
  keepPending,
  lookAtKey,
  type StoredAnswer,
  storeAnswer,
} from './idempotencyStore.ts';

/** A twin waits for the first's answer: longer than the 6.5 s that the first gives Temporal, so that both answer alike. */
const WAIT_MS = 8_000;
const POLL_FIRST_MS = 20;
const POLL_MAX_MS = 250;

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** No worker has taken it up yet: answered 202 and not stored, so that a repeat asks again. */
export interface Pending {
  readonly pending: PayoutRecord;
}

export interface Work {
  /** The id this key is bound to from its first call on. */
  allot(): string;
  /** Of a route with several paths the one that counts: a repeat may come by another. */
  readonly path?: string;
  /**
   * What tells this request from another under the same key, where the body is no JSON that has come in whole: of a
   * stream that is refused by its rows' own external ids a constant will do, of others the digest that its client sent.
   */
  readonly fingerprint?: string;
  /** The answer holds a key, a secret or an account number, which nobody may find in the database: it is stored encrypted. */
  readonly isSecret?: boolean;
  /**
   * The answer opens what the key that asked may open, and ends with it: another key of the same owner, which may less, or will
   * be revoked apart, gets none of it by sending the same again.
   */
  readonly isKeysOwn?: boolean;
  /**
   * Does the work, and judges the request: what is judged before `once` would refuse the repeat of what was answered,
   * because a fee, a limit or a directory has changed since. Everything in it may have been done before under the same
   * `resourceId` (`isRepeat`), in whole or in part. A Problem of 4xx thrown in it is an answer too, and stored, but for a
   * request that is not well-formed: that, and whatever else is thrown, lets the key go.
   */
  execute(resourceId: string, isRepeat: boolean): Promise<Answer | Pending>;
  /** What a 202 shows. Only for work that answers Pending. */
  presentPending?(record: PayoutRecord): Answer;
}

declare module 'fastify' {
  interface FastifyRequest {
    idempotencyKey: string | undefined;
  }
}

/** As `preParsing` of a merchant's scope: POST, PUT and PATCH need a key. After auth, before the body is read. */
export async function requireIdempotencyKey(request: FastifyRequest): Promise<void> {
  if (['POST', 'PUT', 'PATCH'].includes(request.method)) request.idempotencyKey = keyIn(request);
}

function keyIn({ headers }: FastifyRequest): string {
  const own = headers['x-idempotency-key'];
  const standard = headers['idempotency-key'];
  const given = [own, typeof standard === 'string' ? unquoted(standard) : standard].filter((each) => each !== undefined);
  const [key] = given;
  if (key === undefined) {
    throw new Problem(
      400,
      'idempotency_key_missing',
      'Send a key of your own as X-IDEMPOTENCY-KEY: the same for every repeat of this request.',
    );
  }
  if (given.some((each) => each !== key)) {
    throw new Problem(400, 'idempotency_key_conflict', 'X-IDEMPOTENCY-KEY and Idempotency-Key differ: send one of them.');
  }
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem(400, 'idempotency_key_invalid', 'An idempotency key has 1 to 255 visible ASCII characters.');
  }
  return key;
}

/** The standard's draft writes the value as a quoted string; most clients leave the quotes out. */
const unquoted = (value: string): string => /^"(.*)"$/.exec(value)?.[1] ?? value;

/** The same as `once` for routes whose callers may send a key but need not. Without one, each request is its own. */
export async function onceIfKeyed(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  work: Work,
): Promise<FastifyReply> {
  if (isKeyed(request)) {
    request.idempotencyKey = keyIn(request);
    return await once(context, request, reply, work);
  }
  const answer = await work.execute(work.allot(), false);
  if (!('pending' in answer)) return send(reply, written(answer));
  return send(reply, written(work.presentPending?.(answer.pending) ?? { status: 202, body: {} }));
}

/**
 * The same for what may be answered 202 and be looked at before any worker has taken it up: a request without a key
 * gets one of its own, under which its record is kept.
 */
export async function onceOrUnderOwnKey(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  work: Work,
): Promise<FastifyReply> {
  request.idempotencyKey = isKeyed(request) ? keyIn(request) : `own:${randomUUID()}`;
  return await once(context, request, reply, work);
}

const isKeyed = ({ headers }: FastifyRequest): boolean =>
  headers['x-idempotency-key'] !== undefined || headers['idempotency-key'] !== undefined;

/** Runs a request once under its key, and answers. The last thing a handler does. */
export async function once(context: ApiContext, request: FastifyRequest, reply: FastifyReply, work: Work): Promise<FastifyReply> {
  const { pool } = context;
  const use = keyUse(request, work);
  const state = await claim(pool, use, work);
  switch (state.kind) {
    case 'claimed':
      break;
    case 'answered':
      return send(reply.header('idempotent-replayed', 'true'), opened(context, state.answer));
    case 'reused':
      throw new Problem(
        422,
        'idempotency_key_reused',
        'This key was used for another request: its body, its route, or the API key that asks for a secret differs.',
      );
    case 'open':
      if (state.pending && !state.isLeased && work.presentPending)
        return send(reply, written(work.presentPending(state.pending)));
      throw new Problem(409, 'idempotency_key_in_flight', 'The first request with this key is still running.', {
        headers: { 'retry-after': '1' },
      });
  }
  const { lease } = state;
  try {
    const answer = await answerOf(work, lease.resourceId, lease.isRepeat, request);
    if ('pending' in answer) {
      const record = await keepPending(pool, use, lease, answer.pending);
      return send(reply, written(work.presentPending?.(record) ?? { status: 202, body: {} }));
    }
    const kept = work.isSecret ? sealed(context, answer) : answer;
    const stored = await storeAnswer(pool, use, lease, kept);
    return send(stored === kept ? reply : reply.header('idempotent-replayed', 'true'), opened(context, stored));
  } catch (error) {
    const letGo = isInvalidRequest(error) && !lease.isRepeat ? forget : giveUp;
    // Should this fail too, the lease runs out by itself.
    await letGo(pool, use, lease).catch((cause: unknown) => request.log.warn({ err: cause }, 'an idempotency key stays leased'));
    throw error;
  }
}

function keyUse(request: FastifyRequest, { path, fingerprint: own, isKeysOwn }: Work): KeyUse {
  const keyspace = keyspaceOf(request);
  const { idempotencyKey: key, method, url, body } = request;
  if (key === undefined) throw new Error(`${request.routeOptions.url} is not behind requireIdempotencyKey`);
  const route = `${method} ${path ?? url.split('?', 1)[0]}`;
  if (own === undefined && body instanceof Readable) throw new Error(`${request.routeOptions.url} must bring a fingerprint`);
  const content = own === undefined ? canonical(body) : `own\n${own}`;
  const asker = isKeysOwn ? `by ${request.caller?.keyId}\n` : '';
  const fingerprint = createHash('sha256').update(route).update('\n').update(asker).update(content).digest('hex');
  return { ...keyspace, key, route, fingerprint };
}

/** Keys are everybody's own, a merchant's, a provider's and a user's apart for test and live. */
function keyspaceOf(request: FastifyRequest): Pick<KeyUse, 'owner' | 'mode'> {
  const { caller, page } = request;
  if (!caller) throw new Error(`${request.routeOptions.url} is open to everybody: nobody's are its keys`);
  // A user's browser makes up keys of its own: they meet no other user's, and none of the merchant's.
  const owner = page ? { kind: 'user' as const, id: page.userId } : ownerOf(caller);
  return { owner, mode: caller.kind === 'admin' ? 'none' : caller.mode };
}

/** Text that is in NFC, and in JSON as it is: nearly all of a body of a megabyte, which everybody else waits for. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** One spelling of a JSON value: keys sorted, text in NFC. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? `"${value}"` : JSON.stringify(normalize(value));
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const parts = entries.map(([key, each]) => `${canonical(key)}:${canonical(each)}`);
  return `{${parts.sort().join(',')}}`;
}

/** The key for us, or what the twin before us came to. */
async function claim(pool: ApiContext['pool'], use: KeyUse, work: Work): Promise<KeyState> {
  const deadline = performance.now() + WAIT_MS;
  let state = await claimKey(pool, use, work.allot);
  for (
    let pollMs = POLL_FIRST_MS;
    state.kind === 'open' && performance.now() < deadline;
    pollMs = Math.min(pollMs * 1.5, POLL_MAX_MS)
  ) {
    await sleep(pollMs);
    state = await lookAtKey(pool, use);
    if (state.kind !== 'open' || state.isLeased) continue;
    // Answered with 202 while we waited: our answer too. Else the first gave up, and it is our turn.
    if (state.pending) return state;
    state = await claimKey(pool, use, work.allot);
  }
  return state;
}

async function answerOf(
  work: Work,
  resourceId: string,
  isRepeat: boolean,
  request: FastifyRequest,
): Promise<StoredAnswer | Pending> {
  try {
    const answer = await work.execute(resourceId, isRepeat);
    return 'pending' in answer ? answer : written(answer);
  } catch (error) {
    if (!(error instanceof Problem) || !isFinalAnswer(error)) throw error;
    const headers = { ...error.headers, 'content-type': PROBLEM_TYPE };
    return { status: error.status, headers, body: JSON.stringify(problemBody(error, request)) };
  }
}

/**
 * What a repeat would meet again. 401, 403 and 429 are about the caller, 408 about the line, 5xx about us: the next time
 * may differ.
 */
const isFinalAnswer = (problem: Problem): boolean =>
  problem.status >= 400 && problem.status < 500 && ![401, 403, 408, 429].includes(problem.status) && !isInvalidRequest(problem);

const written = ({ status, headers = {}, body }: Answer): StoredAnswer => ({
  status,
  headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
});

const sealed = ({ keys }: ApiContext, answer: StoredAnswer): StoredAnswer => ({
  ...answer,
  body: encryptSecret(keys, answer.body),
});

/** JSON never begins with the mark of a stored secret. */
const opened = ({ keys }: ApiContext, answer: StoredAnswer): StoredAnswer =>
  answer.body.startsWith('v1:') ? { ...answer, body: decryptSecret(keys, answer.body) } : answer;

const send = (reply: FastifyReply, { status, headers, body }: StoredAnswer): FastifyReply =>
  reply
    .code(status)
    .headers({ ...headers })
    .send(body);
