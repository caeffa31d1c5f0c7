/** The merchants of an installation: who they are, what a payout costs them, and from which amount a person looks at it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newWebhookSecret } from '../../../crypto/newSecret.ts';
import { encryptSecret } from '../../../crypto/secretBox.ts';
import { newId } from '../../../domain/newId.ts';
import { ACTION_ROLES } from '../../../domain/roles.ts';
import type { Merchant } from '../../../generated/prisma/client.ts';
import { audited } from '../../audit.ts';
import type { ApiContext } from '../../context.ts';
import { byId, documented, noQuery, shown } from '../../documented.ts';
import {
  changedFee,
  changedLimits,
  DEFAULT_FEE,
  DEFAULT_LIMITS,
  feeInput,
  limitsInput,
  presentTerms,
  readFee,
  readLimits,
} from '../../merchantTerms.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../paging.ts';
import { plainText } from '../../plainText.ts';
import { adminAuth } from '../../plugins/auth.ts';
import { onceIfKeyed } from '../../plugins/idempotency.ts';
import { notFound } from '../../problem.ts';

const { read, write } = documented('admin');

const NAME_MAX = 100;
const terms = { fee: feeInput.optional(), reviewLimits: limitsInput.optional(), active: z.boolean().optional() };
const creation = z.strictObject({ name: plainText(1, NAME_MAX), ...terms });
const change = z.strictObject({ name: plainText(1, NAME_MAX).optional(), ...terms });
const merchant = shown('merchant');

export function merchantAdminRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.merchants);
  const { prisma, keys } = context;

  return async (app) => {
    app.post(
      '/merchants',
      {
        onRequest,
        schema: {
          querystring: noQuery,
          body: creation,
          ...write('Make a merchant; its webhook secret is shown once', 201, merchant),
        },
      },
      async (request, reply) => {
        const { name, fee, reviewLimits, active = true } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('mer'),
          isSecret: true,
          async execute(id) {
            const secret = newWebhookSecret();
            const webhookSecret = encryptSecret(keys, secret);
            const made = await audited(context, request, { action: 'merchant.create', target: id, data: { name } }, (db) =>
              db.merchant.upsert({
                where: { id },
                create: {
                  id,
                  name,
                  active,
                  webhookSecret,
                  fee: changedFee(DEFAULT_FEE, fee),
                  reviewLimits: changedLimits(DEFAULT_LIMITS, reviewLimits),
                },
                update: { webhookSecret }, // done before, but its answer was lost and with it the secret
              }),
            );
            return { status: 201, body: { ...present(made), webhookSecret: secret } };
          },
        });
      },
    );

    app.get(
      '/merchants',
      { onRequest, schema: { querystring: z.strictObject(pageQuery), ...read('All merchants', listSchema(merchant)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const merchants = await prisma.merchant.findMany({
          where: page.after === undefined ? {} : { id: { lt: page.after } },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        return page.answer(merchants, ({ id }) => id, present);
      },
    );

    app.get(
      '/merchants/:id',
      { onRequest, schema: { params: byId, querystring: noQuery, ...read('One merchant', merchant) } },
      async (request) => {
        const found = await prisma.merchant.findUnique({ where: { id: request.params.id } });
        if (!found) throw notFound();
        return present(found);
      },
    );

    app.patch(
      '/merchants/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: change,
          ...write('Change a merchant: what is given replaces, currency by currency', 200, merchant),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { name, fee, reviewLimits, active } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('chg'),
          async execute() {
            const asked = JSON.parse(JSON.stringify(request.body));
            const changed = await audited(
              context,
              request,
              { action: 'merchant.change', target: id, data: asked },
              async (db) => {
                // Two changes at once are made one after the other: both count.
                await db.$queryRaw`SELECT 1 FROM merchants WHERE id = ${id} FOR UPDATE`;
                const before = await db.merchant.findUnique({ where: { id } });
                if (!before) throw notFound();
                return await db.merchant.update({
                  where: { id },
                  data: {
                    ...(name !== undefined && { name }),
                    ...(active !== undefined && { active }),
                    fee: changedFee(readFee(before.fee), fee),
                    reviewLimits: changedLimits(readLimits(before.reviewLimits), reviewLimits),
                  },
                });
              },
            );
            return { status: 200, body: present(changed) };
          },
        });
      },
    );
  };
}

function present(merchant: Merchant) {
  const { id, name, active, createdAt } = merchant;
  return { id, object: 'merchant' as const, name, active, ...presentTerms(merchant), createdAt: createdAt.toISOString() };
}
