/** What a provider has earned and what of it can be asked for. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { providerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented } from '../../http/documented.ts';
import { ID_KEY, openPage, pageQuery } from '../../http/paging.ts';
import { providerAuth } from '../../http/plugins/auth.ts';
import { formatMajor, isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { readEarnings } from '../earningReads.ts';
import { presentEarning } from '../present/earning.ts';
import { earningsSchema } from '../present/schemas.ts';
import { CURRENCY_DEFAULT } from './providerPayoutRequest.ts';

const { read } = documented('provider');

/** As many as a page can have: most providers then see that their earnings add up to the balance beside them. */
const EARNINGS_LIMIT = 100;

const query = z.strictObject({
  ...pageQuery,
  currency: z
    .string()
    .refine(isCurrency, NO_CURRENCY)
    .default(CURRENCY_DEFAULT)
    .meta({ description: 'Each currency has its own balance' }),
});

export function earningRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/earnings',
      {
        onRequest: providerAuth(context),
        schema: { querystring: query, ...read('Earnings of one currency, newest first, and their sums', earningsSchema) },
      },
      async (request) => {
        const { currency } = request.query;
        const page = openPage(request, request.query, ID_KEY, EARNINGS_LIMIT);
        const { after, take } = page;
        const { providerId } = providerOf(request);
        const { available, reserved, paidOut, debt, earnings } = await readEarnings(context.pool, {
          providerId,
          currency,
          after,
          take,
        });
        const { data, hasMore, nextCursor } = page.answer(earnings, ({ id }) => id, presentEarning);
        const major = (minor: string) => formatMajor(BigInt(minor), currency);
        return {
          object: 'earnings' as const,
          currency,
          availableBalance: major(available),
          reservedBalance: major(reserved),
          paidOutTotal: major(paidOut),
          debt: major(debt),
          earnings: data,
          hasMore,
          nextCursor,
        };
      },
    );
  };
}
