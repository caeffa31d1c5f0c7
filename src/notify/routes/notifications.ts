/** What people were told, by which channel, and what came of it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Notification } from '../../generated/prisma/client.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { notificationSchema } from '../schemas.ts';

const { read } = documented('admin');

const query = z.strictObject({
  state: z.enum(['pending', 'sent', 'failed']).optional(),
  channel: z.enum(['email', 'push']).optional(),
  payoutId: word.optional(),
  ...pageQuery,
});

export function notificationRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/notifications',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: { querystring: query, ...read('What people were told, newest first', listSchema(notificationSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { state, channel, payoutId } = request.query;
        const notifications = await context.prisma.notification.findMany({
          where: {
            ...(state && { state }),
            ...(channel && { channel }),
            ...(payoutId && { subjectKind: 'payout', subjectId: payoutId }),
            ...(page.after && { id: { lt: page.after } }),
          },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(notifications, ({ id }) => id, present);
      },
    );
  };
}

/** Every field by name: who holds the lease, and what the text is made of, is our own affair. */
function present(row: Notification): z.infer<typeof notificationSchema> {
  const {
    id,
    eventId,
    subjectKind,
    subjectId,
    merchantId,
    mode,
    recipientId,
    channel,
    kind,
    address,
    state,
    attempts,
    lastError,
  } = row;
  return {
    id,
    object: 'notification',
    kind,
    eventId,
    subjectKind,
    subjectId,
    payoutId: subjectKind === 'payout' ? subjectId : null,
    merchantId,
    livemode: mode === 'live',
    audience: row.recipientKind,
    recipientId,
    channel,
    address,
    state,
    attempts,
    lastError,
    createdAt: row.createdAt.toISOString(),
    sentAt: row.sentAt?.toISOString() ?? null,
  };
}
