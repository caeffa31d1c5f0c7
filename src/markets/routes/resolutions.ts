/** How a market is resolved, as its merchant follows it; and what its users say against it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Waiters } from '../../events/waiters.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { plainText } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { nowOrAfter, waitQuery } from '../../http/waiting.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentDistribution } from '../present/distribution.ts';
import { presentResolution, RESOLUTION_STATUS } from '../present/resolution.ts';
import { distributionSchema, resolutionSchema } from '../present/schemas.ts';
import { ownDistribution, ownResolution } from '../reads.ts';
import { listResolutions, listResolutionsOf } from '../resolutionReads.ts';
import { REMARK_MAX } from '../rules/decision.ts';
import { RESOLUTION } from '../rules/machine.ts';
import type { ResolutionRecord } from '../rules/market.ts';
import { dispute } from '../useCases/dispute.ts';
import { disputeDistribution } from '../useCases/disputeDistribution.ts';
import { disputed } from './answers.ts';
import { mustOwnMarket } from './markets.ts';

const { read, write } = documented('markets');

const reason = plainText(1, REMARK_MAX);

/** What a client waits for: another status, and of one that is paid for long another percent, which an event tells. */
const NEXT_STATUS = {
  isAnswer: (now: ResolutionRecord, first: ResolutionRecord) =>
    RESOLUTION.isFinal(now.state) || RESOLUTION_STATUS[now.state] !== RESOLUTION_STATUS[first.state],
  mayEndUnheard: () => false,
};

export function resolutionRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'markets:read');

  async function mustOwn(tenant: Tenant, id: string): Promise<ResolutionRecord> {
    const resolution = await ownResolution(pool, tenant, id);
    if (!resolution) throw notFound();
    return resolution;
  }

  return async (app) => {
    app.get(
      '/resolutions',
      {
        onRequest,
        schema: {
          querystring: z.strictObject({ ...pageQuery, marketId: word.optional() }),
          ...read('Resolutions of your markets, or of one, newest first', listSchema(resolutionSchema)),
        },
      },
      async (request) => {
        const tenant = tenantOf(merchantOf(request));
        const { marketId } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const window = { before: page.after, take: page.take };
        const found =
          marketId === undefined
            ? await listResolutions(pool, tenant, window)
            : await listResolutionsOf(pool, tenant, marketId, window);
        return page.answer(found, ({ id }) => id, presentResolution);
      },
    );

    app.get(
      '/resolutions/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: waitQuery,
          ...read('A resolution as it is now, or after its next change', resolutionSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        const question = { read: () => mustOwn(tenantOf(caller), id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'resolution', id } };
        const resolution = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return presentResolution(resolution);
      },
    );

    app.post(
      '/markets/:id/dispute',
      {
        onRequest: merchantAuth(context, 'markets:write'), // also where markets are switched off: what runs, may be disputed
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ userId: word, reason }).meta({ id: 'OutcomeDispute' }),
          ...keyed,
          ...write(
            'A participant says that the outcome is wrong: it is not paid before somebody has decided',
            200,
            resolutionSchema,
          ),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const { id: marketId } = await mustOwnMarket(context, tenant, request.params.id);
            const resolution = disputed(await dispute(context, { ...tenant, marketId, ...request.body }));
            return { status: 200, body: presentResolution(resolution) };
          },
        });
      },
    );

    app.post(
      '/distributions/:id/dispute',
      {
        onRequest: merchantAuth(context, 'markets:write'),
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ reason }).meta({ id: 'DistributionDispute' }),
          ...keyed,
          ...write('What a user was paid is wrong: somebody is to decide', 200, distributionSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const distributionId = request.params.id;
            if (!(await ownDistribution(pool, tenant, distributionId))) throw notFound();
            const { outcome } = await disputeDistribution(context, { ...tenant, distributionId, reason: request.body.reason });
            if (outcome === 'already_disputed')
              throw new Problem(409, 'already_disputed', 'This distribution was disputed already: once.');
            if (outcome === 'wrong_state')
              throw new Problem(409, 'wrong_state', 'It was not paid, or is being taken back: there is nothing to dispute.');
            const now = await ownDistribution(pool, tenant, distributionId);
            if (!now) throw notFound();
            return { status: 200, body: presentDistribution(now) };
          },
        });
      },
    );
  };
}
