/** What a merchant's providers asked for, as their own routes and the merchant's webhooks show it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage } from '../../../http/paging.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { presentProviderPayout } from '../../present/providerPayout.ts';
import { providerPayoutSchema } from '../../present/schemas.ts';
import { providerPayoutsQuery } from '../providerPayoutQueries.ts';
import { listProviderPayouts } from '../providerPayoutReads.ts';
import { ownProvider } from './providerReads.ts';

const { read } = documented('providers');

export function merchantProviderPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/providers/:id/payouts',
      {
        onRequest: merchantAuth(context, 'providers:read'),
        schema: {
          params: byId,
          querystring: providerPayoutsQuery,
          ...read('A provider’s payouts, newest first', listSchema(providerPayoutSchema)),
        },
      },
      async (request) => {
        const caller = merchantOf(request);
        const { id: providerId } = await ownProvider(context.prisma, caller, request.params.id);
        const { status: statuses, currency } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const { after, take } = page;
        const provider = { providerId, mode: caller.mode };
        const found = await listProviderPayouts(context.pool, provider, { statuses, currency, after, take });
        return page.answer(found, ({ id }) => id, presentProviderPayout);
      },
    );
  };
}
