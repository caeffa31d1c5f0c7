/**
 * What every request to a simulated PSP goes through: it is taped, shows its key, meets its faults; and after the book
 * has it, the faults that spoil the answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Book } from './book.ts';
import type { Pool } from './database.ts';
import { takeRequestFaults } from './faultStore.ts';
import { type FaultOf, faultsIn, type Struck, type Target, UNSTRUCK, wordOf } from './faults.ts';
import { withNul } from './nulText.ts';
import { Refusal } from './refusal.ts';
import { closeEntry, openEntry } from './tape.ts';
import { type Payee, paidTwiceOver, type Script, type Transfer } from './transfer.ts';

export interface GateOptions {
  readonly pool: Pool;
  readonly book: Pick<Book<Payee>, 'ageMs'>;
  /** What a customer shows as `Authorization: Bearer`. */
  readonly apiKey: string;
  /** The beginning of the API's paths, which the tape leaves out. */
  readonly prefix: string;
  /** What the faults are matched against: the body as it came, or the transfer that is looked up. */
  readonly targetOf: (request: FastifyRequest) => Promise<Target>;
  /** How it refuses what it cannot use, though it could before. */
  readonly refusesResendWith: string;
  /** Why a bank would send money back. */
  readonly returnReason: string;
}

export interface Gate {
  /** Whether to enter the transfer wrong: see `Opening`. */
  amountFault(request: FastifyRequest): string | null | undefined;
  /** What is to become of a new transfer. */
  fate(request: FastifyRequest, script: Script): Script;
  /** A transfer as this look-up is told of it; undefined: it finds none. */
  told<P extends Payee>(request: FastifyRequest, transfer: Transfer<P>): Transfer<P> | undefined;
  /** To be asked before a new transfer is answered. True: the client gets no answer. @throws Refusal */
  isSpoilt(request: FastifyRequest, reply: FastifyReply, answers: boolean): Promise<boolean>;
}

interface Visit {
  readonly tapeId: string;
  readonly struck: Struck;
  /** No answer is given: nothing is noted when the connection ends. */
  silent: boolean;
}

/** Whoever looks them up in RFC 9110 finds that a client takes them whenever they come. */
const INTERIM = {
  100: 'HTTP/1.1 100 Continue\r\n\r\n',
  103: 'HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preload\r\n\r\n',
} as const;

export function addGate(app: FastifyInstance, options: GateOptions): Gate {
  const { pool, book, apiKey, prefix, targetOf, refusesResendWith, returnReason } = options;
  const visits = new WeakMap<FastifyRequest, Visit>();
  const isKey = keyCheck(apiKey);
  const struckBy = (request: FastifyRequest) => visits.get(request)?.struck ?? UNSTRUCK;

  const struckOf = async (target: Target) =>
    await takeRequestFaults(pool, { ...target, ageMs: target.reference === null ? null : await book.ageMs(target.reference) });

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
    const struck = hasKey && anyFault ? await struckOf(target) : UNSTRUCK;
    visits.set(request, { tapeId, struck, silent: false });
    if (!hasKey) throw new Refusal(401, 'unauthorized', 'Authorization: Bearer <api key> is missing or wrong');

    for (const delay of struck.delays) await wait(delay.params.ms);
    for (const status of struck.interim?.params.statuses ?? []) request.raw.socket.write(INTERIM[status]);
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
      case 'refuse_resend':
        throw new Refusal(400, 'invalid_request', struck.door.params.message ?? refusesResendWith);
    }
  });

  app.addHook('preSerialization', async (request, _reply, payload) => (struckBy(request).text ? withNul(payload) : payload));

  app.addHook('onResponse', async (request, reply) => {
    const visit = visits.get(request);
    if (visit && !visit.silent) await note(visit, reply.statusCode);
  });

  return {
    amountFault(request) {
      const { amount } = struckBy(request);
      return amount ? (amount.params.amount ?? null) : undefined;
    },
    fate(request, script) {
      const { fate } = struckBy(request);
      return fate ? paidTwiceOver(script, returnReason, fate.params.ms) : script;
    },
    told(request, transfer) {
      const { lookUp } = struckBy(request);
      if (lookUp?.kind === 'lagging_look_up') return undefined;
      return lookUp ? contradicted(transfer, lookUp) : transfer;
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

const contradicted = <P extends Payee>(transfer: Transfer<P>, lie: FaultOf<'contradicts'>): Transfer<P> => ({
  ...transfer,
  status: wordOf(lie),
  reason: lie.params.reason ?? null,
});

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
