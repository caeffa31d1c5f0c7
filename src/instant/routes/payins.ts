/** Payins: a payer's deposit, paid straight to a payee whose slice it takes. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Waiters } from '../../events/waiters.ts';
import { amountField, currencyField, field, readAmount } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { readCallbackUrl } from '../../http/customerUrl.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { reference } from '../../http/plainText.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { duplicateReference, type FieldError, invalidRequest, notFound, Problem, paused } from '../../http/problem.ts';
import { nowOrAfter, waitQuery } from '../../http/waiting.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentPayin } from '../present/instantPayout.ts';
import { claimSchema, payinSchema, wholePayinSchema } from '../present/schemas.ts';
import { listPayins, ownPayin } from '../reads.ts';
import { INSTANT_ID_PREFIXES } from '../rules/contract.ts';
import { PAYIN } from '../rules/payinMachine.ts';
import { PAYIN_WAIT_MS } from '../rules/policy.ts';
import type { PayinRecord } from '../rules/records.ts';
import { deposit } from '../useCases/deposit.ts';
import { presentPayTo, presentWholePayin } from './answers.ts';

const { read, write } = documented('instant payouts');

const MINUTE_MS = 60_000;

const body = z
  .strictObject({
    userId: word,
    amount: amountField,
    currency: currencyField,
    reference,
    callbackUrl: field({ type: ['string', 'null'], format: 'uri', maxLength: 2048 }).optional(),
  })
  .meta({ id: 'NewPayin' });

const claimBody = z
  .strictObject({
    userId: word,
    reference: reference.optional().meta({ description: 'Of the payin; without it its id' }),
    callbackUrl: field({ type: ['string', 'null'], format: 'uri', maxLength: 2048 }).optional(),
  })
  .meta({ id: 'NewClaim' });

const NEXT_STATUS = {
  isAnswer: (now: PayinRecord, first: PayinRecord) => PAYIN.isFinal(now.state) || now.state !== first.state,
  mayEndUnheard: () => false,
};

export function payinRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool, config } = context;
  const onRequest = merchantAuth(context, 'instant:read');
  const begins = [merchantAuth(context, 'instant:write'), flowOn('instant')];

  /** @throws Problem 400 */
  async function callbackOf(said: unknown, mode: 'test' | 'live', errors: FieldError[] = []): Promise<string | null> {
    await readCallbackUrl(said, { allowLoopback: config.webhookAllowLoopbackTest && mode === 'test' }, errors);
    if (errors.length > 0) throw invalidRequest(errors);
    return typeof said === 'string' ? said : null;
  }

  /** @throws Problem 404, the same for an unknown id and another merchant's. */
  async function mustOwn(tenant: Tenant, id: string): Promise<PayinRecord> {
    const found = await ownPayin(pool, tenant, id);
    if (!found) throw notFound();
    return found;
  }

  return async (app) => {
    app.post(
      '/payins',
      {
        onRequest: begins,
        schema: { querystring: noQuery, body, ...keyed, ...write('Deposit, by a slice of this amount', 201, wholePayinSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId(INSTANT_ID_PREFIXES.payin),
          isSecret: true, // whom to pay
          async execute(payinId) {
            const errors: FieldError[] = [];
            const amount = readAmount(request.body, errors);
            const callbackUrl = await callbackOf(request.body.callbackUrl, tenant.mode, errors);
            if (!amount) throw invalidRequest(errors);
            const { userId, reference } = request.body;
            const waitMs = (PAYIN_WAIT_MS / MINUTE_MS) * config.instantMinuteMs;
            const wanted = { amountMinor: amount.minor.toString(), currency: amount.currency, waitMs };
            const payin = opened(await deposit(context, { ...tenant, payinId, userId, reference, callbackUrl, wanted }));
            const headers = { location: `/api/v1/payins/${payin.id}` };
            return { status: 201, headers, body: await presentWholePayin(context, payin) };
          },
        });
      },
    );

    app.post(
      '/instant-payouts/batches/:id/claim',
      {
        onRequest: begins,
        schema: {
          params: byId,
          querystring: noQuery,
          body: claimBody,
          ...keyed,
          ...write('Take a named slice', 201, claimSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId(INSTANT_ID_PREFIXES.payin),
          isSecret: true, // whom to pay
          async execute(payinId) {
            const { userId, reference = payinId } = request.body;
            const callbackUrl = await callbackOf(request.body.callbackUrl, tenant.mode);
            const wanted = { batchId: request.params.id };
            const { id, batchId, payUntil } = opened(
              await deposit(context, { ...tenant, payinId, userId, reference, callbackUrl, wanted }),
            );
            return { status: 201, body: { payinId: id, batchId, payTo: await presentPayTo(context, id), payUntil } };
          },
        });
      },
    );

    app.get(
      '/payins',
      {
        onRequest,
        schema: { querystring: z.strictObject(pageQuery), ...read('Payins, newest first', listSchema(payinSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listPayins(pool, tenantOf(merchantOf(request)), { before: page.after, take: page.take });
        return page.answer(found, ({ id }) => id, presentPayin);
      },
    );

    app.get(
      '/payins/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: waitQuery,
          ...read('A payin, with whom to pay while it is its turn', wholePayinSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        const question = { read: () => mustOwn(tenantOf(caller), id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'payin', id } };
        const found = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return await presentWholePayin(context, found);
      },
    );
  };
}

/** @throws Problem for whatever is no payin. */
function opened(answer: Awaited<ReturnType<typeof deposit>>): PayinRecord {
  switch (answer.outcome) {
    case 'unknown_user':
    case 'not_found':
      throw notFound();
    case 'own_batch':
      throw new Problem(409, 'own_batch', 'Nobody pays a withdrawal of their own.');
    case 'batch_taken':
      throw new Problem(409, 'batch_taken', 'Somebody else has this slice, or it is closed.');
    case 'paused':
      throw paused();
    case 'user_frozen':
      throw new Problem(409, 'user_frozen', 'This user is frozen: nothing moves their money.');
    case 'payer_busy':
      throw new Problem(409, 'payer_busy', `This user has a slice to pay already: of ${answer.payinId}.`);
    case 'cooling_down':
      throw new Problem(409, 'cooling_down', `This user has let a slice run out, and gets another one at ${answer.until}.`);
    case 'duplicate_reference':
      throw duplicateReference('You have a payin with this reference.');
    default:
      return answer.payin;
  }
}
