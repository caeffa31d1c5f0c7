/** Tokens with which a merchant's user opens a hosted page: the merchant's server makes them, and sends its user there. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { issuePageToken, PAGE_TOKEN_MS, type PageSubject, RETURN_URL_MOST } from '../../crypto/pageToken.ts';
import type { Sql } from '../../db/pool.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { brokenRule, notFound } from '../../http/problem.ts';
import { timeSchema } from '../../http/schemas.ts';
import { pageOriginsOf, returnUrlAt } from '../../merchants/pageOrigins.ts';
import { newId } from '../../rules/newId.ts';
import { isOwnUser, type Tenant } from '../../users/reads.ts';
import { ownInstantPayout, ownPayin } from '../reads.ts';

const { write } = documented('pages');

const creation = z
  .strictObject({
    page: z
      .union([z.strictObject({ withdrawal: word }), z.strictObject({ payin: word })])
      .meta({ description: 'What the page is about: a withdrawal of this user’s, or a payin' }),
    returnUrl: z
      .string()
      .max(RETURN_URL_MOST)
      .nullish()
      .meta({ description: 'Where the page leads back to: on one of the merchant’s `pageOrigins`' }),
  })
  .meta({ id: 'NewPageToken' });

const tokenSchema = z
  .object({
    token: z.string(),
    url: z.string().meta({ description: 'Send the user here: the token stands behind the `#`, which no server is told' }),
    expiresAt: timeSchema,
  })
  .meta({ id: 'PageToken' });

const SUMMARY = `Make a token for a hosted page of one user, for ${PAGE_TOKEN_MS / 3_600_000} hours`;

const subjectOf = (page: z.infer<typeof creation>['page']): PageSubject =>
  'withdrawal' in page ? { kind: 'withdrawal', id: page.withdrawal } : { kind: 'payin', id: page.payin };

export function pageTokenRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, keys, config } = context;
  const base = config.publicUrl.replace(/\/+$/, '');

  return async (app) => {
    app.post(
      '/users/:id/page-tokens',
      {
        onRequest: merchantAuth(context, 'instant:write'), // with it the user acts
        schema: { params: byId, querystring: noQuery, body: creation, ...keyed, ...write(SUMMARY, 201, tokenSchema) },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id: userId } = request.params;
        const { page, returnUrl: asked } = request.body;
        const subject = subjectOf(page);
        return await once(context, request, reply, {
          allot: () => newId('tok'),
          isSecret: true,
          isKeysOwn: true,
          async execute() {
            if (!(await isAbout(pool, tenantOf(caller), userId, subject))) throw notFound();
            const returnUrl = typeof asked === 'string' ? await mustLeadBack(caller.merchantId, asked) : null;
            const claim = { keyId: caller.keyId, userId, subject, returnUrl };
            const { token, expiresAt } = issuePageToken(keys, claim, Date.now());
            const url = `${base}/pages/${caller.merchantId}/${subject.kind}#${token}`;
            return { status: 201, body: { token, url, expiresAt: expiresAt.toISOString() } };
          },
        });
      },
    );
  };

  /** @throws Problem 422: nobody makes a page of ours that leads to a stranger. */
  async function mustLeadBack(merchantId: string, asked: string): Promise<string> {
    const url = returnUrlAt(await pageOriginsOf(pool, merchantId), asked);
    if (url !== undefined && url.length <= RETURN_URL_MOST) return url; // written once, it may be longer than it came
    const detail = `Must be an address on one of your pageOrigins, of ${RETURN_URL_MOST} characters at most, without user name or password.`;
    throw brokenRule([{ pointer: '/returnUrl', code: 'return_url_not_allowed', detail }]);
  }
}

/** Of this user of this merchant in this mode. */
async function isAbout(pool: Sql, tenant: Tenant, userId: string, { kind, id }: PageSubject): Promise<boolean> {
  if (!(await isOwnUser(pool, tenant, userId))) return false;
  const found = kind === 'withdrawal' ? await ownInstantPayout(pool, tenant, id) : await ownPayin(pool, tenant, id);
  return found?.userId === userId;
}
