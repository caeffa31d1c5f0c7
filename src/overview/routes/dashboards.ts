/** The figures of markets and of users' money, as operators' dashboards show them: of all merchants, or of one. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../http/context.ts';
import { documented, word } from '../../http/documented.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { circulationOf, marketFigures, resolutionsNeedingOperator } from '../marketReads.ts';
import { presentCirculation, presentDays, presentEver, presentStates } from '../presentMarkets.ts';
import { totalsOf } from '../reads.ts';
import { dashboardSchema, resolutionDashboardSchema, tokensSchema } from '../schemasOfMarkets.ts';

const querystring = z.strictObject({ merchantId: word.optional(), mode: z.enum(['test', 'live']).optional() });

export function adminDashboardRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const { read } = documented('admin');
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  return async (app) => {
    app.get(
      '/dashboard',
      {
        onRequest,
        schema: { querystring, ...read('Commitments, users, pools, fees and payouts of markets, by day', dashboardSchema) },
      },
      async ({ query: { merchantId, mode } }) => {
        const scope = { merchantId, mode };
        const [figures, circulation] = await Promise.all([marketFigures(pool, scope), circulationOf(pool, scope)]);
        return {
          object: 'dashboard' as const,
          totals: presentEver(figures),
          circulation: presentCirculation(circulation),
          days: presentDays(figures),
        };
      },
    );

    app.get(
      '/tokens',
      {
        onRequest,
        schema: { querystring, ...read('What users have and what lies in pools, and what moved it by day', tokensSchema) },
      },
      async ({ query: { merchantId, mode } }) => {
        const scope = { merchantId, mode };
        const [figures, circulation] = await Promise.all([marketFigures(pool, scope), circulationOf(pool, scope)]);
        return { object: 'tokens' as const, circulation: presentCirculation(circulation), days: presentDays(figures) };
      },
    );

    app.get(
      '/resolution',
      { onRequest, schema: { querystring, ...read('How markets and their resolutions stand', resolutionDashboardSchema) } },
      async ({ query: { merchantId, mode } }) => {
        const scope = { merchantId, mode };
        const [figures, { states }, needsOperator] = await Promise.all([
          marketFigures(pool, scope),
          totalsOf(pool, scope),
          resolutionsNeedingOperator(pool, scope),
        ]);
        return {
          object: 'resolution_dashboard' as const,
          markets: presentStates(states, 'markets'),
          resolutions: presentStates(states, 'resolutions'),
          needsOperator,
          totals: presentEver(figures),
          days: presentDays(figures),
        };
      },
    );
  };
}
