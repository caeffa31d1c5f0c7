/** Starting a failed payout again: a new round of attempts, at once, whoever owns it. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentPayout } from '../../present/payout.ts';
import type { Taken } from '../../useCases/takeIn.ts';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed, type Pending } from '../../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../../http/problem.ts';
import { reinitiate, reinitiationId } from '../../useCases/reinitiate.ts';
import { payoutSchema } from '../payoutSchemas.ts';

const { write } = documented('admin');

export function retryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/payouts/:id/retry',
      {
        onRequest: adminAuth(context, ACTION_ROLES.retry),
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({}).nullish(),
          ...write('Try a failed payout again, at once', 202, payoutSchema),
        },
      },
      async (request, reply) => {
        const payout = await context.ledger.read(request.params.id);
        if (!payout) throw notFound();
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => reinitiationId(payout),
          async execute(requestId, isRepeat) {
            const asked = { by: adminId, byAdmin: true, requestId, isRepeat } as const;
            const taken = await andNote(context, request, payout.id, () => reinitiate(context, payout, asked));
            return 'pending' in taken ? taken : { status: 202, body: presentPayout(taken.payout) };
          },
          presentPending: (record) => ({ status: 202, body: presentPayout(record) }),
        });
      },
    );
  };
}

/** Done or refused, it is in the audit log. */
async function andNote(
  { prisma }: ApiContext,
  request: FastifyRequest,
  target: string,
  ask: () => Promise<Taken | Pending>,
): Promise<Taken | Pending> {
  const note = (outcome: string) => writeAudit(prisma, request, { action: 'payout.retry', target, data: { outcome } });
  try {
    const taken = await ask();
    await note('pending' in taken ? 'pending' : 'done');
    return taken;
  } catch (error) {
    if (error instanceof Problem && error.status < 500) await note(error.code);
    throw error;
  }
}
