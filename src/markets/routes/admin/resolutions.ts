/** What operators see of resolutions, and what people decide on them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery, statusQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentResolution, RESOLUTION_STATUS, RESOLUTION_STATUSES } from '../../present/resolution.ts';
import { resolutionSchema } from '../../present/schemas.ts';
import { readMarket } from '../../reads.ts';
import { listAllResolutions, readResolution } from '../../resolutionReads.ts';
import { DECISION_ROLES, type Decision, REMARK_MAX } from '../../rules/decision.ts';
import { RESOLUTION_STATES } from '../../rules/machine.ts';
import type { ResolutionRecord } from '../../rules/market.ts';
import { decide } from '../../useCases/decide.ts';
import { decided } from '../answers.ts';
import { mustHaveOutcome } from './markets.ts';

const { read, write } = documented('admin');

const remark = plainText(1, REMARK_MAX);
const approval = z.strictObject({ note: plainText(0, REMARK_MAX).nullish() }).nullish();
const reasoned = z.strictObject({ reason: remark });
const noted = z.strictObject({ note: remark });
const otherwise = z.strictObject({ outcome: z.string().min(1).max(64) });

const adminResolution = resolutionSchema
  .extend({ merchantId: z.string(), resolvedBy: z.string(), rolledBackBy: z.string().nullable() })
  .meta({ id: 'AdminResolution' });

const present = (resolution: ResolutionRecord) => {
  const { merchantId, resolvedBy, rolledBackBy } = resolution;
  return { ...presentResolution(resolution), merchantId, resolvedBy, rolledBackBy };
};

export function adminResolutionRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;
  const reads = adminAuth(context, ACTION_ROLES.read);

  async function mustRead(id: string): Promise<ResolutionRecord> {
    const resolution = await readResolution(pool, id);
    if (!resolution) throw notFound();
    return resolution;
  }

  return async (app) => {
    app.get(
      '/resolutions',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject({
            ...pageQuery,
            state: statusQuery(RESOLUTION_STATUSES),
            needsOperator: z.enum(['true', 'false']).optional(),
          }),
          ...read('Resolutions, newest first', listSchema(adminResolution)),
        },
      },
      async (request) => {
        const { state = [], needsOperator: asked } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const states = RESOLUTION_STATES.filter((each) => state.includes(RESOLUTION_STATUS[each]));
        const needsOperator = asked === undefined ? undefined : asked === 'true';
        const found = await listAllResolutions(pool, { states, needsOperator, before: page.after, take: page.take });
        return page.answer(found, ({ id }) => id, present);
      },
    );

    app.get(
      '/resolutions/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One resolution', adminResolution) } },
      async (request) => present(await mustRead(request.params.id)),
    );

    const decision = <Body extends z.ZodType>(
      kind: Decision['kind'],
      status: 200 | 202,
      summary: string,
      body: Body,
      decisionOf: (body: z.output<Body>) => Decision,
    ) =>
      app.post(
        `/resolutions/:id/${kind}`,
        {
          onRequest: adminAuth(context, DECISION_ROLES[kind]),
          schema: { params: byId, querystring: noQuery, body, ...write(summary, status, adminResolution) },
        },
        async (request, reply) => {
          const { adminId } = adminOf(request);
          return await onceIfKeyed(context, request, reply, {
            allot: () => newId('upd'),
            async execute(updateId) {
              const { id, marketId } = await mustRead(request.params.id);
              const said = decisionOf(request.body as z.output<Body>);
              if (said.kind === 'overturn') await mustBeOutcome(marketId, said.to);
              const answer = await decide(context, id, { adminId, decision: said, updateId });
              const { kind: _, ...data } = said;
              const note = { action: `resolution.${kind}`, target: id, data: { ...data, outcome: answer.outcome } };
              if (answer.outcome !== 'unheard') await writeAudit(prisma, request, note);
              return { status, body: present(decided(answer)) };
            },
          });
        },
      );

    async function mustBeOutcome(marketId: string, to: string): Promise<void> {
      const market = await readMarket(pool, marketId);
      if (!market) throw notFound();
      mustHaveOutcome(market, to, '/outcome');
    }

    decision('approve', 200, 'Let a resolution in review go on', approval, (body) => ({
      kind: 'approve',
      note: body?.note ?? null,
    }));
    decision('reject', 200, 'Refuse a resolution in review: the market can be resolved again', reasoned, ({ reason }) => ({
      kind: 'reject',
      reason,
    }));
    decision('uphold', 200, 'A disputed outcome is right: it is paid', noBody, () => ({ kind: 'uphold' }));
    decision('overturn', 200, 'A disputed outcome is wrong: another begins again', otherwise, ({ outcome }) => ({
      kind: 'overturn',
      to: outcome,
    }));
    decision('rollback', 202, 'Take back all that was paid, fees included', reasoned, ({ reason }) => ({
      kind: 'rollback',
      reason,
    }));
    decision('retry', 202, 'Go on with what has stopped', noBody, () => ({ kind: 'retry' }));
    decision('acknowledge', 200, 'Somebody has looked at it', noted, ({ note }) => ({ kind: 'acknowledge', note }));
  };
}
