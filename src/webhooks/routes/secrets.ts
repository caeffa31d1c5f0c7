/** New signing secrets: an endpoint's own, and the one for the callbackUrls of a merchant's payouts. Each is shown once. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noBody, noQuery } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { newId } from '../../rules/newId.ts';
import { presentRotatedEndpoint, presentRotatedSecret } from '../present.ts';
import { rotateCallbackSecret, rotateEndpointSecret } from '../rotateSecret.ts';
import { rotatedEndpointSchema, rotatedSecretSchema } from '../schemas.ts';

const { write } = documented('webhooks');

export function webhookSecretRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = merchantAuth(context, 'webhooks:write');
  const rotation = { allot: () => newId('rot'), isSecret: true } as const;

  return async (app) => {
    app.post(
      '/webhook-endpoints/:id/secret/rotate',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('A new secret; the one before signs too for 24 hours', 200, rotatedEndpointSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id: endpointId } = request.params;
        return await once(context, request, reply, {
          ...rotation,
          async execute(rotationId) {
            const { endpoint, secret } = await rotateEndpointSecret(context, caller, { endpointId, rotationId });
            return { status: 200, body: presentRotatedEndpoint(endpoint, secret) };
          },
        });
      },
    );

    app.post(
      '/merchant/webhook-secret/rotate',
      {
        onRequest,
        schema: {
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write(
            'A new secret for callbackUrls, of payouts in the mode of this key alone; the one before signs too for 24 hours',
            200,
            rotatedSecretSchema,
          ),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        return await once(context, request, reply, {
          ...rotation,
          async execute(rotationId) {
            const { kept, secret } = await rotateCallbackSecret(context, caller, rotationId);
            return { status: 200, body: presentRotatedSecret(kept, secret) };
          },
        });
      },
    );
  };
}
