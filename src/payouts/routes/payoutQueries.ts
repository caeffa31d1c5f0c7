/** Reading payouts and what happened to them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timelineOf } from '../../events/reads.ts';
import { STEPS } from '../../events/timeline.ts';
import { KEY_NEEDED, readAnswers } from '../../http/answers.ts';
import { merchantOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { statusQuery } from '../../http/documented.ts';
import { ID_KEY, INTEGER_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { reference } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { timeQuery } from '../../http/times.ts';
import { isCurrency } from '../../rules/money.ts';
import { presentPayout } from '../present/payout.ts';
import { PUBLIC_STATUSES, payoutSchema, timelineEntrySchema } from '../present/schemas.ts';
import { awaitChange, listPayouts } from '../reads.ts';
import { statesOf } from '../rules/machine.ts';
import { ownPayout } from './payouts.ts';

/** A payout's whole story is a page: few have more than a dozen entries. */
const TIMELINE_LIMIT = 100;

const params = z.object({ id: z.string() });

const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^(1?[0-9]|2[0-5])$/, 'Must be a whole number of seconds from 0 to 25.')
    .optional()
    .meta({
      type: 'integer',
      minimum: 0,
      maximum: 25,
      pattern: undefined,
      description: 'Answer as soon as the status changes, at the latest then',
    }),
});

const listQuery = z.strictObject({
  ...pageQuery,
  status: statusQuery(PUBLIC_STATUSES),
  currency: z.string().refine(isCurrency, 'Must be one of our currencies.').optional(),
  reference: reference.optional(),
  createdFrom: timeQuery,
  createdTo: timeQuery,
});

export function payoutQueryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'payouts:read');
  return async (app) => {
    // Clients that wait must not hold up the end of the process.
    const ending = new AbortController();
    app.addHook('preClose', async () => ending.abort());

    app.get(
      '/payouts/:id',
      {
        onRequest,
        schema: {
          operationId: 'getPayout',
          summary: 'A payout as it is now, or after its next change',
          tags: ['payouts'],
          security: KEY_NEEDED,
          params,
          querystring: waitQuery,
          response: readAnswers({ 200: payoutSchema }, 404),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const payout = await ownPayout(context, caller, request.params.id);
        const waitMs = Number.parseInt(request.query.wait ?? '0', 10) * 1_000;
        if (waitMs === 0) return presentPayout(payout);
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const signal = AbortSignal.any([gone.signal, ending.signal]);
        return presentPayout(await awaitChange(pool, caller, payout, { waitMs, signal }));
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
        const { status, currency, reference, createdFrom, createdTo } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const { after, take } = page;
        const states = status && statesOf(...status);
        const filter = { states, currency, reference, createdFrom, createdTo, after, take };
        return page.answer(await listPayouts(pool, merchantOf(request), filter), ({ id }) => id, presentPayout);
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
