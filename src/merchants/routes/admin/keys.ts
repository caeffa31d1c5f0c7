/** Merchants' API keys. A key is shown once, when it is made; afterwards there is only its hash. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newApiKey } from '../../../crypto/newSecret.ts';
import { audited } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth, mustStillOpen } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { readExpiry, time } from '../../../http/times.ts';
import { newId } from '../../../rules/newId.ts';
import { ownedBy } from '../../../rules/owner.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { SCOPES } from '../../../rules/scopes.ts';
import { presentKey, revokeWithMade } from '../keyAnswers.ts';
import { keySchema, newKeySchema } from './schemas.ts';

const { read, write } = documented('admin');

const creation = z.strictObject({
  mode: z.enum(['test', 'live']),
  scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).optional().meta({ description: 'Without any the key may do everything' }),
  expiresAt: time.nullish(),
});

export function keyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.keys);
  const { prisma } = context;

  async function mustExist(merchantId: string): Promise<void> {
    if (!(await prisma.merchant.findUnique({ where: { id: merchantId }, select: { id: true } }))) throw notFound();
  }

  return async (app) => {
    app.post(
      '/merchants/:id/api-keys',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: creation,
          ...write('Make a key; it is shown once', 201, newKeySchema),
        },
      },
      async (request, reply) => {
        const merchantId = request.params.id;
        const { mode, scopes = [], expiresAt } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('key'),
          isSecret: true,
          async execute(id) {
            await mustExist(merchantId);
            const until = readExpiry(expiresAt);
            const { key, ...kept } = newApiKey(`pk_${mode}_`);
            // Who issues the key stands for what is paid with it: maker and checker are two people.
            const rights = { mode, scopes: [...new Set(scopes)], createdBy: adminOf(request).adminId };
            const note = {
              action: 'api_key.create',
              target: id,
              data: { merchantId, mode, scopes, expiresAt: expiresAt ?? null },
            };
            const made = await audited(context, request, note, async (db) => {
              await mustStillOpen(db, request);
              return await db.apiKey.upsert({
                where: { id },
                create: { id, ...ownedBy('merchant', merchantId), ...rights, ...kept, expiresAt: until },
                update: kept, // made before, but its answer was lost and with it the key
              });
            });
            return { status: 201, body: { ...presentKey(made), key } };
          },
        });
      },
    );

    app.get(
      '/merchants/:id/api-keys',
      {
        onRequest,
        schema: { params: byId, querystring: z.strictObject(pageQuery), ...read('A merchant’s keys', listSchema(keySchema)) },
      },
      async (request) => {
        const merchantId = request.params.id;
        await mustExist(merchantId);
        const page = openPage(request, request.query, ID_KEY);
        const found = await prisma.apiKey.findMany({
          where: { ...ownedBy('merchant', merchantId), ...(page.after && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(found, ({ id }) => id, presentKey);
      },
    );

    app.delete(
      '/api-keys/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          ...write('Revoke a key, at once, with the providers’ keys that it made', 204, z.null()),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await audited(context, request, { action: 'api_key.revoke', target: id }, async (db) => {
          if (!(await revokeWithMade(db, { id }))) throw notFound();
        });
        return reply.code(204).send();
      },
    );
  };
}
