/** Who did what, the newest first. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ACTION_ROLES } from '../../rules/roles.ts';
import type { ApiContext } from '../context.ts';
import { documented, word } from '../documented.ts';
import { BIGINT_KEY, listSchema, openPage, pageQuery } from '../paging.ts';
import { adminAuth } from '../plugins/auth.ts';
import { auditSchema } from './adminSchemas.ts';

const { read } = documented('admin');

const query = z.strictObject({
  admin: word.optional().meta({ description: 'An admin’s id, or a merchant’s' }),
  target: word.optional().meta({ description: 'The id of what it was done to' }),
  ...pageQuery,
});

export function auditRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/audit',
      {
        onRequest: adminAuth(context, ACTION_ROLES.audit),
        schema: { querystring: query, ...read('Who did what', listSchema(auditSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, BIGINT_KEY);
        const { admin, target } = request.query;
        const entries = await context.prisma.auditEntry.findMany({
          where: {
            ...(admin && { adminId: admin }),
            ...(target && { target }),
            ...(page.after !== undefined && { id: { lt: page.after } }),
          },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(
          entries,
          ({ id }) => id,
          ({ id, at, ...entry }) => ({ id: id.toString(), object: 'audit_entry' as const, ...entry, at: at.toISOString() }),
        );
      },
    );
  };
}
