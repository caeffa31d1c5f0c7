/** A provider asks to be paid, and may call it off while nothing was sent. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { KEY_NEEDED, writeAnswers } from '../../http/answers.ts';
import { providerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../http/documented.ts';
import { providerAuth } from '../../http/plugins/auth.ts';
import { type Answer, onceIfKeyed, onceOrUnderOwnKey } from '../../http/plugins/idempotency.ts';
import { cancelled, takenAnswer } from '../../payouts/answers.ts';
import type { PayoutRecord } from '../../payouts/rules/contract.ts';
import { cancel } from '../../payouts/useCases/cancel.ts';
import { takeIn } from '../../payouts/useCases/takeIn.ts';
import { newId } from '../../rules/newId.ts';
import { presentProviderPayout } from '../present/providerPayout.ts';
import { providerPayoutSchema } from '../present/schemas.ts';
import { ownProviderPayout } from './providerPayoutReads.ts';
import { providerPayoutBody, readProviderOrder } from './providerPayoutRequest.ts';

const { write } = documented('provider');

/** `POST <path>`: the route is known under two names. */
export function providerPayoutCreation(context: ApiContext, path: string): FastifyPluginAsyncZod {
  const answer = (status: number, record: PayoutRecord): Answer => ({
    status,
    headers: { location: `/api/provider/payouts/${record.id}` },
    body: presentProviderPayout(record),
  });
  return async (app) => {
    app.post(
      path,
      {
        onRequest: providerAuth(context),
        schema: {
          summary: 'Ask to be paid',
          tags: ['provider'],
          security: KEY_NEEDED,
          querystring: noQuery,
          body: providerPayoutBody,
          response: writeAnswers({
            201: providerPayoutSchema.describe(
              'Taken in, its earnings reserved: approved for the next run, or waiting for an approver',
            ),
            202: providerPayoutSchema.describe('Taken in; its earnings are reserved as soon as a worker takes it up'),
          }),
        },
      },
      async (request, reply) => {
        const caller = providerOf(request);
        return await onceOrUnderOwnKey(context, request, reply, {
          path: '/api/provider/payouts',
          allot: () => newId('po'),
          async execute(payoutId, isRepeat) {
            const order = () => readProviderOrder(context.pool, caller, { payoutId, ...request.body });
            return takenAnswer(await takeIn(context, { payoutId, isRepeat, order }), (record) => answer(201, record));
          },
          presentPending: (record) => answer(202, record),
        });
      },
    );
  };
}

export function providerPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(providerPayoutCreation(context, '/payouts'));

    app.post(
      '/payouts/:id/cancel',
      {
        onRequest: providerAuth(context),
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...write('Call a payout off while nothing may be on the wire', 200, providerPayoutSchema),
        },
      },
      async (request, reply) => {
        const caller = providerOf(request);
        const payout = await ownProviderPayout(context.pool, caller, request.params.id);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute(requestId, isRepeat) {
            const answer = await cancel(context, payout, { by: caller.providerId, requestId, isRepeat });
            return { status: 200, body: presentProviderPayout(cancelled(answer)) };
          },
        });
      },
    );
  };
}
