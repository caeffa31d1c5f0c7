/** What a tester may ask of a simulator, without a key and from this machine only (api.md §7). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Book } from './book.ts';
import { CALLBACK_AFTER_MS } from './callbacks.ts';
import type { Pool } from './database.ts';
import { addFault, clearFaults, listFaults } from './faultStore.ts';
import { FAULT_KINDS, faultRequest, timesOf } from './faults.ts';
import { Refusal, readBy } from './refusal.ts';
import { readTape } from './tape.ts';
import { type Payee, TRANSFER_STATUSES, type TransferStatus, text } from './transfer.ts';

const limit = z.coerce.number<string>().int().min(1).max(1000).default(100);
const transfersQuery = z.strictObject({
  reference: text(100).default(''),
  limit,
  cursor: z
    .string()
    .regex(/^[0-9]{1,18}$/, 'the nextCursor of an earlier answer')
    .optional(),
});
const requestsQuery = z.strictObject({ limit });
const forceRequest = z.strictObject({
  status: z.enum(TRANSFER_STATUSES),
  reason: text(200).min(1).optional(),
});

export interface ControlOptions {
  readonly pool: Pool;
  readonly book: Book<Payee>;
  readonly expect: (inMs: number) => void;
  /** What a bank would give as the reason where the tester gives none. */
  readonly usualReason: Readonly<Partial<Record<TransferStatus, string>>>;
}

export function controlRoutes(app: FastifyInstance, options: ControlOptions): void {
  const { pool, book, expect, usualReason } = options;

  app.addHook('onRequest', async (request) => {
    if (!isLoopback(request)) throw new Refusal(403, 'forbidden', 'control is answered on loopback only');
  });

  app.get('/transfers', async (request) => {
    const { reference, limit, cursor } = readBy(transfersQuery, request.query);
    const { data, total, next } = await book.entries({ prefix: reference, limit, before: cursor ?? null });
    return { data, total, nextCursor: next };
  });

  app.post<{ Params: { reference: string } }>('/transfers/:reference', async (request) => {
    const { status, reason } = readBy(forceRequest, request.body);
    const transfer = await book.force(request.params.reference, {
      status,
      reason: reason ?? usualReason[status] ?? null,
      later: [],
    });
    if (!transfer) throw new Refusal(404, 'not_found', 'no such transfer');
    expect(CALLBACK_AFTER_MS);
    return transfer;
  });

  app.post('/faults', async (request, reply) => {
    const { kind, match, times, params } = readBy(faultRequest, request.body);
    const understood = readBy(FAULT_KINDS[kind].params, params, 'params');
    return reply
      .code(201)
      .send(await addFault(pool, { kind, match, params: understood, times: times ?? timesOf(kind, understood) }));
  });

  app.get('/faults', async () => ({ data: await listFaults(pool) }));

  app.delete('/faults', async () => ({ deleted: await clearFaults(pool) }));

  app.get('/requests', async (request) => ({ data: await readTape(pool, readBy(requestsQuery, request.query).limit) }));
}

/** The address of the connection itself; a forwarding header proves nothing. */
function isLoopback(request: FastifyRequest): boolean {
  const address = request.raw.socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
