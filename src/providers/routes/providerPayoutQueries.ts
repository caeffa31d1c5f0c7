/** A provider's payouts and what happened to them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timelineOf } from '../../events/reads.ts';
import { STEPS } from '../../events/timeline.ts';
import { providerOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, noQuery, statusQuery } from '../../http/documented.ts';
import { ID_KEY, INTEGER_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { providerAuth } from '../../http/plugins/auth.ts';
import { isCurrency } from '../../rules/money.ts';
import { presentProviderPayout } from '../present/providerPayout.ts';
import { PROVIDER_STATUSES, providerPayoutSchema, providerTimelineSchema } from '../present/schemas.ts';
import { listProviderPayouts, ownProviderPayout } from './providerPayoutReads.ts';

const { read } = documented('provider');

/** A payout's whole story is a page: few have more than a dozen entries. */
const TIMELINE_LIMIT = 100;

export const providerPayoutsQuery = z.strictObject({
  ...pageQuery,
  status: statusQuery(PROVIDER_STATUSES),
  currency: z.string().refine(isCurrency, 'Must be one of our currencies.').optional(),
});

export function providerPayoutQueryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = providerAuth(context);
  return async (app) => {
    app.get(
      '/payouts/:id',
      { onRequest, schema: { params: byId, querystring: noQuery, ...read('A payout as it is now', providerPayoutSchema) } },
      async (request) => presentProviderPayout(await ownProviderPayout(pool, providerOf(request), request.params.id)),
    );

    app.get(
      '/payouts',
      {
        onRequest,
        schema: { querystring: providerPayoutsQuery, ...read('Payouts, newest first', listSchema(providerPayoutSchema)) },
      },
      async (request) => {
        const { status: statuses, currency } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const { after, take } = page;
        const found = await listProviderPayouts(pool, providerOf(request), { statuses, currency, after, take });
        return page.answer(found, ({ id }) => id, presentProviderPayout);
      },
    );

    app.get(
      '/payouts/:id/timeline',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject(pageQuery),
          ...read('Everything that happened to a payout, in order', listSchema(providerTimelineSchema)),
        },
      },
      async (request) => {
        const caller = providerOf(request);
        const { id } = await ownProviderPayout(pool, caller, request.params.id);
        const page = openPage(request, request.query, INTEGER_KEY, TIMELINE_LIMIT);
        const steps = await timelineOf(pool, seerOf(caller), { kind: 'payout', id }, page);
        return page.answer(steps, ({ sequence }) => sequence, STEPS.payout.provider);
      },
    );
  };
}
