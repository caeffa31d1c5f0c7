/** What the payee's merchant says of slices: received, or not received. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { plainText } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { brokenRule, notFound } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentBatch } from '../present/instantPayout.ts';
import { batchSchema, confirmationSchema } from '../present/schemas.ts';
import { type OwnBatch, ownBatch } from '../reads.ts';
import { notReceived, received } from './payeeAnswers.ts';

const { read, write } = documented('instant payouts');

const LONGEST = 500;
const confirmBody = z
  .strictObject({ by: word.meta({ description: 'The payee: a user id' }) })
  .meta({ id: 'BatchConfirmationBy' });
export const rejectBody = z.strictObject({ reason: plainText(1, LONGEST) }).meta({ id: 'BatchRejection' });

export function batchRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const writes = merchantAuth(context, 'instant:write'); // also where the flow is switched off: what runs, goes on

  /** @throws Problem 404, the same for an unknown id and another merchant's payee's. */
  async function mustOwn(tenant: Tenant, id: string): Promise<OwnBatch> {
    const found = await ownBatch(pool, tenant, id);
    if (!found) throw notFound();
    return found;
  }

  return async (app) => {
    app.get(
      '/instant-payouts/batches/:id',
      {
        onRequest: merchantAuth(context, 'instant:read'),
        schema: { params: byId, querystring: noQuery, ...read('A slice of a withdrawal of yours', batchSchema) },
      },
      async (request) => presentBatch((await mustOwn(tenantOf(merchantOf(request)), request.params.id)).batch),
    );

    app.post(
      '/instant-payouts/batches/:id/confirm',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: confirmBody,
          ...keyed,
          ...write('The payee has received the money of a slice', 200, confirmationSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const { by } = request.body;
            const { batch, userId } = await mustOwn(tenant, request.params.id);
            if (by !== userId) throw brokenRule([{ pointer: '/by', code: 'not_payee', detail: 'Only the payee can say so.' }]);
            return await received(context, { batch, userId });
          },
        });
      },
    );

    app.post(
      '/instant-payouts/batches/:id/reject',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: rejectBody,
          ...keyed,
          ...write('The payee has not received it: an operator decides', 200, batchSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            return await notReceived(context, await mustOwn(tenant, request.params.id), request.body.reason);
          },
        });
      },
    );
  };
}
