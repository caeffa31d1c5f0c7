/** Who earns on a merchant's platform: made, looked at and verified by the merchant. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../../http/documented.ts';
import { emailAddress } from '../../../http/emailAddress.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText, reference } from '../../../http/plainText.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { once } from '../../../http/plugins/idempotency.ts';
import { Problem } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { providerSchema } from '../../present/schemas.ts';
import { ownProvider, presentProvider, WITH_ACCOUNT } from './providerReads.ts';

const { read, write } = documented('providers');

const NAME_MAX = 100;

const creation = z
  .strictObject({
    externalId: reference,
    name: plainText(1, NAME_MAX),
    email: emailAddress,
  })
  .meta({ id: 'NewProvider' });
const verification = z.strictObject({ verified: z.boolean() });

export function providerRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const reads = merchantAuth(context, 'providers:read');
  const writes = merchantAuth(context, 'providers:write');

  return async (app) => {
    app.post(
      '/providers',
      {
        onRequest: writes,
        schema: { querystring: noQuery, body: creation, ...keyed, ...write('Enter a provider', 201, providerSchema) },
      },
      async (request, reply) => {
        const { merchantId, mode } = merchantOf(request);
        return await once(context, request, reply, {
          allot: () => newId('prv'),
          async execute(id) {
            // By its own id too: the call that this one repeats may have made it.
            await prisma.provider.createMany({ data: { id, merchantId, mode, ...request.body }, skipDuplicates: true });
            const made = await prisma.provider.findUnique({ where: { id }, include: WITH_ACCOUNT });
            if (!made) throw new Problem(409, 'duplicate_external_id', 'Another provider has this externalId.');
            return { status: 201, headers: { location: `/api/v1/providers/${id}` }, body: presentProvider(made) };
          },
        });
      },
    );

    app.get(
      '/providers',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject({ ...pageQuery, externalId: reference.optional() }),
          ...read('Providers, newest first', listSchema(providerSchema)),
        },
      },
      async (request) => {
        const { merchantId, mode } = merchantOf(request);
        const page = openPage(request, request.query, ID_KEY);
        const { externalId: wanted } = request.query;
        const providers = await prisma.provider.findMany({
          where: { merchantId, mode, ...(wanted && { externalId: wanted }), ...(page.after && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
          include: WITH_ACCOUNT,
        });
        return page.answer(providers, ({ id }) => id, presentProvider);
      },
    );

    app.get(
      '/providers/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One provider', providerSchema) } },
      async (request) => presentProvider(await ownProvider(prisma, merchantOf(request), request.params.id)),
    );

    app.post(
      '/providers/:id/verify',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: verification,
          ...keyed,
          ...write('Say that a provider is who they say, or take it back', 200, providerSchema),
        },
      },
      async (request, reply) => {
        const { id } = await ownProvider(prisma, merchantOf(request), request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const { verified } = request.body;
            const changed = await prisma.provider.update({ where: { id }, data: { verified }, include: WITH_ACCOUNT });
            return { status: 200, body: presentProvider(changed) };
          },
        });
      },
    );
  };
}
