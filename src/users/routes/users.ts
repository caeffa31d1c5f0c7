/** Who plays, bets or gets paid on a merchant's platform: made, found and frozen by the merchant. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { reference } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import { userSchema } from '../present/schemas.ts';
import { freeze } from '../useCases/freeze.ts';
import { ownUser, presentRow } from './userReads.ts';

const { read, write } = documented('users');

const creation = z.strictObject({ externalId: reference }).meta({ id: 'NewUser' });
const change = z.strictObject({ frozen: z.boolean() }).meta({ id: 'UserChange' });

export function userRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const reads = merchantAuth(context, 'users:read');
  const writes = merchantAuth(context, 'users:write');

  return async (app) => {
    app.post(
      '/users',
      {
        onRequest: writes,
        schema: { querystring: noQuery, body: creation, ...keyed, ...write('Enter a user', 201, userSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('usr'),
          async execute(id) {
            // By its own id too: the call that this one repeats may have made it.
            await prisma.user.createMany({ data: { id, ...tenant, ...request.body }, skipDuplicates: true });
            const made = await prisma.user.findUnique({ where: { id } });
            if (!made) throw new Problem(409, 'duplicate_external_id', 'Another user has this externalId.');
            return { status: 201, headers: { location: `/api/v1/users/${id}` }, body: presentRow(made) };
          },
        });
      },
    );

    app.get(
      '/users',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject({ ...pageQuery, externalId: reference.optional() }),
          ...read('Users, newest first', listSchema(userSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { externalId } = request.query;
        const users = await prisma.user.findMany({
          where: {
            ...tenantOf(merchantOf(request)),
            ...(externalId !== undefined && { externalId }),
            ...(page.after && { id: { lt: page.after } }),
          },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(users, ({ id }) => id, presentRow);
      },
    );

    app.get(
      '/users/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One user', userSchema) } },
      async (request) => presentRow(await ownUser(prisma, merchantOf(request), request.params.id)),
    );

    app.patch(
      '/users/:id',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: change,
          ...keyed,
          ...write('Freeze a user, whose money nothing moves then, or let it go on', 200, userSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        return await once(context, request, reply, {
          allot: () => newId('chg'),
          async execute(key) {
            const outcome = await freeze(context, { ...tenantOf(caller), userId: id, frozen: request.body.frozen, key });
            if (outcome === 'unknown_user') throw notFound();
            return { status: 200, body: presentRow(await ownUser(prisma, caller, id)) };
          },
        });
      },
    );
  };
}
