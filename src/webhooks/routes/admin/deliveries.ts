/** What operators do about a webhook: have it sent once more. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { audited } from '../../../http/audit.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { notFound } from '../../../http/problem.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentDelivery } from '../../present.ts';
import { deliverySchema } from '../../schemas.ts';

const { write } = documented('admin');

export function adminDeliveryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  return async (app) => {
    app.post(
      '/webhook-deliveries/:id/resend',
      {
        onRequest: adminAuth(context, ACTION_ROLES.resend),
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...write('Send a webhook once more, at once, besides any schedule', 202, deliverySchema),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const delivery = await prisma.webhookDelivery.findUnique({ where: { id } });
        if (!delivery) throw notFound();
        // Asked for again before it was made, it is the same try: a repeat needs no key.
        const note = { action: 'webhook.resend', target: id, data: { eventId: delivery.eventId } };
        await audited(context, request, note, (db) => db.$executeRaw`SELECT resend_delivery(${id})`);
        return await reply.code(202).send(presentDelivery(delivery));
      },
    );
  };
}
