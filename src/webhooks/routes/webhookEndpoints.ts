/** Where a merchant's events go: endpoints with a secret of their own, apart for test and live. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newWebhookSecret } from '../../crypto/newSecret.ts';
import { encryptSecret } from '../../crypto/secretBox.ts';
import { EVENT_TYPES } from '../../events/rules/eventTypes.ts';
import type { Prisma, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { type MerchantCaller, merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { mustBeAllowed, urlText } from '../../http/customerUrl.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { oneAtATime } from '../../http/oneAtATime.ts';
import { BIGINT_KEY, ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { Problem } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import { changeEndpoint, ownEndpoint as own, type ToReceiver } from '../endpoints.ts';
import { showEndpoint, withHealth } from '../health.ts';
import { presentAttempt, presentEndpoint } from '../present.ts';
import { eventPatternFault } from '../rules/eventPatterns.ts';
import { endpointSchema, endpointWithSecretSchema, webhookAttemptSchema } from '../schemas.ts';

const { read, write } = documented('webhooks');

/** Every event is stored once for each: enough for a staging, a live and an accounting system, several times over. */
const ENDPOINTS_MAX = 16;

const FAULTS = {
  invalid_type: 'Must be a text.',
  unknown_event_type: 'Must be an event type such as payout.succeeded, a family such as payout.*, or *.',
} as const;

const eventTypes = z
  .array(
    z.string().superRefine((pattern, context) => {
      const code = eventPatternFault(pattern);
      if (code) context.addIssue({ code: 'custom', message: FAULTS[code], params: { code } });
    }),
  )
  .min(1)
  .max(20)
  .meta({
    description: `Types, families such as \`payout.*\`, or \`*\`. There are: ${EVENT_TYPES.join(', ')}`,
    examples: [['payout.*']],
  })
  .transform((patterns) => [...new Set(patterns)]);

const url = urlText('https://example.com/webhooks');
const creation = z.strictObject({ url, eventTypes: eventTypes.default(['payout.*']) });
const change = z.strictObject({ url: url.optional(), eventTypes: eventTypes.optional(), disabled: z.boolean().optional() });
export function webhookEndpointRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma, pool, keys } = context;
  const reads = merchantAuth(context, 'webhooks:read');
  const writes = merchantAuth(context, 'webhooks:write');
  const rulesFor = ({ mode }: MerchantCaller) => ({ allowLoopback: context.config.webhookAllowLoopbackTest && mode === 'test' });

  return async (app) => {
    app.post(
      '/webhook-endpoints',
      {
        onRequest: writes,
        schema: {
          querystring: noQuery,
          body: creation,
          ...keyed,
          ...write('Make an endpoint; its secret is shown once', 201, endpointWithSecretSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { url, eventTypes } = request.body;
        return await once(context, request, reply, {
          allot: () => newId('we'),
          isSecret: true,
          async execute(id) {
            await mustBeAllowed(url, '/url', rulesFor(caller));
            const secret = newWebhookSecret();
            const made = await create({ id, ...tenantOf(caller), url, eventTypes, secret: encryptSecret(keys, secret) });
            return { status: 201, body: { ...presentEndpoint(made), secret } };
          },
        });
      },
    );

    app.get(
      '/webhook-endpoints',
      { onRequest: reads, schema: { querystring: z.strictObject(pageQuery), ...read('Endpoints', listSchema(endpointSchema)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await prisma.webhookEndpoint.findMany({
          where: { ...tenantOf(merchantOf(request)), deletedAt: null, ...(page.after && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(found, ({ id }) => id, await withHealth(pool, found));
      },
    );

    app.get(
      '/webhook-endpoints/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One endpoint', endpointSchema) } },
      async (request) => await showEndpoint(pool, await own(prisma, merchantOf(request), request.params.id)),
    );

    app.patch(
      '/webhook-endpoints/:id',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          body: change,
          ...keyed,
          ...write('Change an endpoint', 200, endpointSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { url, eventTypes, disabled } = request.body;
        return await once(context, request, reply, {
          allot: () => newId('chg'),
          async execute() {
            if (url !== undefined) await mustBeAllowed(url, '/url', rulesFor(caller));
            const { id } = await own(prisma, caller, request.params.id);
            const data = { ...(url !== undefined && { url }), ...(eventTypes && { eventTypes }), ...switched(disabled) };
            const toReceiver = whatRelayIsTold(url, disabled);
            const changed = toReceiver
              ? await changeEndpoint(prisma, id, data, toReceiver)
              : await prisma.webhookEndpoint.update({ where: { id }, data });
            return { status: 200, body: await showEndpoint(pool, changed) };
          },
        });
      },
    );

    app.delete(
      '/webhook-endpoints/:id',
      { onRequest: writes, schema: { params: byId, querystring: noQuery, ...write('Remove an endpoint', 204, z.null()) } },
      async (request, reply) => {
        const { id } = await own(prisma, merchantOf(request), request.params.id);
        await changeEndpoint(prisma, id, { deletedAt: new Date() }, 'revoke_lease');
        return reply.code(204).send();
      },
    );

    app.get(
      '/webhook-endpoints/:id/attempts',
      {
        onRequest: reads,
        schema: {
          params: byId,
          querystring: z.strictObject(pageQuery),
          ...read('What came of each try, the newest first', listSchema(webhookAttemptSchema)),
        },
      },
      async (request) => {
        const { id } = await own(prisma, merchantOf(request), request.params.id);
        const page = openPage(request, request.query, BIGINT_KEY);
        const attempts = await prisma.webhookAttempt.findMany({
          where: { endpointId: id, ...(page.after !== undefined && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(attempts, ({ id: key }) => key, presentAttempt);
      },
    );
  };

  async function create(wanted: NewEndpoint): Promise<WebhookEndpoint> {
    const { id, merchantId, mode, secret } = wanted;
    return await prisma.$transaction(async (db) => {
      // One at a time for a merchant and mode: two at once would both find room for one.
      await oneAtATime(db, `webhook_endpoints ${merchantId} ${mode}`);
      const others = await db.webhookEndpoint.count({ where: { merchantId, mode, deletedAt: null, id: { not: id } } });
      if (others >= ENDPOINTS_MAX)
        throw new Problem(
          422,
          'too_many_endpoints',
          `A merchant may have ${ENDPOINTS_MAX} endpoints in each mode: remove one first.`,
        );
      // There already: made before, but its answer was lost and with it the secret.
      return await db.webhookEndpoint.upsert({ where: { id }, create: wanted, update: { secret } });
    });
  }
}

type NewEndpoint = Pick<WebhookEndpoint, 'id' | 'merchantId' | 'mode' | 'url' | 'eventTypes' | 'secret'>;

/** On again after a 410, or off by the merchant's own wish. */
function switched(disabled: boolean | undefined): Prisma.WebhookEndpointUpdateInput {
  if (disabled === undefined) return {};
  return disabled
    ? { disabledAt: new Date(), disabledReason: 'switched off by the merchant' }
    : { disabledAt: null, disabledReason: null };
}

/** Mended, or said to be: it is tried as if it had never failed. */
function whatRelayIsTold(url: string | undefined, disabled: boolean | undefined): ToReceiver | undefined {
  if (url !== undefined || disabled === false) return 'forget_failing';
  return disabled ? 'revoke_lease' : undefined;
}
