/** Tokens with which a browser opens a live stream: a merchant's server makes them, its pages use them. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { issueStreamToken, STREAM_TOKEN_MS } from '../../crypto/streamToken.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, keyed, noQuery, word } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { timeSchema } from '../../http/schemas.ts';
import { newId } from '../../rules/newId.ts';
import { isOwnUser } from '../../users/reads.ts';

const { write } = documented('streams');

const creation = z.strictObject({ userId: word.optional() }).nullish();
const tokenSchema = z
  .object({
    token: z.string().meta({
      description:
        'As `Authorization: Bearer`, on a WebSocket as a subprotocol; never in a URL. A stream that it has opened goes on after its end.',
    }),
    expiresAt: timeSchema,
  })
  .meta({ id: 'StreamToken' });

const SUMMARY = `Make a token for live streams, for ${STREAM_TOKEN_MS / 60_000} minutes: of one user, or of all that this key may see`;

export function streamTokenRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, keys } = context;

  return async (app) => {
    app.post(
      '/stream-tokens',
      {
        onRequest: merchantAuth(context, 'webhooks:read'),
        schema: { querystring: noQuery, body: creation, ...keyed, ...write(SUMMARY, 201, tokenSchema) },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const userId = request.body?.userId ?? null;
        return await once(context, request, reply, {
          allot: () => newId('tok'),
          isSecret: true,
          isKeysOwn: true,
          async execute() {
            if (userId !== null && !(await isOwnUser(pool, tenantOf(caller), userId))) throw notFound();
            const { token, expiresAt } = issueStreamToken(keys, { keyId: caller.keyId, userId }, Date.now());
            return { status: 201, body: { token, expiresAt: expiresAt.toISOString() } };
          },
        });
      },
    );
  };
}
