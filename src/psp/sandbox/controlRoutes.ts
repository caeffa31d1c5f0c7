/** What a tester may ask of the sandbox, without a key and from this machine only (api.md §7). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { force, listTransfers } from './book.ts';
import { CALLBACK_AFTER_MS } from './callbacks.ts';
import type { Pool } from './database.ts';
import { addFault, clearFaults, listFaults } from './faultStore.ts';
import { FAULT_KINDS, faultRequest } from './faults.ts';
import { Refusal } from './refusal.ts';
import { readTape } from './tape.ts';
import { TRANSFER_STATUSES, type TransferStatus, text } from './wire.ts';

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
  reason: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,49}$/, 'a snake_case word')
    .optional(),
});

/** The word that a bank would give where the tester gives none. */
const USUAL_REASON: Readonly<Partial<Record<TransferStatus, string>>> = {
  held: 'compliance_check',
  failed: 'declined_by_bank',
  returned: 'returned_by_bank',
};

export function controlRoutes(app: FastifyInstance, options: { pool: Pool; expect: (inMs: number) => void }): void {
  const { pool, expect } = options;

  app.addHook('onRequest', async (request) => {
    if (!isLoopback(request)) throw new Refusal(403, 'forbidden', 'control is answered on loopback only');
  });

  app.get('/transfers', async (request) => {
    const { reference, limit, cursor } = read(transfersQuery, request.query);
    const { data, total, next } = await listTransfers(pool, { prefix: reference, limit, before: cursor ?? null });
    return { data, total, nextCursor: next };
  });

  app.post<{ Params: { reference: string } }>('/transfers/:reference', async (request) => {
    const { status, reason } = read(forceRequest, request.body);
    const transfer = await force(pool, request.params.reference, status, reason ?? USUAL_REASON[status] ?? null);
    if (!transfer) throw new Refusal(404, 'not_found', 'no such transfer');
    expect(CALLBACK_AFTER_MS);
    return transfer;
  });

  app.post('/faults', async (request, reply) => {
    const { kind, match, times, params } = read(faultRequest, request.body);
    const understood = read(FAULT_KINDS[kind].params, params, 'params');
    return reply.code(201).send(await addFault(pool, { kind, match, params: understood, times: times ?? null }));
  });

  app.get('/faults', async () => ({ data: await listFaults(pool) }));

  app.delete('/faults', async () => ({ deleted: await clearFaults(pool) }));

  app.get('/requests', async (request) => ({ data: await readTape(pool, read(requestsQuery, request.query).limit) }));
}

/** The address of the connection itself; a forwarding header proves nothing. */
function isLoopback(request: FastifyRequest): boolean {
  const address = request.raw.socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

function read<T extends z.ZodType>(schema: T, value: unknown, ...under: string[]): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw Refusal.ofIssues(result.error.issues.map(({ path, message }) => ({ path: [...under, ...path], message })));
}
