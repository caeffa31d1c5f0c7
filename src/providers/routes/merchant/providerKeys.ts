/** Providers' own API keys. A key is shown once, when it is made; afterwards there is only its hash. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newApiKey } from '../../../crypto/newSecret.ts';
import { merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { once } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { revokeKeys } from '../../../http/revokeKeys.ts';
import { readExpiry, time } from '../../../http/times.ts';
import { newId } from '../../../rules/newId.ts';
import { ownedBy } from '../../../rules/owner.ts';
import { newProviderKeySchema, providerKeySchema } from '../../present/schemas.ts';
import { listKeysMadeBy, listProviderKeys, madeBy, presentProviderKey } from './providerKeyReads.ts';
import { ownProvider } from './providerReads.ts';

const { read, write } = documented('providers');

const ofProvider = byId.extend({ keyId: byId.shape.id });
const creation = z.strictObject({ expiresAt: time.nullish() }).nullish();
const pages = z.strictObject(pageQuery);

export function providerKeyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const reads = merchantAuth(context, 'providers:read');
  const writes = merchantAuth(context, 'providers:write');

  return async (app) => {
    app.post(
      '/providers/:id/keys',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: creation,
          ...keyed,
          ...write('Make a key for a provider; it is shown once, and ends with the key that made it', 201, newProviderKeySchema),
        },
      },
      async (request, reply) => {
        const { mode, makerId, keyId: parentId, ...caller } = merchantOf(request);
        const { id: providerId } = await ownProvider(prisma, { ...caller, mode }, request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('key'),
          isSecret: true,
          isKeysOwn: true,
          async execute(id) {
            const expiresAt = readExpiry(request.body?.expiresAt);
            const { key, ...kept } = newApiKey(`vk_${mode}_`);
            // Who issued the merchant's key stands for what is paid with this one too: maker and checker are two people.
            const made = await prisma.apiKey.upsert({
              where: { id },
              create: { id, ...ownedBy('provider', providerId), mode, parentId, createdBy: makerId, expiresAt, ...kept },
              update: kept, // made before, but its answer was lost and with it the key
            });
            return { status: 201, body: { ...presentProviderKey(made), key } };
          },
        });
      },
    );

    app.get(
      '/providers/:id/keys',
      {
        onRequest: reads,
        schema: { params: byId, querystring: pages, ...read('A provider’s keys, newest first', listSchema(providerKeySchema)) },
      },
      async (request) => {
        const { id: providerId } = await ownProvider(prisma, merchantOf(request), request.params.id);
        return await listProviderKeys(prisma, openPage(request, request.query, ID_KEY), providerId);
      },
    );

    app.delete(
      '/providers/:id/keys/:keyId',
      {
        onRequest: writes,
        schema: { params: ofProvider, querystring: noQuery, ...write('Revoke a provider’s key, at once', 204, z.null()) },
      },
      async (request, reply) => {
        const { id: providerId } = await ownProvider(prisma, merchantOf(request), request.params.id);
        const which = { id: request.params.keyId, ...ownedBy('provider', providerId) };
        if ((await revokeKeys(prisma, which)) === 0 && !(await prisma.apiKey.findFirst({ where: which }))) throw notFound(); // revoked before is as good
        return reply.code(204).send();
      },
    );

    app.get(
      '/provider-keys',
      {
        onRequest: reads,
        schema: { querystring: pages, ...read('All your providers’ keys, newest first', listSchema(providerKeySchema)) },
      },
      async (request) => await listKeysMadeBy(prisma, openPage(request, request.query, ID_KEY), merchantOf(request)),
    );

    app.delete(
      '/provider-keys',
      {
        onRequest: writes,
        schema: { querystring: noQuery, ...write('Revoke all your providers’ keys, at once', 204, z.null()) },
      },
      async (request, reply) => {
        await revokeKeys(prisma, madeBy(merchantOf(request)));
        return reply.code(204).send();
      },
    );
  };
}
