/** The people who run an installation. The first one is made by `oncepay admin create`. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newApiKey } from '../../crypto/newSecret.ts';
import type { Admin, Prisma } from '../../generated/prisma/client.ts';
import { newId } from '../../rules/newId.ts';
import { ownedBy } from '../../rules/owner.ts';
import { ACTION_ROLES, ROLES } from '../../rules/roles.ts';
import { audited } from '../audit.ts';
import { adminOf } from '../caller.ts';
import type { ApiContext } from '../context.ts';
import { byId, documented, noQuery } from '../documented.ts';
import { emailAddress } from '../emailAddress.ts';
import { oneAtATime } from '../oneAtATime.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../paging.ts';
import { plainText } from '../plainText.ts';
import { adminAuth, mustStillOpen } from '../plugins/auth.ts';
import { onceIfKeyed } from '../plugins/idempotency.ts';
import { notFound, Problem } from '../problem.ts';
import { revokeKeys } from '../revokeKeys.ts';
import { adminSchema, newAdminSchema } from './adminSchemas.ts';

const { read, write } = documented('admin');

const creation = z.strictObject({ name: plainText(1, 100), role: z.enum(ROLES), email: emailAddress.nullish() });

export function adminsRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.admins);
  const { prisma } = context;

  return async (app) => {
    app.post(
      '/admins',
      {
        onRequest,
        schema: { querystring: noQuery, body: creation, ...write('Make an admin; the key is shown once', 201, newAdminSchema) },
      },
      async (request, reply) => {
        const { name, role, email = null } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('adm'),
          isSecret: true,
          async execute(id) {
            const { key, ...kept } = newApiKey('ak_');
            const made = await audited(
              context,
              request,
              { action: 'admin.create', target: id, data: { name, role, email } },
              async (db) => {
                // One at a time for a name: twins at the same moment would both find it free.
                await oneAtATime(db, `admin ${name}`);
                await mustStillOpen(db, request);
                const namesake = await db.admin.findUnique({ where: { name } });
                if (namesake && namesake.id !== id) throw new Problem(409, 'name_taken', 'There is an admin of this name.');
                const one = namesake ?? (await db.admin.create({ data: { id, name, role, email } }));
                // Made before, but its answer was lost and with it the key: that one must open nothing.
                await revokeKeys(db, ownedBy('admin', id));
                await db.apiKey.create({
                  data: { id: newId('key'), ...ownedBy('admin', id), createdBy: adminOf(request).adminId, ...kept },
                });
                return one;
              },
            );
            return { status: 201, body: { ...present(made), key } };
          },
        });
      },
    );

    app.get(
      '/admins',
      { onRequest, schema: { querystring: z.strictObject(pageQuery), ...read('All admins', listSchema(adminSchema)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const admins = await prisma.admin.findMany({
          where: page.after === undefined ? {} : { id: { lt: page.after } },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(admins, ({ id }) => id, present);
      },
    );

    app.delete(
      '/admins/:id',
      { onRequest, schema: { params: byId, querystring: noQuery, ...write('Deactivate an admin with all keys', 204, z.null()) } },
      async (request, reply) => {
        const { id } = request.params;
        await audited(context, request, { action: 'admin.deactivate', target: id }, (db) => deactivate(db, id));
        return reply.code(204).send();
      },
    );
  };
}

/** With the last admin of that role gone, nobody could make another. */
async function deactivate(db: Prisma.TransactionClient, id: string): Promise<void> {
  // All of them are locked, so that two who deactivate each other at the same moment meet here.
  const admins = await db.$queryRaw<
    { id: string }[]
  >`SELECT id FROM admins WHERE role = 'admin' AND active ORDER BY id FOR UPDATE`;
  if (admins.length === 1 && admins[0]?.id === id)
    throw new Problem(409, 'last_admin', 'This is the last active admin: make another one first.');
  const { count } = await db.admin.updateMany({ where: { id }, data: { active: false } });
  if (count === 0) throw notFound();
  await revokeKeys(db, ownedBy('admin', id));
}

function present({ id, name, role, email, active, createdAt }: Admin): z.infer<typeof adminSchema> {
  return { id, object: 'admin', name, role, email, active, createdAt: createdAt.toISOString() };
}
