/** What a merchant does when their receiver was or will be away: holds what comes, lets it go, has sent again what was missed. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { EVENT_TYPES } from '../../events/rules/eventTypes.ts';
import { merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noBody, noQuery } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { brokenRule, Problem } from '../../http/problem.ts';
import { time } from '../../http/times.ts';
import { newId } from '../../rules/newId.ts';
import { changeEndpoint, ownEndpoint, SWITCHED_OFF } from '../endpoints.ts';
import { showEndpoint } from '../health.ts';
import { RECOVER_DAYS, windowFaults } from '../rules/recovery.ts';
import { endpointSchema, recoverySchema } from '../schemas.ts';
import { recover } from '../useCases/recover.ts';

const { write } = documented('webhooks');

const recovering = z.strictObject({
  since: time.meta({ format: 'date-time', description: `Events from then on, at most ${RECOVER_DAYS} days ago` }),
  until: time.optional().meta({ format: 'date-time', description: 'And up to then; now, where it is not given' }),
});

/** Some ten thousand events a second are looked through. */
const RETRY_AFTER_S = 5;

export function endpointRecoveryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma, pool } = context;
  const onRequest = merchantAuth(context, 'webhooks:write');

  return async (app) => {
    app.post(
      '/webhook-endpoints/:id/pause',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('Send nothing to it for now: what comes waits, and spends no tries', 200, endpointSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        return await once(context, request, reply, {
          allot: () => newId('chg'),
          async execute() {
            const { id, pausedAt } = await ownEndpoint(prisma, caller, request.params.id);
            const paused = await changeEndpoint(prisma, id, { pausedAt: pausedAt ?? new Date() }, 'revoke_lease');
            return { status: 200, body: await showEndpoint(pool, paused) };
          },
        });
      },
    );

    app.post(
      '/webhook-endpoints/:id/resume',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('Send what has waited, in order, and what comes', 200, endpointSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        return await once(context, request, reply, {
          allot: () => newId('chg'),
          async execute() {
            const { id } = await ownEndpoint(prisma, caller, request.params.id);
            const resumed = await changeEndpoint(prisma, id, { pausedAt: null }, 'forget_failing');
            return { status: 200, body: await showEndpoint(pool, resumed) };
          },
        });
      },
    );

    app.post(
      '/webhook-endpoints/:id/recover',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: recovering,
          ...keyed,
          ...write(
            'Send again what it has missed: what was given up, and events that it wants and was never given. Never what was delivered',
            202,
            recoverySchema,
          ),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { body } = request;
        return await once(context, request, reply, {
          allot: () => newId('rec'),
          async execute(recoveryId) {
            const { id: endpointId, disabledAt } = await ownEndpoint(prisma, caller, request.params.id);
            const now = new Date();
            const window = { since: new Date(body.since), until: body.until === undefined ? undefined : new Date(body.until) };
            const faults = windowFaults(window, now);
            if (faults.length > 0) throw brokenRule(faults);
            if (disabledAt) throw new Problem(409, 'endpoint_disabled', SWITCHED_OFF);
            const recovered = await recover(pool, { recoveryId, endpointId, types: EVENT_TYPES, ...window });
            if (recovered.outcome === 'another_runs') throw recoveryInProgress();
            const until = body.until ?? now.toISOString();
            return {
              status: 202,
              body: { object: 'recovery', endpointId, since: body.since, until, deliveries: recovered.deliveries },
            };
          },
        });
      },
    );
  };
}

/** A 429, so that it is not the last word for its idempotency key. */
const recoveryInProgress = (): Problem =>
  new Problem(429, 'recovery_in_progress', 'This endpoint is being recovered: ask again when that has ended.', {
    headers: { 'retry-after': String(RETRY_AFTER_S) },
  });
