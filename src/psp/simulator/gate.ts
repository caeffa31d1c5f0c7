/**
 * What every request to a simulated PSP goes through: it is taped, shows its key, meets its faults; and after the book
 * has it, the faults that spoil the answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from './database.ts';
import { takeRequestFaults } from './faultStore.ts';
import { faultsIn, type Struck, type Target, UNSTRUCK } from './faults.ts';
import { Refusal } from './refusal.ts';
import { closeEntry, openEntry } from './tape.ts';

export interface GateOptions {
  readonly pool: Pool;
  /** What a customer shows as `Authorization: Bearer`. */
  readonly apiKey: string;
  /** The beginning of the API's paths, which the tape leaves out. */
  readonly prefix: string;
  /** What the faults are matched against: the body as it came, or the transfer that is looked up. */
  readonly targetOf: (request: FastifyRequest) => Promise<Target>;
}

export interface Gate {
  /** Whether to enter the transfer wrong: see `Opening`. */
  amountFault(request: FastifyRequest): string | null | undefined;
  /** To be asked before a new transfer is answered. True: the client gets no answer. @throws Refusal */
  isSpoilt(request: FastifyRequest, reply: FastifyReply, answers: boolean): Promise<boolean>;
}

interface Visit {
  readonly tapeId: string;
  readonly struck: Struck;
  /** No answer is given: nothing is noted when the connection ends. */
  silent: boolean;
}

export function addGate(app: FastifyInstance, { pool, apiKey, prefix, targetOf }: GateOptions): Gate {
  const visits = new WeakMap<FastifyRequest, Visit>();
  const isKey = keyCheck(apiKey);
  const struckBy = (request: FastifyRequest) => visits.get(request)?.struck ?? UNSTRUCK;

  const note = async (visit: Visit, status: number | null) => {
    const faults = faultsIn(visit.struck).map(({ kind }) => kind);
    await closeEntry(pool, visit.tapeId, { fault: faults.length > 0 ? faults.join('+') : null, status });
  };

  /** Leaves the client without an answer: the connection hangs, or is cut. */
  const silence = async (request: FastifyRequest, reply: FastifyReply, end: 'hang' | 'cut') => {
    reply.hijack();
    const visit = visits.get(request);
    if (visit) {
      visit.silent = true;
      await note(visit, null);
    }
    if (end === 'cut') request.raw.socket.destroy();
    return true;
  };

  app.addHook('preHandler', async (request, reply) => {
    const target = await targetOf(request);
    const path = (request.url.split('?')[0] ?? '').slice(prefix.length);
    const { tapeId, anyFault } = await openEntry(pool, { method: request.method, path, reference: target.reference });
    const hasKey = isKey(request.headers.authorization);
    const struck = hasKey && anyFault ? await takeRequestFaults(pool, target) : UNSTRUCK;
    visits.set(request, { tapeId, struck, silent: false });
    if (!hasKey) throw new Refusal(401, 'unauthorized', 'Authorization: Bearer <api key> is missing or wrong');

    for (const delay of struck.delays) await wait(delay.params.ms);
    switch (struck.door?.kind) {
      case 'down':
        await silence(request, reply, 'cut');
        return reply;
      case 'no_answer':
        await silence(request, reply, 'hang');
        return reply;
      case 'error_before':
        throw new Refusal(struck.door.params.status, 'internal_error', 'something went wrong');
      case 'rate_limit':
        void reply.header('retry-after', String(struck.door.params.seconds));
        throw new Refusal(429, 'rate_limited', 'too many requests');
    }
  });

  app.addHook('onResponse', async (request, reply) => {
    const visit = visits.get(request);
    if (visit && !visit.silent) await note(visit, reply.statusCode);
  });

  return {
    amountFault(request) {
      const { book } = struckBy(request);
      return book ? (book.params.amount ?? null) : undefined;
    },
    async isSpoilt(request, reply, answers) {
      if (!answers) return await silence(request, reply, 'hang');
      const { pauses, answer } = struckBy(request);
      for (const pause of pauses) await wait(pause.params.ms);
      switch (answer?.kind) {
        case 'cut_after':
          return await silence(request, reply, 'cut');
        case 'no_answer':
          return await silence(request, reply, 'hang');
        case 'error_after':
          throw new Refusal(answer.params.status, 'internal_error', 'something went wrong');
        default:
          return false;
      }
    },
  };
}

/** What a client sent under this name, if it is something that can be looked for. */
export function textIn(body: unknown, ...path: readonly string[]): string | null {
  const value = path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as never)[name] : undefined),
    body,
  );
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' ? text.slice(0, 200).replaceAll('\0', '') : null;
}

/** Compares digests, so neither the length nor a common beginning of the key can be measured. */
function keyCheck(apiKey: string): (authorization: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`Bearer ${apiKey}`);
  return (authorization) => authorization !== undefined && timingSafeEqual(digest(authorization), wanted);
}
