/** Everything at a glance: for operators of the installation, for a merchant of its own. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, noQuery, word } from '../../http/documented.ts';
import { adminAuth, merchantAuth } from '../../http/plugins/auth.ts';
import { seeWorkers } from '../../http/routes/operations.ts';
import { withLimit } from '../../net/address.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { asItIs, asMerchants, presentOverview, presentPsps, type Shared } from '../present.ts';
import { failingReceivers, lastBooksCheck, oldestInReview, type Scope, totalsOf } from '../reads.ts';
import { adminOverviewSchema, merchantOverviewSchema } from '../schemas.ts';

/** All else can be shown without it: nobody waits longer for Temporal. */
const ASK_TEMPORAL_MS = 1_000;

async function sharedOf({ pool }: ApiContext, scope: Scope): Promise<Shared> {
  const [totals, oldest, failing] = await Promise.all([
    totalsOf(pool, scope),
    oldestInReview(pool, scope),
    failingReceivers(pool, scope),
  ]);
  return { totals, oldest, failing };
}

async function booksOf({ pool }: ApiContext) {
  const last = await lastBooksCheck(pool);
  return last ? { ...last, checkedAt: last.checkedAt.toISOString() } : null;
}

const nextRunOf = ({ payoutRuns }: ApiContext) => withLimit(payoutRuns.schedule(), ASK_TEMPORAL_MS).catch(() => null);

export function adminOverviewRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { read } = documented('admin');
  return async (app) => {
    app.get(
      '/overview',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject({ merchantId: word.optional(), mode: z.enum(['test', 'live']).optional() }),
          ...read('Everything at a glance: of all merchants, or of one', adminOverviewSchema),
        },
      },
      async (request) => {
        const { merchantId, mode } = request.query;
        const [shared, nextRun, workers, books] = await Promise.all([
          sharedOf(context, { merchantId, mode }),
          nextRunOf(context),
          seeWorkers(context.pool),
          booksOf(context),
        ]);
        const configured = context.psps.all().map(({ mode: of, connector }) => ({ name: connector.name, mode: of }));
        const psps = presentPsps(
          merchantId === undefined ? shared.totals : await totalsOf(context.pool, { merchantId: undefined, mode }),
          configured.filter((each) => mode === undefined || each.mode === mode),
        );
        const { seen, well } = workers;
        return {
          ...presentOverview(shared, asItIs),
          psps,
          nextRun: nextRun && { paused: nextRun.paused, nextRunAt: nextRun.nextRunAt },
          workers: { running: seen, stuck: seen - well },
          books,
        };
      },
    );
  };
}

export function merchantOverviewRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { read } = documented('payouts');
  return async (app) => {
    app.get(
      '/overview',
      {
        onRequest: merchantAuth(context, 'payouts:read'),
        schema: { querystring: noQuery, ...read('Everything of yours at a glance', merchantOverviewSchema) },
      },
      async (request) => presentOverview(await sharedOf(context, tenantOf(merchantOf(request))), asMerchants),
    );
  };
}
