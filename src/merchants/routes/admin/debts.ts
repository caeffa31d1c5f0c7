/** Who owes us: payouts were paid when their money was gone, and no new money has repaid it yet. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Balance } from '../../../generated/prisma/client.ts';
import type { ApiContext } from '../../../http/context.ts';
import { documented } from '../../../http/documented.ts';
import { BIGINT_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { formatMajor } from '../../../rules/money.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { debtSchema } from './schemas.ts';

const { read } = documented('admin');

export function debtRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  const { prisma } = context;
  return async (app) => {
    app.get(
      '/debts',
      {
        onRequest,
        schema: { querystring: z.strictObject(pageQuery), ...read('Who owes, and how much', listSchema(debtSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, BIGINT_KEY);
        const balances = await prisma.balance.findMany({
          where: { debt: { gt: 0 }, ...(page.after !== undefined && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(balances, ({ id }) => id, presentDebt);
      },
    );
  };
}

export function presentDebt({ merchantId, mode, ownerKind, ownerId, currency, debt }: Balance): z.infer<typeof debtSchema> {
  return {
    object: 'debt',
    merchantId,
    mode,
    owner: { kind: ownerKind, id: ownerId },
    currency,
    debt: formatMajor(debt, currency),
  };
}
