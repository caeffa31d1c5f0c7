/** What users were paid and is said to be wrong: seen, and decided on. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { disputedSchema, presentDisputed } from '../../present/disputed.ts';
import { type DisputedRecord, listDisputed, readDistribution } from '../../resolutionReads.ts';
import { DECISION_ROLES } from '../../rules/decision.ts';
import { judgeDistribution } from '../../useCases/disputeDistribution.ts';
import { judged } from '../answers.ts';

const { read, write } = documented('admin');

export function adminDistributionRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;

  async function mustRead(id: string): Promise<DisputedRecord> {
    const found = await readDistribution(pool, id);
    if (!found) throw notFound();
    return found;
  }

  return async (app) => {
    app.get(
      '/distributions',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Distributions that are disputed, those of the oldest resolution first', listSchema(disputedSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listDisputed(pool, { after: page.after, take: page.take });
        return page.answer(found, ({ distribution }) => distribution.id, presentDisputed);
      },
    );

    const judgement = (kind: 'uphold' | 'overturn', summary: string) =>
      app.post(
        `/distributions/:id/${kind}`,
        {
          onRequest: adminAuth(context, DECISION_ROLES[kind]),
          schema: { params: byId, querystring: noQuery, body: noBody, ...write(summary, 200, disputedSchema) },
        },
        async (request, reply) => {
          const { adminId } = adminOf(request);
          return await onceIfKeyed(context, request, reply, {
            allot: () => newId('upd'),
            async execute(key) {
              const { distribution } = await mustRead(request.params.id);
              const { id: distributionId, resolutionId } = distribution;
              const answer = await judgeDistribution(context, { distributionId, adminId, key, via: 'api', kind });
              const data = { resolutionId, outcome: answer.outcome };
              await writeAudit(prisma, request, { action: `distribution.${kind}`, target: distributionId, data });
              judged(answer);
              return { status: 200, body: presentDisputed(await mustRead(distributionId)) };
            },
          });
        },
      );

    judgement('uphold', 'It was paid as it should be');
    judgement('overturn', 'It was not: the whole resolution is rolled back');
  };
}
