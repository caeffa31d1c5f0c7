/** The merchants of an installation: who they are, what a payout costs them, and from which amount a person looks at it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { newWebhookSecret } from '../../../crypto/newSecret.ts';
import { encryptSecret } from '../../../crypto/secretBox.ts';
import type { Merchant } from '../../../generated/prisma/client.ts';
import { limitsInput } from '../../../http/amountsByCurrency.ts';
import { type AuditNote, audited } from '../../../http/audit.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { emailAddress } from '../../../http/emailAddress.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { readFlows } from '../../../rules/flows.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { changedPolicy, instantPolicyInput, presentPolicy } from '../../instantPolicy.ts';
import { pageOriginsInput } from '../../pageOrigins.ts';
import {
  changedFee,
  changedLimits,
  DEFAULT_FEE,
  DEFAULT_LIMITS,
  feeInput,
  presentTerms,
  readFee,
  readLimits,
} from '../../terms.ts';
import { presentDebt } from './debts.ts';
import { merchantDetailSchema, merchantSchema, newMerchantSchema } from './schemas.ts';

const { read, write } = documented('admin');

const NAME_MAX = 100;
const terms = {
  email: emailAddress.nullish(),
  fee: feeInput.optional(),
  reviewLimits: limitsInput.optional(),
  active: z.boolean().optional(),
  flows: z.strictObject({ games: z.boolean(), markets: z.boolean(), instant: z.boolean() }).partial().optional(),
  instantPolicy: instantPolicyInput.optional(),
  pageOrigins: pageOriginsInput.optional(),
};
const creation = z.strictObject({ name: plainText(1, NAME_MAX), ...terms });
const change = z.strictObject({ name: plainText(1, NAME_MAX).optional(), ...terms });

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
          ...write('Make a merchant; its webhook secret is shown once', 201, newMerchantSchema),
        },
      },
      async (request, reply) => {
        const { name, email = null, fee, reviewLimits, active = true, flows, instantPolicy, pageOrigins = [] } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('mer'),
          isSecret: true,
          async execute(id) {
            const secret = newWebhookSecret();
            const webhookSecret = encryptSecret(keys, secret);
            const made = await audited(context, request, noteOfCreation, (db) =>
              db.merchant.upsert({
                where: { id },
                create: {
                  id,
                  name,
                  email,
                  active,
                  webhookSecret,
                  fee: changedFee(DEFAULT_FEE, fee),
                  reviewLimits: changedLimits(DEFAULT_LIMITS, reviewLimits),
                  flows: { ...flows },
                  instantPolicy: changedPolicy({}, instantPolicy),
                  pageOrigins,
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
      { onRequest, schema: { querystring: z.strictObject(pageQuery), ...read('All merchants', listSchema(merchantSchema)) } },
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
      {
        onRequest,
        schema: { params: byId, querystring: noQuery, ...read('One merchant, and what is owed', merchantDetailSchema) },
      },
      async (request) => {
        const { id } = request.params;
        const found = await prisma.merchant.findUnique({ where: { id } });
        if (!found) throw notFound();
        const debts = await prisma.balance.findMany({ where: { merchantId: id, debt: { gt: 0 } }, orderBy: { id: 'asc' } });
        return { ...present(found), debts: debts.map(presentDebt) };
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
          ...write(
            'Change a merchant: what is given replaces, currency by currency, flow by flow and word by word; `pageOrigins` as a whole',
            200,
            merchantSchema,
          ),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { name, email, fee, reviewLimits, active, flows, instantPolicy, pageOrigins } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('chg'),
          async execute() {
            const { after } = await audited(context, request, noteOfChange, async (db) => {
              // Two changes at once are made one after the other: both count.
              await db.$queryRaw`SELECT 1 FROM merchants WHERE id = ${id} FOR UPDATE`;
              const before = await db.merchant.findUnique({ where: { id } });
              if (!before) throw notFound();
              const data = {
                ...(name !== undefined && { name }),
                ...(email !== undefined && { email }),
                ...(active !== undefined && { active }),
                ...(pageOrigins !== undefined && { pageOrigins }),
                fee: changedFee(readFee(before.fee), fee),
                reviewLimits: changedLimits(readLimits(before.reviewLimits), reviewLimits),
                flows: { ...readFlows(before.flows), ...flows },
                instantPolicy: changedPolicy(before.instantPolicy, instantPolicy),
              };
              return { before, after: await db.merchant.update({ where: { id }, data }) };
            });
            return { status: 200, body: present(after) };
          },
        });
      },
    );
  };
}

const noteOfCreation = (made: Merchant): AuditNote => ({ action: 'merchant.create', target: made.id, data: shownInLog(made) });

const noteOfChange = ({ before, after }: { before: Merchant; after: Merchant }): AuditNote => ({
  action: 'merchant.change',
  target: after.id,
  data: { before: shownInLog(before), after: shownInLog(after) },
});

function shownInLog(merchant: Merchant) {
  const { name, email, active, fee, reviewLimits, flows, instantPolicy, pageOrigins } = present(merchant);
  return { name, email, active, fee, reviewLimits, flows, instantPolicy, pageOrigins };
}

function present(merchant: Merchant): z.infer<typeof merchantSchema> {
  const { id, name, email, active, pageOrigins, createdAt } = merchant;
  const own = { flows: readFlows(merchant.flows), instantPolicy: presentPolicy(merchant.instantPolicy), pageOrigins };
  return { id, object: 'merchant', name, email, active, ...presentTerms(merchant), ...own, createdAt: createdAt.toISOString() };
}
