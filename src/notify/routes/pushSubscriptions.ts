/** Where notifications are pushed to: a browser's own address at its push service. Each person has their own. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isPushPoint, isPushSecret } from '../../crypto/pushKeys.ts';
import { encryptSecret } from '../../crypto/secretBox.ts';
import type { PushSubscription } from '../../generated/prisma/client.ts';
import { adminOf, providerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { mustBeAllowed, urlText } from '../../http/customerUrl.ts';
import { documented, noQuery } from '../../http/documented.ts';
import { oneAtATime } from '../../http/oneAtATime.ts';
import { listSchema } from '../../http/paging.ts';
import { adminAuth, providerAuth } from '../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { timeSchema } from '../../http/schemas.ts';
import { newId } from '../../rules/newId.ts';
import { type Owned, ownedBy } from '../../rules/owner.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';

/** Every event is pushed to each: enough for a person's phones, computers and browsers. */
const SUBSCRIPTIONS_MAX = 16;

const endpoint = urlText('https://push.example.com/send/…');

/** As a browser's `PushSubscription.toJSON()` gives it. */
const subscription = z
  .strictObject({
    endpoint,
    expirationTime: z.number().nullish().meta({ description: 'Not used: a push service says so when a browser is gone' }),
    keys: z.strictObject({
      p256dh: z.string().refine(isPushPoint, "Must be a browser's P-256 public key in base64url."),
      auth: z.string().refine(isPushSecret, 'Must be 16 bytes in base64url.'),
    }),
  })
  .meta({ id: 'NewPushSubscription' });

const unsubscription = z.strictObject({ endpoint });

const subscriptionSchema = z
  .object({ id: z.string(), object: z.literal('push_subscription'), endpoint: z.string(), createdAt: timeSchema })
  .meta({ id: 'PushSubscription' });

const subscriptionsSchema = listSchema(subscriptionSchema)
  .extend({
    vapidPublicKey: z.string().nullable().meta({ description: '`applicationServerKey` of a subscription; null: no pushes here' }),
  })
  .meta({ id: 'PushSubscriptions' });

interface Place {
  readonly tag: string;
  readonly onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** Whose subscriptions these are. */
  readonly ownerOf: (request: FastifyRequest) => Owned & { readonly isTest: boolean };
}

export const providerPushRoutes = (context: ApiContext): FastifyPluginAsyncZod =>
  pushSubscriptionRoutes(context, {
    tag: 'provider',
    onRequest: providerAuth(context),
    ownerOf(request) {
      const { providerId, mode } = providerOf(request);
      return { ...ownedBy('provider', providerId), isTest: mode === 'test' };
    },
  });

/** Admins are told of test payouts too: to a loopback address a push about a live one is refused when it is sent. */
export const adminPushRoutes = (context: ApiContext): FastifyPluginAsyncZod =>
  pushSubscriptionRoutes(context, {
    tag: 'admin',
    onRequest: adminAuth(context, ACTION_ROLES.subscribe),
    ownerOf: (request) => ({ ...ownedBy('admin', adminOf(request).adminId), isTest: true }),
  });

function pushSubscriptionRoutes(context: ApiContext, { tag, onRequest, ownerOf }: Place): FastifyPluginAsyncZod {
  const { prisma, keys, config } = context;
  const { read, write } = documented(tag);

  return async (app) => {
    app.post(
      '/push-subscriptions',
      {
        onRequest,
        schema: {
          querystring: noQuery,
          body: subscription,
          ...write(
            'Have notifications pushed to a browser; again with the same endpoint changes its keys',
            201,
            subscriptionSchema,
          ),
        },
      },
      async (request, reply) => {
        const { isTest, ...owner } = ownerOf(request);
        const { endpoint: given, keys: browser } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('psb'),
          async execute(id) {
            if (!config.vapid)
              throw new Problem(422, 'push_not_configured', 'This installation has no VAPID keys: it sends no pushes.');
            await mustBeAllowed(given, '/endpoint', { allowLoopback: config.webhookAllowLoopbackTest && isTest });
            const made = await subscribe(owner, { id, endpoint: given, keys: encryptSecret(keys, JSON.stringify(browser)) });
            return { status: 201, body: present(made) };
          },
        });
      },
    );

    app.get(
      '/push-subscriptions',
      {
        onRequest,
        schema: {
          querystring: noQuery,
          ...read('Your own browsers, and the key to subscribe another one with', subscriptionsSchema),
        },
      },
      async (request) => {
        const { isTest: _, ...owner } = ownerOf(request);
        const own = await prisma.pushSubscription.findMany({ where: owner, orderBy: { id: 'desc' } });
        const vapidPublicKey = config.vapid?.publicKey ?? null;
        return { object: 'list' as const, data: own.map(present), hasMore: false, nextCursor: null, vapidPublicKey };
      },
    );

    app.delete(
      '/push-subscriptions',
      {
        onRequest,
        schema: { querystring: noQuery, body: unsubscription, ...write('Push nothing to this browser any more', 204, z.null()) },
      },
      async (request, reply) => {
        const { isTest: _, ...owner } = ownerOf(request);
        const { count } = await prisma.pushSubscription.deleteMany({ where: { ...owner, endpoint: request.body.endpoint } });
        if (count === 0) throw notFound();
        return reply.code(204).send();
      },
    );
  };

  async function subscribe(owner: Owned, wanted: Pick<PushSubscription, 'id' | 'endpoint' | 'keys'>): Promise<PushSubscription> {
    const { ownerKind, ownerId } = owner;
    return await prisma.$transaction(async (db) => {
      // One at a time for a person: two at once would both find room for one.
      await oneAtATime(db, `push_subscriptions ${ownerKind} ${ownerId}`);
      const others = await db.pushSubscription.count({ where: { ...owner, endpoint: { not: wanted.endpoint } } });
      if (others >= SUBSCRIPTIONS_MAX) {
        throw new Problem(
          422,
          'too_many_subscriptions',
          `You may have ${SUBSCRIPTIONS_MAX} browsers subscribed: remove one first.`,
        );
      }
      return await db.pushSubscription.upsert({
        where: { ownerKind_ownerId_endpoint: { ...owner, endpoint: wanted.endpoint } },
        create: { ...owner, ...wanted },
        update: { keys: wanted.keys },
      });
    });
  }
}

function present({ id, endpoint: url, createdAt }: PushSubscription): z.infer<typeof subscriptionSchema> {
  return { id, object: 'push_subscription', endpoint: url, createdAt: createdAt.toISOString() };
}
