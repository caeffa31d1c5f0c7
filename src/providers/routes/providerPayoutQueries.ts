/** A provider's payouts and what happened to them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timelineOf } from '../../events/reads.ts';
import { STEPS } from '../../events/timeline.ts';
import type { Waiters } from '../../events/waiters.ts';
import { providerOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, statusQuery } from '../../http/documented.ts';
import { ID_KEY, INTEGER_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { providerAuth } from '../../http/plugins/auth.ts';
import { mustFind } from '../../http/problem.ts';
import { earlier } from '../../http/times.ts';
import { nowOrAfter, waitOrAtQuery } from '../../http/waiting.ts';
import { payoutAsOf } from '../../payouts/asOf.ts';
import type { PayoutRecord } from '../../payouts/rules/contract.ts';
import { isFinal } from '../../payouts/rules/machine.ts';
import { isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { presentProviderPayout, providerStatus } from '../present/providerPayout.ts';
import { PROVIDER_STATUSES, providerPayoutSchema, providerTimelineSchema } from '../present/schemas.ts';
import { listProviderPayouts, ownProviderPayout } from './providerPayoutReads.ts';

const { read } = documented('provider');

/** A payout's whole story is a page: few have more than a dozen entries. */
const TIMELINE_LIMIT = 100;

export const providerPayoutsQuery = z.strictObject({
  ...pageQuery,
  status: statusQuery(PROVIDER_STATUSES),
  currency: z.string().refine(isCurrency, NO_CURRENCY).optional(),
});

/** What a client waits for. A payout that is not in the books yet (answered with 202) may be refused, which is no event. */
const NEXT_STATUS = {
  isAnswer: (now: PayoutRecord, first: PayoutRecord) => isFinal(now.state) || providerStatus(now) !== providerStatus(first),
  mayEndUnheard: ({ sequence }: PayoutRecord) => sequence === 0,
};

export function providerPayoutQueryRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = providerAuth(context);
  return async (app) => {
    app.get(
      '/payouts/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: waitOrAtQuery,
          ...read('A payout as it is now, after its next change, or as it was', providerPayoutSchema),
        },
      },
      async (request, reply) => {
        const caller = providerOf(request);
        const { id } = request.params;
        const at = earlier(request.query.at);
        if (at !== undefined) return presentProviderPayout(mustFind(await payoutAsOf(pool, seerOf(caller), id, at)));
        const question = { read: () => ownProviderPayout(pool, caller, id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'payout', id } };
        const payout = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return presentProviderPayout(payout);
      },
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
