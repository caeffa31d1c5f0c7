/** Providers' own API keys. A key is shown once, when it is made; afterwards there is only its hash. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newApiKey } from '../../../crypto/newSecret.ts';
import { newId } from '../../../domain/newId.ts';
import { merchantOf } from '../../caller.ts';
import type { ApiContext } from '../../context.ts';
import { byId, documented, keyed, noQuery } from '../../documented.ts';
import { merchantAuth } from '../../plugins/auth.ts';
import { once } from '../../plugins/idempotency.ts';
import { notFound } from '../../problem.ts';
import { newProviderKeySchema } from '../provider/providerSchemas.ts';
import { ownProvider } from './providerReads.ts';

const { write } = documented('providers');

const ofProvider = byId.extend({ keyId: byId.shape.id });

export function providerKeyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const onRequest = merchantAuth(context, 'providers:write');

  return async (app) => {
    app.post(
      '/providers/:id/keys',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({}).nullish(),
          ...keyed,
          ...write('Make a key for a provider; it is shown once', 201, newProviderKeySchema),
        },
      },
      async (request, reply) => {
        const { mode, makerId, ...caller } = merchantOf(request);
        const { id: providerId } = await ownProvider(prisma, { ...caller, mode }, request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('key'),
          isSecret: true,
          async execute(id) {
            const { key, ...kept } = newApiKey(`vk_${mode}_`);
            // Who issued the merchant's key stands for what is paid with this one too: maker and checker are two people.
            const { prefix, last4, createdAt } = await prisma.apiKey.upsert({
              where: { id },
              create: { id, providerId, mode, createdBy: makerId, ...kept },
              update: kept, // made before, but its answer was lost and with it the key
            });
            const shown = { prefix, last4, createdAt: createdAt.toISOString() };
            return { status: 201, body: { id, object: 'provider_key', providerId, key, ...shown } };
          },
        });
      },
    );

    app.delete(
      '/providers/:id/keys/:keyId',
      {
        onRequest,
        schema: { params: ofProvider, querystring: noQuery, ...write('Revoke a provider’s key, at once', 204, z.null()) },
      },
      async (request, reply) => {
        const { id: providerId } = await ownProvider(prisma, merchantOf(request), request.params.id);
        const where = { id: request.params.keyId, providerId };
        const { count } = await prisma.apiKey.updateMany({
          where: { ...where, revokedAt: null },
          data: { revokedAt: new Date() },
        });
        if (count === 0 && !(await prisma.apiKey.findFirst({ where }))) throw notFound(); // revoked before is as good
        return reply.code(204).send();
      },
    );
  };
}
