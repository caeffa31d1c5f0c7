/** What a merchant gives its providers: out of its own available money, once for each name it gives the earning. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, currencyField, mustReadAmount } from '../../../http/amounts.ts';
import { overBalanceLimit } from '../../../http/balanceLimit.ts';
import { merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../../http/documented.ts';
import { plainText, reference } from '../../../http/plainText.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { type Answer, once } from '../../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { DESCRIPTION_MAX } from '../../../rules/text.ts';
import { presentEarning } from '../../present/earning.ts';
import { earningSchema } from '../../present/schemas.ts';
import { type EarningPosted, postEarning } from '../../useCases/postEarning.ts';

const { write } = documented('providers');

const body = z
  .strictObject({
    amount: amountField,
    currency: currencyField,
    externalId: reference,
    description: plainText(0, DESCRIPTION_MAX).nullish(),
  })
  .meta({ id: 'NewEarning' });

export function providerEarningRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/providers/:id/earnings',
      {
        onRequest: merchantAuth(context, 'providers:write'),
        schema: {
          params: byId,
          querystring: noQuery,
          body,
          ...keyed,
          ...write('Move money of yours to a provider’s earnings, once for each externalId', 201, earningSchema),
        },
      },
      async (request, reply) => {
        const { merchantId, mode } = merchantOf(request);
        const { externalId, description = null } = request.body;
        return await once(context, request, reply, {
          allot: () => newId('ern'),
          async execute(earningId) {
            const { minor, currency } = mustReadAmount(request.body);
            const money = { currency, amountMinor: minor.toString(), externalId, description };
            const ids = { earningId, merchantId, mode, providerId: request.params.id };
            return answerOf(await postEarning(context, { ...ids, ...money }));
          },
        });
      },
    );
  };
}

function answerOf(answer: EarningPosted): Answer {
  switch (answer.outcome) {
    case 'unknown_provider':
      throw notFound();
    case 'insufficient_balance':
      throw new Problem(400, 'insufficient_balance', 'Your available balance does not cover the amount.');
    case 'balance_limit':
      throw overBalanceLimit();
    case 'mismatch':
      throw new Problem(
        409,
        'external_id_reused',
        'Another earning has this externalId: its amount, currency or provider differs.',
      );
    default:
      return { status: 201, body: presentEarning(answer.earning) };
  }
}
