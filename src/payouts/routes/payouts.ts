/** Making payouts, and steering those there are. */

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { idempotencyHeaders, KEY_NEEDED, writeAnswers } from '../../http/answers.ts';
import { type MerchantCaller, merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { noBody } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { isId } from '../../rules/ids.ts';
import { newId } from '../../rules/newId.ts';
import { cancelled, takenAnswer } from '../answers.ts';
import { presentPayout } from '../present/payout.ts';
import { payoutSchema } from '../present/schemas.ts';
import { findPayout } from '../reads.ts';
import type { PayoutRecord } from '../rules/contract.ts';
import { cancel } from '../useCases/cancel.ts';
import { reinitiate, reinitiationId } from '../useCases/reinitiate.ts';
import { takeIn } from '../useCases/takeIn.ts';
import { payoutBody, readPayoutOrder } from './payoutRequest.ts';

const params = z.object({ id: z.string() });
export function payoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/payouts',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'createPayout',
          summary: 'Make a payout',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          body: payoutBody,
          response: writeAnswers({
            201: payoutSchema.describe('Accepted, its money reserved'),
            202: payoutSchema.describe('Accepted; its money is reserved as soon as a worker takes it up'),
          }),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const order = () => readPayoutOrder(request.body, caller, context.config.webhookAllowLoopbackTest);
        return await once(context, request, reply, {
          allot: () => newId('po'),
          execute: async (payoutId, isRepeat) =>
            takenAnswer(await takeIn(context, { payoutId, isRepeat, order }), (record) => payoutAnswer(201, record)),
          presentPending: (record) => payoutAnswer(202, record),
        });
      },
    );

    app.post(
      '/payouts/:id/reinitiate',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'reinitiatePayout',
          summary: 'Try a failed payout again',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          params,
          body: noBody,
          response: writeAnswers({ 202: payoutSchema.describe('A new attempt follows') }, 404),
        },
      },
      async (request, reply) => {
        const payout = await ownPayout(context, merchantOf(request), request.params.id);
        return await once(context, request, reply, {
          allot: () => reinitiationId(payout),
          async execute(requestId, isRepeat) {
            const asked = { by: payout.merchantId, requestId, isRepeat };
            return takenAnswer(await reinitiate(context, payout, asked), (record) => payoutAnswer(202, record));
          },
          presentPending: (record) => payoutAnswer(202, record),
        });
      },
    );

    app.post(
      '/payouts/:id/cancel',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'cancelPayout',
          summary: 'Cancel a payout while nothing may be on the wire',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          params,
          body: noBody,
          response: writeAnswers({ 200: payoutSchema.describe('Cancelled, its money released') }, 404),
        },
      },
      async (request, reply) => {
        const payout = await ownPayout(context, merchantOf(request), request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute(requestId, isRepeat) {
            const asked = { by: payout.merchantId, requestId, isRepeat };
            return payoutAnswer(200, cancelled(await cancel(context, payout, asked)));
          },
        });
      },
    );
  };
}

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function ownPayout({ pool }: ApiContext, caller: MerchantCaller, id: string): Promise<PayoutRecord> {
  const payout = isId('po', id) ? await findPayout(pool, caller, id) : undefined;
  if (!payout) throw notFound();
  return payout;
}

const payoutAnswer = (status: number, record: PayoutRecord): Answer => ({
  status,
  headers: status === 200 ? {} : { location: `/api/v1/payouts/${record.id}` },
  body: presentPayout(record),
});
