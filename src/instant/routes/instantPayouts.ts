/** Withdrawals that are paid person to person: opened, followed, and closed by the payee's merchant. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Waiters } from '../../events/waiters.ts';
import { amountField, currencyField, field, readAmount } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { readCallbackUrl } from '../../http/customerUrl.ts';
import { byId, documented, keyed, noBody, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { reference } from '../../http/plainText.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { duplicateReference, type FieldError, invalidRequest, mustFind, notFound, Problem, paused } from '../../http/problem.ts';
import { earlier } from '../../http/times.ts';
import { nowOrAfter, waitOrAtQuery } from '../../http/waiting.ts';
import type { Mode } from '../../payouts/rules/contract.ts';
import { parseAmount } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentBatch, presentInstantPayout } from '../present/instantPayout.ts';
import { batchSchema, instantPayoutSchema, wholeInstantPayoutSchema } from '../present/schemas.ts';
import { listInstantPayouts, ownInstantPayout, readBatches } from '../reads.ts';
import { INSTANT_ID_PREFIXES } from '../rules/contract.ts';
import { readPayee } from '../rules/payee.ts';
import { INSTANT_PAYOUT, INSTANT_PAYOUT_STATES, type InstantPayoutState } from '../rules/payoutMachine.ts';
import { BATCH_LIMITS, ON_UNFILLED, USUAL_BATCH_MINOR } from '../rules/policy.ts';
import type { InstantPayoutRecord } from '../rules/records.ts';
import { BATCHES_MAX, type SplitFault, split } from '../rules/split.ts';
import { close } from '../useCases/judge.ts';
import { type Withdrawn, withdraw } from '../useCases/withdraw.ts';
import { ownWithdrawalAsOf } from '../whole.ts';
import { presentWhole, refuse } from './answers.ts';

const { read, write } = documented('instant payouts');

/** UPI and the banks' rails that a payer uses are India's. */
const CURRENCY = 'INR';
const MINUTES_MOST = 24 * 60;

const body = z
  .strictObject({
    userId: word,
    amount: amountField,
    currency: currencyField,
    reference,
    payee: field({
      anyOf: [
        { type: 'object', properties: { type: { const: 'upi' }, upiId: { type: 'string' } }, required: ['type', 'upiId'] },
        {
          type: 'object',
          properties: {
            type: { const: 'bank' },
            bankCode: { type: 'string' },
            accountNumber: { type: 'string' },
            accountTitle: { type: 'string' },
          },
          required: ['type', 'bankCode', 'accountNumber', 'accountTitle'],
        },
      ],
    }),
    minBatch: amountField.optional(),
    maxBatch: amountField.optional(),
    batches: z.array(amountField).min(1).max(BATCHES_MAX).optional().meta({ description: 'The slices; together the amount' }),
    assignmentMinutes: z.int().min(1).max(MINUTES_MOST).optional().meta({ description: 'How long a payer has for a proof' }),
    onUnfilled: z.enum(ON_UNFILLED).default('refund').meta({
      description: 'What nobody paid: back to the payee’s wallet, or to the payee by an ordinary payout (`psp`)',
    }),
    callbackUrl: field({ type: ['string', 'null'], format: 'uri', maxLength: 2048 }).optional(),
  })
  .meta({ id: 'NewInstantPayout' });

type Body = z.infer<typeof body>;

const SPLIT_FAULTS: Readonly<Record<SplitFault, { readonly pointer: string; readonly detail: string }>> = {
  limits_crossed: { pointer: '/minBatch', detail: 'Must not be more than maxBatch.' },
  impossible: { pointer: '/amount', detail: 'No number of slices between minBatch and maxBatch makes this amount.' },
  too_many_batches: { pointer: '/maxBatch', detail: `There would be more than ${BATCHES_MAX} slices.` },
  no_batches: { pointer: '/batches', detail: 'Must hold at least 1.' },
  wrong_sum: { pointer: '/batches', detail: 'Must together be the amount.' },
  outside_limits: { pointer: '/batches', detail: 'Each must be between minBatch and maxBatch.' },
};

