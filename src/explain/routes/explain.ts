/** Why does it stand as it does? Asked of any subject of any flow that explains itself (../flows.ts), now or as of an earlier time. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { adminOf, type MerchantCaller, merchantOf, type ProviderCaller, providerOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented } from '../../http/documented.ts';
import { adminAuth, merchantAuth, providerAuth } from '../../http/plugins/auth.ts';
import { notFound } from '../../http/problem.ts';
import { atQuery, earlier } from '../../http/times.ts';
import { forOperators, forOwner, type Told } from '../../rules/explain.ts';
import { ACTION_ROLES, isRole, mayAct } from '../../rules/roles.ts';
import { TemporalUnavailable } from '../../temporal/client.ts';
import { EXPLAINED, type ExplainedFlow } from '../flows.ts';
import { presentExplanation } from '../present.ts';
import { type Asked, type ExplainPorts, toldOf } from '../reads.ts';
import { explanationSchema } from '../schemas.ts';

const SUMMARY = 'Why it stands as it does: what it waits for, what comes, who may do what';

const portsOf = ({ pool, config, payoutRuns }: ApiContext): ExplainPorts => ({
  pool,
  times: config.times,
  async nextRunAt() {
    try {
      return (await payoutRuns.schedule()).nextRunAt;
    } catch (error) {
      if (error instanceof TemporalUnavailable) return null; // all else can be said without it
      throw error;
    }
  },
});

/** @throws Problem 404, the same for an unknown id and somebody else's. */
async function mustBeTold(ports: ExplainPorts, flow: ExplainedFlow, asked: Asked): Promise<Told<never>> {
  const told = await toldOf(ports, flow, asked);
  if (!told) throw notFound();
  return told;
}

export function adminExplainRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { read } = documented('admin');
  const ports = portsOf(context);
  return async (app) => {
    for (const flow of EXPLAINED) {
      app.get(
        `/${flow.path}/:id/explain`,
        {
          onRequest: adminAuth(context, ACTION_ROLES.read),
          schema: { params: byId, querystring: atQuery, ...read(SUMMARY, explanationSchema) },
        },
        async (request) => {
          const { adminId, role } = adminOf(request);
          const { id } = request.params;
          const told = await mustBeTold(ports, flow, { id, owner: undefined, at: earlier(request.query.at) });
          return presentExplanation(
            id,
            forOperators(flow.explain(told)),
            ({ by, notBy }) => isRole(by) && mayAct(role, by) && !notBy.some((each) => each.id === adminId),
          );
        },
      );
    }
  };
}

/** What is asked by those whose it is. */
async function explainToOwner(
  ports: ExplainPorts,
  flow: ExplainedFlow,
  caller: MerchantCaller | ProviderCaller,
  asked: Omit<Asked, 'owner'>,
) {
  const told = await mustBeTold(ports, flow, { ...asked, owner: seerOf(caller) });
  const state = flow.status[caller.kind]?.(told.record);
  if (state === undefined) throw notFound();
  return presentExplanation(asked.id, forOwner(flow.explain(told), caller.kind, state), () => true);
}

export function merchantExplainRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const ports = portsOf(context);
  return async (app) => {
    for (const flow of EXPLAINED.filter(({ status }) => status.merchant)) {
      const { read } = documented(flow.tag);
      app.get(
        `/${flow.path}/:id/explain`,
        {
          onRequest: merchantAuth(context, flow.scope),
          schema: { params: byId, querystring: atQuery, ...read(SUMMARY, explanationSchema) },
        },
        async (request) =>
          await explainToOwner(ports, flow, merchantOf(request), { id: request.params.id, at: earlier(request.query.at) }),
      );
    }
  };
}

export function providerExplainRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { read } = documented('provider');
  const ports = portsOf(context);
  return async (app) => {
    for (const flow of EXPLAINED.filter(({ status }) => status.provider)) {
      app.get(
        `/${flow.path}/:id/explain`,
        {
          onRequest: providerAuth(context),
          schema: { params: byId, querystring: atQuery, ...read(SUMMARY, explanationSchema) },
        },
        async (request) =>
          await explainToOwner(ports, flow, providerOf(request), { id: request.params.id, at: earlier(request.query.at) }),
      );
    }
  };
}
