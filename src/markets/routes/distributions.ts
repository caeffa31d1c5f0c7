/** What markets came to, user by user. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, noQuery } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { notFound } from '../../http/problem.ts';
import { presentDistribution } from '../present/distribution.ts';
import { distributionSchema } from '../present/schemas.ts';
import { listDistributions, listUsersDistributions, ownDistribution } from '../reads.ts';
import { mustOwnMarket } from './markets.ts';
import { mustOwnUser } from './users.ts';

const { read } = documented('markets');

export function distributionRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'markets:read');
  const querystring = z.strictObject(pageQuery);
  const list = listSchema(distributionSchema);

  return async (app) => {
    app.get(
      '/markets/:id/distributions',
      {
        onRequest,
        schema: {
          params: byId,
          querystring,
          ...read('What a market came to for each user, the newest resolution first', list),
        },
      },
      async (request) => {
        const { id } = await mustOwnMarket(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, ID_KEY);
        const found = await listDistributions(pool, id, { before: page.after, take: page.take });
        return page.answer(found, ({ distribution }) => distribution.id, presentDistribution);
      },
    );

    app.get(
      '/users/:id/distributions',
      {
        onRequest,
        schema: { params: byId, querystring, ...read('What markets came to for a user, newest first', list) },
      },
      async (request) => {
        const id = await mustOwnUser(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, ID_KEY);
        const found = await listUsersDistributions(pool, id, { before: page.after, take: page.take });
        return page.answer(found, ({ distribution }) => distribution.id, presentDistribution);
      },
    );

    app.get(
      '/distributions/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          ...read('What a market came to for a user, with the trail of each commitment', distributionSchema),
        },
      },
      async (request) => {
        const found = await ownDistribution(pool, tenantOf(merchantOf(request)), request.params.id);
        if (!found) throw notFound();
        return presentDistribution(found);
      },
    );
  };
}
