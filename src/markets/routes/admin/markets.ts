/** What operators see of markets, and how a market is resolved: seen beforehand, done, verified. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { type Answer, onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { invalidRequest, notFound, Problem, paused } from '../../../http/problem.ts';
import { moneySchema } from '../../../http/schemas.ts';
import type { ResolveAnswer } from '../../../ledger/distributions.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentStatistics, presentWhole, type WholeMarket } from '../../present/market.ts';
import { presentPreview, presentVerification, previewSchema, verificationSchema } from '../../present/preview.ts';
import { presentResolution } from '../../present/resolution.ts';
import { marketSchema, resolutionSchema } from '../../present/schemas.ts';
import { listAllMarkets, readMarket } from '../../reads.ts';
import { VOID } from '../../rules/market.ts';
import { preview } from '../../useCases/preview.ts';
import { resolve } from '../../useCases/resolve.ts';
import { verify } from '../../useCases/verify.ts';

const { read, write } = documented('admin');

const EVIDENCE_MOST = 2_000;

const adminMarket = marketSchema
  .extend({
    merchantId: z.string(),
    statistics: z.object({
      averageCommitment: moneySchema.nullable().meta({ description: 'Rounded down; null: there is none' }),
      averageStake: moneySchema.nullable().meta({ description: 'Of a participant, rounded down' }),
      pool: moneySchema.meta({ description: 'What lies in it now' }),
      missing: moneySchema.meta({ description: 'What it lacks since a rollback' }),
      paid: moneySchema.meta({ description: 'By the newest resolution, and not taken back' }),
      fees: z.object({ total: moneySchema, house: moneySchema, creator: moneySchema }).meta({ description: 'Booked' }),
    }),
  })
  .meta({ id: 'AdminMarket' });

/** Which there are, the market says. */
const outcome = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'The id of an option, `yes` or `no` of a binary market, or `void`' });

const resolution = z
  .strictObject({
    outcome,
    evidence: plainText(1, EVIDENCE_MOST).nullish(),
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'Must be the planHash of a preview.')
      .nullish()
      .meta({ description: 'Of the preview that was seen: if it is no longer true, 409 `plan_changed`' }),
  })
  .meta({ id: 'NewResolution' });

export function adminMarketRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;
  const reads = adminAuth(context, ACTION_ROLES.read);

  async function mustRead(id: string): Promise<WholeMarket> {
    const market = await readMarket(pool, id);
    if (!market) throw notFound();
    return market;
  }

  const present = (market: WholeMarket) => ({
    ...presentWhole(market),
    merchantId: market.merchantId,
    statistics: presentStatistics(market),
  });

  return async (app) => {
    app.get(
      '/markets',
      {
        onRequest: reads,
        schema: { querystring: z.strictObject(pageQuery), ...read('Markets, newest first', listSchema(adminMarket)) },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const markets = await listAllMarkets(pool, { before: page.after, take: page.take });
        return page.answer(markets, ({ id }) => id, present);
      },
    );

    app.get(
      '/markets/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One market', adminMarket) } },
      async (request) => present(await mustRead(request.params.id)),
    );

    app.post(
      '/markets/:id/preview',
      {
        onRequest: reads,
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ outcome }).meta({ id: 'PreviewedOutcome' }),
          ...write('What a resolution would pay: nothing is done', 200, previewSchema),
        },
      },
      async (request) => {
        const market = await mustRead(request.params.id);
        mustHaveOutcome(market, request.body.outcome, '/outcome');
        return presentPreview(market, request.body.outcome, await preview(context, market.id, request.body.outcome));
      },
    );

    app.post(
      '/markets/:id/resolve',
      {
        onRequest: adminAuth(context, ACTION_ROLES.resolveMarket),
        schema: {
          params: byId,
          querystring: noQuery,
          body: resolution,
          ...write('Say what came true: participants may dispute it, then it is paid', 202, resolutionSchema),
        },
      },
      async (request, reply) => {
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('res'),
          async execute(resolutionId) {
            const { id: marketId, ...market } = await mustRead(request.params.id);
            const { outcome: said, evidence = null, planHash = null } = request.body;
            mustHaveOutcome(market, said, '/outcome');
            const answer = await resolve(context, { resolutionId, marketId, outcome: said, evidence, adminId, planHash });
            const data = { resolutionId, outcome: said, answer: answer.outcome };
            await writeAudit(prisma, request, { action: 'market.resolve', target: marketId, data });
            return resolvedAnswer(answer);
          },
        });
      },
    );

    app.get(
      '/markets/:id/verification',
      {
        onRequest: reads,
        schema: {
          params: byId,
          querystring: noQuery,
          ...read('What the commitments come to, recomputed, and what was paid', verificationSchema),
        },
      },
      async (request) => {
        const verified = await verify(context, request.params.id);
        if (!verified) throw notFound();
        return presentVerification(verified);
      },
    );
  };
}

/** @throws Problem 400 */
export function mustHaveOutcome({ options }: Pick<WholeMarket, 'options'>, said: string, pointer: string): void {
  if (said === VOID || options.some(({ id }) => id === said)) return;
  throw invalidRequest([{ pointer, code: 'unknown_option', detail: 'This market has no such option.' }]);
}

/** @throws Problem 409 or 503 for what is not begun. */
function resolvedAnswer(answer: ResolveAnswer): Answer {
  switch (answer.outcome) {
    case 'plan_changed':
      throw new Problem(409, 'plan_changed', 'What would be paid is no longer what you saw: look at a new preview.', {
        recorded: { planHash: answer.planHash },
      });
    case 'paused':
      throw paused();
    case 'wrong_state':
      throw new Problem(409, 'wrong_state', 'This market is resolved, or is being resolved.');
    default:
      return { status: 202, body: presentResolution(answer.resolution) };
  }
}
