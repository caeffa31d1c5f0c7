/**
 * A merchant's keys, made and revoked by itself. A key gives out no more than it has: no scope that it lacks, no other mode, no
 * longer a time. Who issued it stands for what is paid with the keys that it makes, too: maker and checker are two people.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newApiKey } from '../../crypto/newSecret.ts';
import { audited } from '../../http/audit.ts';
import { type MerchantCaller, merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth, mustStillOpen } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { brokenRule, notFound, Problem } from '../../http/problem.ts';
import { readExpiry, time } from '../../http/times.ts';
import { newId } from '../../rules/newId.ts';
import { ownedBy } from '../../rules/owner.ts';
import { SCOPES, type Scope } from '../../rules/scopes.ts';
import { keySchema, newKeySchema } from './admin/schemas.ts';
import { presentKey, revokeWithMade } from './keyAnswers.ts';

const { read, write } = documented('keys');

const creation = z
  .strictObject({
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .max(SCOPES.length)
      .optional()
      .meta({ description: 'Left out: those of the key that makes it' }),
    expiresAt: time.nullish().meta({ description: 'Left out: when the key that makes it does' }),
  })
  .nullish();

/** Those of one world: test and live are two. */
const owned = ({ merchantId, mode }: MerchantCaller) => ({ ...ownedBy('merchant', merchantId), mode });

export function ownKeyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const writes = merchantAuth(context, 'keys:write');

  /** @throws Problem 422 where it would outlive the key that makes it. */
  async function expiryOf({ keyId }: MerchantCaller, said: string | null | undefined): Promise<Date | null> {
    const expiresAt = readExpiry(said);
    const { expiresAt: last } = await prisma.apiKey.findUniqueOrThrow({ where: { id: keyId }, select: { expiresAt: true } });
    if (expiresAt !== null && last !== null && expiresAt > last) {
      const detail = `Must not be after ${last.toISOString()}, when the key that makes it ends.`;
      throw brokenRule([{ pointer: '/expiresAt', code: 'outlives_key', detail }]);
    }
    return expiresAt ?? last;
  }

  return async (app) => {
    app.post(
      '/api-keys',
      {
        onRequest: writes,
        schema: { querystring: noQuery, body: creation, ...keyed, ...write('Make a key; it is shown once', 201, newKeySchema) },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        return await once(context, request, reply, {
          allot: () => newId('key'),
          isSecret: true,
          isKeysOwn: true,
          async execute(id) {
            const { mode, makerId, keyId } = caller;
            const scopes = scopesOf(caller, request.body?.scopes);
            const expiresAt = await expiryOf(caller, request.body?.expiresAt);
            const { key, ...kept } = newApiKey(`pk_${mode}_`);
            const until = expiresAt?.toISOString() ?? null;
            const note = { action: 'api_key.create', target: id, data: { mode, scopes, expiresAt: until, madeWith: keyId } };
            const made = await audited(context, request, note, async (db) => {
              await mustStillOpen(db, request);
              return await db.apiKey.upsert({
                where: { id },
                create: { id, ...owned(caller), scopes, expiresAt, createdBy: makerId, ...kept },
                update: kept, // made before, but its answer was lost and with it the key
              });
            });
            return { status: 201, body: { ...presentKey(made), key } };
          },
        });
      },
    );

    app.get(
      '/api-keys',
      {
        onRequest: merchantAuth(context, 'keys:read'),
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Your keys of this mode, newest first', listSchema(keySchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await prisma.apiKey.findMany({
          where: { ...owned(merchantOf(request)), ...(page.after && { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(found, ({ id }) => id, presentKey);
      },
    );

    app.delete(
      '/api-keys/:id',
      {
        onRequest: writes,
        schema: {
          params: byId,
          querystring: noQuery,
          ...write('Revoke a key of this mode, at once, with the providers’ keys that it made', 204, z.null()),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const caller = merchantOf(request);
        const note = { action: 'api_key.revoke', target: id, data: { revokedWith: caller.keyId } };
        await audited(context, request, note, async (db) => {
          if (!(await revokeWithMade(db, { id, ...owned(caller) }))) throw notFound();
        });
        return reply.code(204).send();
      },
    );
  };
}

/** @throws Problem 403 for what this key may not do itself. */
function scopesOf({ scopes: own }: MerchantCaller, asked: readonly Scope[] | undefined): string[] {
  if (asked === undefined || own.length === 0) return [...new Set<string>(asked ?? own)];
  const lacked = asked.filter((scope) => !own.includes(scope));
  if (lacked.length > 0) throw new Problem(403, 'forbidden', `This key lacks what it is to give: ${lacked.join(', ')}.`);
  return [...new Set(asked)];
}
