/** The PSP's API: what a customer with a key can ask. Every request is first taped, then meets its faults. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { accept, findById, findByReference } from './book.ts';
import { CALLBACK_AFTER_MS } from './callbacks.ts';
import type { Pool } from './database.ts';
import { takeRequestFaults } from './faultStore.ts';
import { faultsIn, type Struck, type Target, UNSTRUCK } from './faults.ts';
import { Refusal } from './refusal.ts';
import { scriptOf, verdictOn } from './scenarios.ts';
import { closeEntry, openEntry } from './tape.ts';
import { transferRequest, verifyRequest } from './wire.ts';

export interface PspRoutesOptions {
  readonly pool: Pool;
  readonly apiKey: string;
  readonly returnAfterMs: number | undefined;
  /** A change or a callback becomes due in so many milliseconds. */
  readonly expect: (inMs: number) => void;
}

interface Visit {
  readonly tapeId: string;
  readonly anyFault: boolean;
  readonly struck: Struck;
  /** No answer is given: nothing is noted when the connection ends. */
  silent: boolean;
}

export function pspRoutes(app: FastifyInstance, options: PspRoutesOptions): void {
  const { pool, expect } = options;
  const visits = new WeakMap<FastifyRequest, Visit>();
  const isKey = keyCheck(options.apiKey);

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
    return reply;
  };

  app.addHook('preHandler', async (request, reply) => {
    const target = await targetOf(request, pool);
    const path = request.url.split('?')[0] ?? '';
    const { tapeId, anyFault } = await openEntry(pool, { method: request.method, path, reference: target.reference });
    const hasKey = isKey(request.headers.authorization);
    const struck = hasKey && anyFault ? await takeRequestFaults(pool, target) : UNSTRUCK;
    visits.set(request, { tapeId, anyFault, struck, silent: false });
    if (!hasKey) throw new Refusal(401, 'unauthorized', 'Authorization: Bearer <api key> is missing or wrong');

    for (const delay of struck.delays) await wait(delay.params.ms);
    switch (struck.door?.kind) {
      case 'down':
        return silence(request, reply, 'cut');
      case 'no_answer':
        return silence(request, reply, 'hang');
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

  app.post('/transfers', async (request, reply) => {
    const order = read(transferRequest, request.body);
    const { struck, anyFault } = visits.get(request) ?? { struck: UNSTRUCK, anyFault: true };
    const { book, pauses, answer } = struck;
    const script = scriptOf(order.destination.accountNumber, order.reference, options.returnAfterMs);
    const amountFault = book ? (book.params.amount ?? null) : undefined;
    const acceptance = await accept(pool, order, script, { amountFault, anyFault });
    if (acceptance.outcome === 'new') {
      expect(CALLBACK_AFTER_MS);
      if (!script.answers) return silence(request, reply, 'hang');
    }
    for (const pause of pauses) await wait(pause.params.ms);
    switch (answer?.kind) {
      case 'cut_after':
        return silence(request, reply, 'cut');
      case 'no_answer':
        return silence(request, reply, 'hang');
      case 'error_after':
        throw new Refusal(answer.params.status, 'internal_error', 'something went wrong');
    }
    if (acceptance.outcome === 'reused') throw new Refusal(409, 'reference_reused', 'this reference stands for another transfer');
    return reply.code(acceptance.outcome === 'new' ? 201 : 200).send(acceptance.transfer);
  });

  app.get<{ Params: { reference: string } }>('/transfers/by-reference/:reference', async (request) => {
    return (await findByReference(pool, request.params.reference)) ?? noTransfer();
  });

  app.get<{ Params: { id: string } }>('/transfers/:id', async (request) => {
    return (await findById(pool, request.params.id)) ?? noTransfer();
  });

  app.post('/accounts/verify', async (request) => verdictOn(read(verifyRequest, request.body).destination.accountNumber));
}

function noTransfer(): never {
  throw new Refusal(404, 'not_found', 'no such transfer');
}

/** What the faults are matched against: the body as it came, or the transfer that is looked up. */
async function targetOf(request: FastifyRequest, pool: Pool): Promise<Target> {
  const params = request.params as { reference?: string; id?: string };
  if (request.method === 'GET') {
    const { reference, id } = params;
    const found = reference !== undefined ? await findByReference(pool, reference) : await findById(pool, id ?? '');
    return {
      type: 'lookUp',
      reference: found?.reference ?? reference ?? null,
      accountNumber: found?.destination.accountNumber ?? null,
      amount: found?.amount ?? null,
    };
  }
  const body = record(request.body);
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 200).replaceAll('\0', '') : null);
  return {
    type: request.url.startsWith('/transfers') ? 'ask' : 'lookUp',
    reference: text(body['reference']),
    accountNumber: text(record(body['destination'])['accountNumber']),
    amount: text(body['amount']),
  };
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

function read<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw Refusal.ofIssues(result.error.issues);
}

/** Compares digests, so neither the length nor a common beginning of the key can be measured. */
function keyCheck(apiKey: string): (authorization: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`Bearer ${apiKey}`);
  return (authorization) => authorization !== undefined && timingSafeEqual(digest(authorization), wanted);
}
