/** The bank that a merchant's games pay from: what there is, what games hold of it, and more or less of it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, currencyField, mustReadAmount } from '../../http/amounts.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { balanceSchema, readBalance } from '../../http/balances.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, keyed, noQuery } from '../../http/documented.ts';
import { reference } from '../../http/plainText.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { Problem } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { moveBank } from '../useCases/moveBank.ts';

const { read, write } = documented('games');

const body = z
  .strictObject({ amount: amountField, currency: currencyField, externalId: reference.optional() })
  .meta({ id: 'BankMoney' });

const MOVES = [
  {
    path: 'deposit',
    type: 'BANK_DEPOSIT',
    summary: 'Move money of yours to your bank',
    code: 'insufficient_balance',
    detail: 'Your available balance does not cover the amount.',
    needs: [flowOn('games')],
  },
  {
    path: 'withdraw',
    type: 'BANK_WITHDRAW',
    summary: 'Take back what no game holds of your bank',
    code: 'bank_insufficient',
    detail: 'Your bank does not have the amount, or games hold it.',
    needs: [], // what is over, or switched off, is not kept
  },
] as const;

export function bankRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const bankOf = ({ merchantId, mode }: Tenant) => readBalance(prisma, { kind: 'bank', id: merchantId }, mode);

  return async (app) => {
    for (const { path, type, summary, code, detail, needs } of MOVES) {
      app.post(
        `/games/bank/${path}`,
        {
          onRequest: [merchantAuth(context, 'games:write'), ...needs],
          schema: { querystring: noQuery, body, ...keyed, ...write(summary, 201, balanceSchema) },
        },
        async (request, reply) => {
          const tenant = tenantOf(merchantOf(request));
          return await once(context, request, reply, {
            allot: () => newId('req'),
            async execute(requestId) {
              const { minor, currency } = mustReadAmount(request.body);
              // Under the merchant's own name where it gives one, so that a repeat under another key is none.
              const { externalId } = request.body;
              const name = externalId === undefined ? `request:${requestId}` : `external:${externalId}`;
              const outcome = await moveBank(context, { ...tenant, type, name, currency, amountMinor: minor.toString() });
              if (outcome === 'insufficient_balance') throw new Problem(400, code, detail);
              if (outcome === 'balance_limit') throw overBalanceLimit();
              if (outcome === 'mismatch')
                throw new Problem(
                  409,
                  'external_id_reused',
                  'Other money has this externalId: its amount, currency or direction differs.',
                );
              return { status: 201, body: await bankOf(tenant) };
            },
          });
        },
      );
    }

    app.get(
      '/games/bank',
      {
        onRequest: merchantAuth(context, 'games:read'),
        schema: { querystring: noQuery, ...read('What your bank has, and what games hold of it (locked)', balanceSchema) },
      },
      async (request) => await bankOf(tenantOf(merchantOf(request))),
    );
  };
}