/** What a client waits for. */
const NEXT_STATUS = {
  isAnswer: (now: InstantPayoutRecord, first: InstantPayoutRecord) =>
    INSTANT_PAYOUT.isFinal(now.state) || now.state !== first.state || now.paidMinor !== first.paidMinor,
  mayEndUnheard: () => false,
};

export function instantPayoutRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool, config } = context;
  const onRequest = merchantAuth(context, 'instant:read');

  /** @throws Problem 404, the same for an unknown id and another merchant's. */
  async function mustOwn(tenant: Tenant, id: string): Promise<InstantPayoutRecord> {
    const found = await ownInstantPayout(pool, tenant, id);
    if (!found) throw notFound();
    return found;
  }

  /** Who is to pay the rest. @throws Problem 422 */
  function mustHavePsp(mode: Mode): void {
    if (context.psps.forPayout({ mode, currency: CURRENCY, kind: 'user' })) return;
    const detail = `No payment provider is configured for ${CURRENCY} in ${mode} mode: let what nobody paid come back (\`refund\`).`;
    throw new Problem(422, 'psp_not_configured', detail, {
      errors: [{ pointer: '/onUnfilled', code: 'psp_not_configured', detail }],
    });
  }

  const shown = async (instantPayout: InstantPayoutRecord) =>
    presentWhole(instantPayout, await readBatches(pool, instantPayout.id));

  return async (app) => {
    app.post(
      '/instant-payouts',
      {
        onRequest: [merchantAuth(context, 'instant:write'), flowOn('instant')],
        schema: {
          querystring: noQuery,
          body,
          ...keyed,
          ...write('Withdraw, in slices that payers pay', 201, wholeInstantPayoutSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId(INSTANT_ID_PREFIXES.payout),
          async execute(instantPayoutId, isRepeat) {
            const order = await readOrder(request.body, tenant.mode, config.webhookAllowLoopbackTest, config.instantMinuteMs);
            if (order.onUnfilled === 'psp' && !isRepeat) mustHavePsp(tenant.mode);
            return answerOf(await withdraw(context, { ...tenant, instantPayoutId, ...order }));
          },
        });
      },
    );

    app.get(
      '/instant-payouts',
      {
        onRequest,
        schema: {
          querystring: z.strictObject({
            ...pageQuery,
            status: z.enum(Object.keys(INSTANT_PAYOUT_STATES) as [InstantPayoutState, ...InstantPayoutState[]]).optional(),
          }),
          ...read('Withdrawals, newest first', listSchema(instantPayoutSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { status: state } = request.query;
        const found = await listInstantPayouts(pool, tenantOf(merchantOf(request)), {
          state,
          before: page.after,
          take: page.take,
        });
        return page.answer(found, ({ id }) => id, presentInstantPayout);
      },
    );

    app.get(
      '/instant-payouts/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: waitOrAtQuery,
          ...read('A withdrawal with its slices as it is now, after its next change, or as it was', wholeInstantPayoutSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        const at = earlier(request.query.at);
        if (at !== undefined) {
          const { instantPayout, batches } = mustFind(await ownWithdrawalAsOf(pool, tenantOf(caller), id, at));
          return presentWhole(instantPayout, batches);
        }
        const question = { read: () => mustOwn(tenantOf(caller), id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'instant_payout', id } };
        const found = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return await shown(found);
      },
    );

    app.get(
      '/instant-payouts/:id/batches',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          ...read('The slices of a withdrawal, in their order', listSchema(batchSchema)),
        },
      },
      async (request) => {
        const { id } = await mustOwn(tenantOf(merchantOf(request)), request.params.id);
        const batches = await readBatches(pool, id); // BATCHES_MAX of them at most: a page
        return { object: 'list' as const, data: batches.map(presentBatch), hasMore: false, nextCursor: null };
      },
    );

    app.post(
      '/instant-payouts/:id/cancel',
      {
        onRequest: merchantAuth(context, 'instant:write'), // also where the flow is switched off: what runs, ends
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('Give no more slices out: what nobody has comes back to the payee', 200, wholeInstantPayoutSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const { id } = await mustOwn(tenant, request.params.id);
            const answer = await close(context, {
              instantPayoutId: id,
              reason: 'cancelled',
              actor: `merchant:${tenant.merchantId}`,
            });
            refuse(answer);
            return { status: 200, body: await shown(await mustOwn(tenant, id)) };
          },
        });
      },
    );
  };
}

