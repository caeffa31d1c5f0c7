/** The keys of a merchant's providers, for whoever has to end them: in both modes. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audited } from '../../../http/audit.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { notFound } from '../../../http/problem.ts';
import { revokeKeys } from '../../../http/revokeKeys.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { providerKeySchema } from '../../present/schemas.ts';
import { listKeysMadeBy, madeBy } from '../merchant/providerKeyReads.ts';

const { read, write } = documented('admin');

export function adminProviderKeyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const onRequest = adminAuth(context, ACTION_ROLES.keys);
  const path = '/merchants/:id/provider-keys';

  /** @throws Problem 404 */
  async function mustExist(merchantId: string): Promise<void> {
    if (!(await prisma.merchant.findUnique({ where: { id: merchantId }, select: { id: true } }))) throw notFound();
  }

  return async (app) => {
    app.get(
      path,
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject(pageQuery),
          ...read('The keys of a merchant’s providers, newest first', listSchema(providerKeySchema)),
        },
      },
      async (request) => {
        const merchantId = request.params.id;
        await mustExist(merchantId);
        return await listKeysMadeBy(prisma, openPage(request, request.query, ID_KEY), { merchantId });
      },
    );

    app.delete(
      path,
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          ...write('Revoke all keys of a merchant’s providers, at once', 204, z.null()),
        },
      },
      async (request, reply) => {
        const merchantId = request.params.id;
        await mustExist(merchantId);
        await audited(context, request, { action: 'provider_keys.revoke', target: merchantId }, (db) =>
          revokeKeys(db, madeBy({ merchantId })),
        );
        return reply.code(204).send();
      },
    );
  };
}
