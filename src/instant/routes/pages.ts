/** What hosted pages ask and do, with the token of their page alone: about one withdrawal of a payee, or one payin of a payer. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { PageSubject } from '../../crypto/pageToken.ts';
import { merchantOf, pageOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noBody, noQuery } from '../../http/documented.ts';
import { pageAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { timeSchema } from '../../http/schemas.ts';
import { returnUrlAt } from '../../merchants/pageOrigins.ts';
import { newId } from '../../rules/newId.ts';
import { presentBatch, presentInstantPayout } from '../present/instantPayout.ts';
import { batchSchema, confirmationSchema, wholeInstantPayoutSchema, wholePayinSchema } from '../present/schemas.ts';
import { type OwnBatch, ownBatch, ownInstantPayout, ownPayin, readBatches } from '../reads.ts';
import { presentWholePayin } from './answers.ts';
import { rejectBody } from './batches.ts';
import { notReceived, received } from './payeeAnswers.ts';
import { noTurn, proofSchema, takeProof, UPLOAD } from './proofs.ts';

const words = documented('pages');
/** No key opens these. */
const security = [{ bearer: [] }];
const read: typeof words.read = (...said) => ({ ...words.read(...said), security });
const write: typeof words.write = (...said) => ({ ...words.write(...said), security });

const pageFields = {
  merchant: z.object({ name: z.string() }),
  returnUrl: z.string().nullable(),
  now: timeSchema.meta({ description: 'By our clock: deadlines are counted from it' }),
};

const withdrawalPageSchema = z
  .object({
    object: z.literal('withdrawal_page'),
    ...pageFields,
    withdrawal: wholeInstantPayoutSchema.extend({
      batches: z.array(
        batchSchema.extend({ confirmUntil: timeSchema.nullable().meta({ description: 'So long the payee is waited for' }) }),
      ),
    }),
  })
  .meta({ id: 'WithdrawalPage' });

const payinPageSchema = z
  .object({ object: z.literal('payin_page'), ...pageFields, payin: wholePayinSchema })
  .meta({ id: 'PayinPage' });

export function pageRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;
  const onRequest = pageAuth(context, 'instant:write');

  /** What stands around it, whichever page it is. An origin that the merchant has taken off its list is not led back to. */
  async function frameOf(request: FastifyRequest) {
    const { merchantId: id } = merchantOf(request);
    const { name, pageOrigins } = await prisma.merchant.findUniqueOrThrow({ where: { id } });
    const { returnUrl } = pageOf(request);
    return {
      merchant: { name },
      returnUrl: returnUrl === null ? null : (returnUrlAt(pageOrigins, returnUrl) ?? null),
      now: new Date().toISOString(),
    };
  }

  /** @throws Problem 404 on a page about something else. */
  function subjectOf(request: FastifyRequest, kind: PageSubject['kind']) {
    const { subject, userId } = pageOf(request);
    if (subject.kind !== kind) throw notFound();
    return { id: subject.id, userId, tenant: tenantOf(merchantOf(request)) };
  }

  async function withdrawalOf(request: FastifyRequest) {
    const { id, userId, tenant } = subjectOf(request, 'withdrawal');
    const found = await ownInstantPayout(pool, tenant, id);
    if (found?.userId !== userId) throw notFound();
    return found;
  }

  async function payinOf(request: FastifyRequest) {
    const { id, userId, tenant } = subjectOf(request, 'payin');
    const found = await ownPayin(pool, tenant, id);
    if (found?.userId !== userId) throw notFound();
    return found;
  }

  /** A slice of the page's withdrawal. @throws Problem 404, the same for any other slice. */
  async function mustBeOfPage(request: FastifyRequest, batchId: string): Promise<OwnBatch> {
    const { id, userId, tenant } = subjectOf(request, 'withdrawal');
    const found = await ownBatch(pool, tenant, batchId);
    if (!found || found.batch.instantPayoutId !== id || found.userId !== userId) throw notFound();
    return found;
  }

  return async (app) => {
    app.get(
      '/withdrawal',
      { onRequest, schema: { querystring: noQuery, ...read('The withdrawal of the page, for its payee', withdrawalPageSchema) } },
      async (request) => {
        const found = await withdrawalOf(request);
        const batches = (await readBatches(pool, found.id)).map((batch) => ({
          ...presentBatch(batch),
          confirmUntil: batch.confirmUntil,
        }));
        const withdrawal = { ...presentInstantPayout(found), batches };
        return { object: 'withdrawal_page' as const, ...(await frameOf(request)), withdrawal };
      },
    );

    app.post(
      '/withdrawal/batches/:id/confirm',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('I have received the money of this slice', 200, confirmationSchema),
        },
      },
      async (request, reply) =>
        await once(context, request, reply, {
          allot: () => newId('req'),
          execute: async () => await received(context, await mustBeOfPage(request, request.params.id)),
        }),
    );

    app.post(
      '/withdrawal/batches/:id/reject',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: rejectBody,
          ...keyed,
          ...write('I have not received it: an operator decides', 200, batchSchema),
        },
      },
      async (request, reply) =>
        await once(context, request, reply, {
          allot: () => newId('req'),
          execute: async () => await notReceived(context, await mustBeOfPage(request, request.params.id), request.body.reason),
        }),
    );

    app.get(
      '/payin',
      {
        onRequest,
        schema: {
          querystring: noQuery,
          ...read('The payin of the page, with whom to pay while it is its turn', payinPageSchema),
        },
      },
      async (request) => {
        const payin = await presentWholePayin(context, await payinOf(request));
        return { object: 'payin_page' as const, ...(await frameOf(request)), payin };
      },
    );

    app.post(
      '/payin/proof',
      {
        onRequest,
        config: { intake: UPLOAD },
        schema: {
          querystring: noQuery,
          ...keyed,
          ...write(
            'I have paid: multipart/form-data with `image` (PNG, JPEG or WebP, at most 5 MiB) and `utr`',
            202,
            proofSchema,
          ),
        },
      },
      async (request, reply) => {
        const { id: payinId, userId, tenant } = subjectOf(request, 'payin');
        return await takeProof(context, request, reply, {
          path: `/api/pages/payins/${payinId}/proof`, // a user has a page for each payin, all at one address
          async of(form) {
            const { batchId } = await payinOf(request);
            if (form.payinId !== undefined && form.payinId !== payinId) throw notFound();
            if (batchId === null) throw noTurn();
            return { ...tenant, batchId, payinId, actor: `user:${userId}` };
          },
        });
      },
    );
  };
}