/** Every fault at once. @throws Problem 400 */
async function readOrder(said: Body, mode: Mode, allowLoopback: boolean, minuteMs: number) {
  const errors: FieldError[] = [];
  const amount = readAmount(said, errors);
  if (amount && amount.currency !== CURRENCY)
    errors.push({ pointer: '/currency', code: 'unsupported_currency', detail: `Payers pay in ${CURRENCY}.` });
  const payee = readPayee(said.payee);
  if ('faults' in payee) errors.push(...payee.faults);
  await readCallbackUrl(said.callbackUrl, { allowLoopback: allowLoopback && mode === 'test' }, errors);
  const slices = amount && cut(said, amount.minor, errors);
  if (errors.length > 0 || !amount || !slices || 'faults' in payee) throw invalidRequest(errors);
  const { userId, reference, onUnfilled, callbackUrl, assignmentMinutes } = said;
  return {
    userId,
    reference,
    onUnfilled,
    currency: amount.currency,
    amountMinor: amount.minor.toString(),
    payee: payee.payee,
    slicesMinor: slices,
    agreed: assignmentMinutes === undefined ? {} : { assignmentMs: assignmentMinutes * minuteMs },
    callbackUrl: typeof callbackUrl === 'string' ? callbackUrl : null,
  };
}

function cut({ minBatch, maxBatch, batches }: Body, totalMinor: bigint, errors: FieldError[]): readonly bigint[] | undefined {
  const amountAt = (pointer: string, said: unknown, byDefault: bigint): bigint => {
    if (said === undefined) return byDefault;
    const parsed = parseAmount(said, CURRENCY);
    if (parsed.ok) return parsed.minor;
    errors.push({ pointer, code: parsed.code, detail: parsed.detail });
    return byDefault;
  };
  const least = amountAt('/minBatch', minBatch, batches || totalMinor < BATCH_LIMITS.minMinor ? 1n : BATCH_LIMITS.minMinor);
  const usual = batches ? BATCH_LIMITS.maxMinor : least > USUAL_BATCH_MINOR ? BATCH_LIMITS.maxMinor : USUAL_BATCH_MINOR;
  const most = amountAt('/maxBatch', maxBatch, usual);
  const wanted = batches?.map((each, at) => amountAt(`/batches/${at}`, each, 0n));
  if (errors.length > 0) return undefined;
  const made = split({ totalMinor, minMinor: least, maxMinor: most, ...(wanted && { wanted }) });
  if (made.ok) return made.amountsMinor;
  errors.push({ code: made.fault, ...SPLIT_FAULTS[made.fault] });
  return undefined;
}

function answerOf(answer: Withdrawn): Answer {
  switch (answer.outcome) {
    case 'unknown_user':
      throw notFound();
    case 'paused':
      throw paused();
    case 'user_frozen':
      throw new Problem(409, 'user_frozen', 'This user is frozen: nothing moves their money.');
    case 'insufficient_balance':
      throw new Problem(400, 'insufficient_balance', 'The user’s available balance does not cover the withdrawal.');
    case 'duplicate_reference':
      throw duplicateReference('You have a withdrawal with this reference.');
    default: {
      const { instantPayout, batches } = answer;
      const headers = { location: `/api/v1/instant-payouts/${instantPayout.id}` };
      return { status: 201, headers, body: presentWhole(instantPayout, batches) };
    }
  }
}
