/** Starting a failed payout again: a new round of attempts, at once, whoever owns it. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { takenAnswer, wordOf } from '../../answers.ts';
import { presentPayout } from '../../present/payout.ts';
import { payoutSchema } from '../../present/schemas.ts';
import { reinitiate, reinitiationId } from '../../useCases/reinitiate.ts';
import type { Taken } from '../../useCases/takeIn.ts';

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
          body: noBody,
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
            const taken = await reinitiate(context, payout, asked);
            await note(context, request, payout.id, taken);
            return takenAnswer(taken, (record) => ({ status: 202, body: presentPayout(record) }));
          },
          presentPending: (record) => ({ status: 202, body: presentPayout(record) }),
        });
      },
    );
  };
}

/** Done or refused, it is in the audit log; what never came to an answer is not. */
async function note({ prisma }: ApiContext, request: FastifyRequest, target: string, taken: Taken): Promise<void> {
  await writeAudit(prisma, request, { action: 'payout.retry', target, data: { outcome: wordOf(taken) } });
}
