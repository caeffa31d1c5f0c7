/** Are the books right? Every invariant with the number of rows that break it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ApiContext } from '../../http/context.ts';
import { documented, noQuery } from '../../http/documented.ts';
import { listSchema } from '../../http/paging.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { checkInvariants, presentInvariants } from '../invariants.ts';
import { invariantSchema } from './schemas.ts';

const { read } = documented('admin');

export function invariantRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/invariants',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: { querystring: noQuery, ...read('Are the books right? All 0 is yes', listSchema(invariantSchema)) },
      },
      async () => {
        const data = presentInvariants(await checkInvariants(context.pool));
        return { object: 'list' as const, data, hasMore: false, nextCursor: null };
      },
    );
  };
}
