/** What PSPs told us, and what became of it. Orphans wait here for a person. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../http/context.ts';
import { documented } from '../../http/documented.ts';
import { type CursorKey, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { presentMessage } from '../present.ts';
import { messageSchema } from '../schemas.ts';

const { read } = documented('admin');

const query = z.strictObject({ state: z.enum(['orphan', 'received', 'applied', 'ignored']).optional(), ...pageQuery });

/** Ours are `ipn_…` and hex; a message's id is made by whoever takes it in. */
const MESSAGE_KEY: CursorKey<string> = (text) => (/^[A-Za-z0-9_:-]{1,100}$/.test(text) ? text : undefined);

export function ipnRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/ipn',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: { querystring: query, ...read('What PSPs told us', listSchema(messageSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, MESSAGE_KEY);
        const { state } = request.query;
        const messages = await context.prisma.pspMessage.findMany({
          where: { ...(state && { state }), ...(page.after && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(messages, ({ id }) => id, presentMessage);
      },
    );
  };
}
