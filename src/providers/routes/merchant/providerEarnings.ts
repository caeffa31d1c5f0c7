/** What a merchant gives its providers: out of its own available money, once for each name it gives the earning. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Amount, amountField, currencyField, mustReadAmount } from '../../../http/amounts.ts';
import { overBalanceLimit } from '../../../http/balanceLimit.ts';
import { type MerchantCaller, merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../../http/documented.ts';
import { plainText } from '../../../http/plainText.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { type Answer, once } from '../../../http/plugins/idempotency.ts';
import { Problem } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { DESCRIPTION_MAX } from '../../../rules/text.ts';
import { earningSchema } from '../../present/schemas.ts';
import { findEarning, presentEarning } from '../earningReads.ts';
import { ownProvider } from './providerReads.ts';
import { externalId } from './providers.ts';

const { write } = documented('providers');

const body = z
  .strictObject({
    amount: amountField,
    currency: currencyField,
    externalId,
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
        const caller = merchantOf(request);
        const { id: providerId } = await ownProvider(context.prisma, caller, request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('ern'),
          execute: (earningId) => {
            const amount = mustReadAmount(request.body);
            return post(context, caller, { ...request.body, earningId, providerId, amount });
          },
        });
      },
    );
  };
}

interface Posting {
  readonly earningId: string;
  readonly providerId: string;
  readonly amount: Amount;
  readonly externalId: string;
  readonly description?: string | null | undefined;
}

/** Posted now or before, the answer is the earning as it stands. */
async function post(
  { ledger, pool }: ApiContext,
  { merchantId, mode }: MerchantCaller,
  { amount, externalId, description, ...ids }: Posting,
): Promise<Answer> {
  const { minor, currency } = amount;
  const request = { ...ids, merchantId, mode, currency, amountMinor: minor.toString(), externalId };
  const { outcome } = await ledger.postEarning({ ...request, description: description ?? null });
  switch (outcome) {
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
    default: {
      const earning = await findEarning(pool, { merchantId, mode }, externalId);
      if (!earning) throw new Error(`the earning ${externalId} of ${merchantId} is posted but cannot be found`);
      return { status: 201, body: presentEarning(earning) };
    }
  }
}
