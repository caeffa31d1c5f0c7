/** What happened to a merchant's payouts and users, exactly as their webhooks tell it, and a webhook once more. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { GAME_NOTES } from '../../games/rules/machine.ts';
import type { WebhookDelivery, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { type MerchantCaller, merchantOf, seerOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { TIMELINE_ONLY } from '../../payouts/rules/machine.ts';
import { newId } from '../../rules/newId.ts';
import { resend } from '../../webhooks/deliveries.ts';
import { ownEndpoint, SWITCHED_OFF } from '../../webhooks/endpoints.ts';
import { presentDelivery } from '../../webhooks/present.ts';
import { wantsEvent } from '../../webhooks/rules/eventPatterns.ts';
import { deliverySchema } from '../../webhooks/schemas.ts';
import { placeText } from '../place.ts';
import { type PublicEvent, presentEvent } from '../presentEvent.ts';
import { findEvent, listEvents, type SeenEvent } from '../reads.ts';
import { EVENT_TYPES } from '../rules/eventTypes.ts';
import { eventSchema } from '../schemas.ts';

const { read, write } = documented('webhooks');

/** No webhook tells it. */
const UNTOLD = [...TIMELINE_ONLY, ...GAME_NOTES];

const query = z.strictObject({ type: z.enum(EVENT_TYPES).optional(), payoutId: word.optional(), ...pageQuery });
const resending = z.strictObject({ endpointId: word.optional() }).nullish();
const resent = z.object({ deliveries: z.array(deliverySchema) });

export function eventRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma, pool } = context;
  const reads = merchantAuth(context, 'webhooks:read');

  const present = (event: SeenEvent): PublicEvent => presentEvent(event, 'merchant');

  return async (app) => {
    app.get(
      '/events',
      { onRequest: reads, schema: { querystring: query, ...read('What happened, the newest first', listSchema(eventSchema)) } },
      async (request) => {
        const { type, payoutId } = request.query;
        const page = openPage(request, request.query, placeText);
        const subject = payoutId === undefined ? undefined : { kind: 'payout', id: payoutId };
        const filter = { type, subject, before: page.after, take: page.take };
        const events = await listEvents(pool, seerOf(merchantOf(request)), UNTOLD, filter);
        return page.answer(events, ({ place }) => place, present);
      },
    );

    app.get(
      '/events/:id',
      { onRequest: reads, schema: { params: byId, querystring: noQuery, ...read('One event', eventSchema) } },
      async (request) => present(await ownEvent(merchantOf(request), request.params.id)),
    );

    app.post(
      '/events/:id/resend',
      {
        onRequest: merchantAuth(context, 'webhooks:write'),
        schema: {
          params: byId,
          querystring: noQuery,
          body: resending,
          ...keyed,
          ...write('Send an event once more, to one endpoint or to all that get it', 202, resent),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        return await once(context, request, reply, {
          allot: () => newId('rsd'),
          async execute() {
            const event = await ownEvent(caller, request.params.id);
            const endpointId = request.body?.endpointId;
            const deliveries = endpointId ? [await toOne(caller, event, endpointId)] : await toAll(caller, event);
            await resend(
              pool,
              deliveries.map(({ id }) => id),
            );
            return { status: 202, body: { deliveries: deliveries.map(presentDelivery) } };
          },
        });
      },
    );
  };

  /** The caller's event, as the webhook shows it. What is only for the timeline is nobody's. */
  async function ownEvent(caller: MerchantCaller, id: string): Promise<SeenEvent> {
    const found = await findEvent(pool, seerOf(caller), UNTOLD, id);
    if (!found) throw notFound();
    return found;
  }

  async function toOne(caller: MerchantCaller, event: SeenEvent, endpointId: string): Promise<WebhookDelivery> {
    const endpoint = await ownEndpoint(prisma, caller, endpointId);
    if (endpoint.disabledAt)
      throw new Problem(422, 'endpoint_disabled', SWITCHED_OFF, {
        errors: [{ pointer: '/endpointId', code: 'endpoint_disabled', detail: SWITCHED_OFF }],
      });
    return await deliveryTo(event, endpoint);
  }

  /** The subject's own callbackUrl, if it has one and is the caller's, and every endpoint that is on and asks for such events now. */
  async function toAll(caller: MerchantCaller, event: SeenEvent): Promise<WebhookDelivery[]> {
    const isOwner = event.ownerKind === 'merchant' && event.ownerId === caller.merchantId;
    const deliveries = isOwner ? await prisma.webhookDelivery.findMany({ where: { id: deliveryId(event.id, 'callback') } }) : [];
    const endpoints = await prisma.webhookEndpoint.findMany({
      where: { ...tenantOf(caller), disabledAt: null, deletedAt: null },
    });
    for (const endpoint of endpoints) {
      if (wantsEvent(endpoint.eventTypes, event.type)) deliveries.push(await deliveryTo(event, endpoint));
    }
    return deliveries;
  }

  /** The delivery of this event to this endpoint; an endpoint that is younger than the event gets one now. */
  async function deliveryTo(
    { id: eventId, subjectKind, subjectId, sequence }: SeenEvent,
    { id: endpointId, merchantId, mode, url }: WebhookEndpoint,
  ): Promise<WebhookDelivery> {
    const id = deliveryId(eventId, endpointId.slice('we_'.length));
    const event = { eventId, subjectKind, subjectId, sequence };
    const receiver = { merchantId, mode, receiverId: endpointId, endpointId, url };
    return await prisma.webhookDelivery.upsert({
      where: { id },
      // Not pending: it is tried once because somebody asked, and follows no schedule.
      create: { id, ...event, ...receiver, state: 'failed' },
      update: {},
    });
  }
}

/** As the SQL function announce names it. */
const deliveryId = (eventId: string, to: string): string => `whd_${eventId.slice('evt_'.length)}_${to}`;
