/** Reading payouts and what happened to them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timelineOf } from '../../events/reads.ts';
import { STEPS } from '../../events/timeline.ts';
import type { Waiters } from '../../events/waiters.ts';
import { KEY_NEEDED, readAnswers } from '../../http/answers.ts';
import { type MerchantCaller, merchantOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { CSV_TYPE, csvAnswer, csvOf } from '../../http/csv.ts';
import { statusQuery } from '../../http/documented.ts';
import { ID_KEY, INTEGER_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { reference } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { mustFind } from '../../http/problem.ts';
import { earlier, timeQuery } from '../../http/times.ts';
import { nowOrAfter, waitOrAtQuery } from '../../http/waiting.ts';
import { isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { payoutAsOf } from '../asOf.ts';
import { allPayouts, newestPayouts } from '../newest.ts';
import { PAYOUT_COLUMNS } from '../present/csv.ts';
import { presentPayout } from '../present/payout.ts';
import { PUBLIC_STATUSES, payoutSchema, timelineEntrySchema } from '../present/schemas.ts';
import type { PayoutRecord } from '../rules/contract.ts';
import { isFinal, PUBLIC_STATUS, statesOf } from '../rules/machine.ts';
import { ownPayout } from './payouts.ts';

/** A payout's whole story is a page: few have more than a dozen entries. */
const TIMELINE_LIMIT = 100;

const params = z.object({ id: z.string() });

const filters = {
  status: statusQuery(PUBLIC_STATUSES),
  currency: z.string().refine(isCurrency, NO_CURRENCY).optional(),
  reference: reference.optional(),
  createdFrom: timeQuery,
  createdTo: timeQuery,
};
const listQuery = z.strictObject({ ...filters, ...pageQuery });
const tableQuery = z.strictObject(filters);

/** The caller's own alone, whatever is asked for. */
function filterOf({ merchantId, mode }: MerchantCaller, { status, ...asked }: z.output<typeof tableQuery>) {
  const own = { ownerKind: 'merchant', ownerId: merchantId, merchantId, mode } as const;
  return { ...asked, ...own, states: status && statesOf(...status) };
}

/** What a client waits for. A payout that is not in the books yet (answered with 202) may be refused, which is no event. */
const NEXT_STATUS = {
  isAnswer: (now: PayoutRecord, first: PayoutRecord) =>
    isFinal(now.state) || PUBLIC_STATUS[now.state] !== PUBLIC_STATUS[first.state],
  mayEndUnheard: ({ sequence }: PayoutRecord) => sequence === 0,
};

export function payoutQueryRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'payouts:read');
  return async (app) => {
    app.get(
      '/payouts/:id',
      {
        onRequest,
        schema: {
          operationId: 'getPayout',
          summary: 'A payout as it is now, after its next change, or as it was',
          tags: ['payouts'],
          security: KEY_NEEDED,
          params,
          querystring: waitOrAtQuery,
          response: readAnswers({ 200: payoutSchema }, 404),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        const at = earlier(request.query.at);
        if (at !== undefined) return presentPayout(mustFind(await payoutAsOf(pool, seerOf(caller), id, at)));
        const question = { read: () => ownPayout(context, caller, id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'payout', id } };
        const payout = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return presentPayout(payout);
      },
    );

    app.get(
      '/payouts',
      {
        onRequest,
        schema: {
          operationId: 'listPayouts',
          summary: 'Payouts, newest first',
          tags: ['payouts'],
          security: KEY_NEEDED,
          querystring: listQuery,
          response: readAnswers({ 200: listSchema(payoutSchema) }),
        },
      },
      async (request) => {
        const { limit: _, cursor: __, ...asked } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const { after, take } = page;
        const found = await newestPayouts(pool, { ...filterOf(merchantOf(request), asked), after, take });
        return page.answer(found, ({ id }) => id, presentPayout);
      },
    );

    app.get(
      '/payouts.csv',
      {
        onRequest,
        schema: {
          operationId: 'exportPayouts',
          summary: 'Payouts as a table',
          tags: ['payouts'],
          security: KEY_NEEDED,
          querystring: tableQuery,
          response: readAnswers({ 200: csvAnswer }) as Record<number, unknown>,
        },
      },
      async (request, reply) => {
        const own = filterOf(merchantOf(request), request.query);
        return await reply.type(CSV_TYPE).send(csvOf(PAYOUT_COLUMNS, allPayouts(pool, own)));
      },
    );

    app.get(
      '/payouts/:id/timeline',
      {
        onRequest,
        schema: {
          operationId: 'getPayoutTimeline',
          summary: 'Everything that happened to a payout, in order',
          tags: ['payouts'],
          security: KEY_NEEDED,
          params,
          querystring: z.strictObject(pageQuery),
          response: readAnswers({ 200: listSchema(timelineEntrySchema) }, 404),
        },
      },
      async (request) => {
        const caller = merchantOf(request);
        const { id } = await ownPayout(context, caller, request.params.id);
        const page = openPage(request, request.query, INTEGER_KEY, TIMELINE_LIMIT);
        const steps = await timelineOf(pool, seerOf(caller), { kind: 'payout', id }, page);
        return page.answer(steps, ({ sequence }) => sequence, STEPS.payout.merchant);
      },
    );
  };
}
