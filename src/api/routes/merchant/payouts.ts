/** Making payouts, and steering those there are. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isId } from '../../../domain/ids.ts';
import { newId } from '../../../domain/newId.ts';
import type { PayoutRecord, PayoutRequest, RefusalCode } from '../../../domain/payout/contract.ts';
import { feeMinor } from '../../../domain/payout/fee.ts';
import { isFinal } from '../../../domain/payout/machine.ts';
import { presentPayout } from '../../../present/payout.ts';
import type { SteeredAnswer } from '../../../temporal/payouts.ts';
import { idempotencyHeaders, KEY_NEEDED, writeAnswers } from '../../answers.ts';
import { type MerchantCaller, merchantOf } from '../../caller.ts';
import type { ApiContext } from '../../context.ts';
import { merchantAuth } from '../../plugins/auth.ts';
import { type Answer, once, type Pending } from '../../plugins/idempotency.ts';
import { brokenRule, invalidRequest, notFound, Problem, unavailable } from '../../problem.ts';
import { findPayout, REFUSALS, readAccepted } from './payoutReads.ts';
import { payoutBody, type ReadOrder, readPayoutOrder } from './payoutRequest.ts';
import { payoutSchema } from './payoutSchemas.ts';

const params = z.object({ id: z.string() });
const noBody = z.strictObject({}).nullish();

export function payoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/payouts',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'createPayout',
          summary: 'Make a payout',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          body: payoutBody,
          response: writeAnswers({
            201: payoutSchema.describe('Accepted, its money reserved'),
            202: payoutSchema.describe('Accepted; its money is reserved as soon as a worker takes it up'),
          }),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const read = await readPayoutOrder(request.body, caller, context.config.webhookAllowLoopbackTest);
        if (read.kind === 'invalid') throw invalidRequest(read.errors);
        return await once(context, request, reply, {
          allot: () => newId('po'),
          execute: (payoutId, isRepeat) => accept(context, read, payoutId, isRepeat),
          presentPending: (record) => payoutAnswer(202, record),
        });
      },
    );

    app.post(
      '/payouts/:id/reinitiate',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'reinitiatePayout',
          summary: 'Try a failed payout again',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          params,
          body: noBody,
          response: writeAnswers({ 202: payoutSchema.describe('A new attempt follows') }, 404),
        },
      },
      async (request, reply) => {
        const payout = await ownPayout(context, merchantOf(request), request.params.id);
        return await once(context, request, reply, {
          // The round is fixed with the key: a repeat asks for the same one, which the ledger opens once.
          allot: () => `${payout.id}/${payout.round + 1}/${newId('req')}`,
          execute: (reinitiation, isRepeat) => reinitiate(context, payout, reinitiation, isRepeat),
          presentPending: (record) => payoutAnswer(202, record),
        });
      },
    );

    app.post(
      '/payouts/:id/cancel',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'cancelPayout',
          summary: 'Cancel a payout while nothing may be on the wire',
          tags: ['payouts'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          params,
          body: noBody,
          response: writeAnswers({ 200: payoutSchema.describe('Cancelled, its money released') }, 404),
        },
      },
      async (request, reply) => {
        const payout = await ownPayout(context, merchantOf(request), request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('req'),
          execute: (requestId, isRepeat) => cancel(context, payout, requestId, isRepeat),
        });
      },
    );
  };
}

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function ownPayout({ pool }: ApiContext, caller: MerchantCaller, id: string): Promise<PayoutRecord> {
  const payout = isId('po', id) ? await findPayout(pool, caller, id) : undefined;
  if (!payout) throw notFound();
  return payout;
}

const payoutAnswer = (status: number, record: PayoutRecord): Answer => ({
  status,
  headers: status === 200 ? {} : { location: `/api/v1/payouts/${record.id}` },
  body: presentPayout(record),
});

/** Whoever asks with this id again meets the same workflow, and gets the same answer. */
async function accept(
  { psps, payouts, pool }: ApiContext,
  read: Exclude<ReadOrder, { kind: 'invalid' }>,
  payoutId: string,
  isRepeat: boolean,
): Promise<Answer | Pending> {
  if (read.kind === 'broken_rule') throw brokenRule(read.errors);
  const { order } = read;
  const psp = psps.forPayout(order.mode, order.currency);
  if (!psp)
    throw new Problem(
      422,
      'psp_not_configured',
      `No payment provider is configured for ${order.currency} in ${order.mode} mode.`,
    );
  const request: PayoutRequest = { ...order, payoutId, psp: psp.name };
  // The books remember longer than Temporal, and its workflow may have ended without having been asked.
  const known = isRepeat ? await readAccepted(pool, payoutId) : undefined;
  const answer = known
    ? ({ kind: 'answered', accepted: known } as const)
    : await payouts.accept({ ...request, kind: 'merchant' }, { type: 'new', request });
  if (answer.kind === 'pending') return { pending: untaken(request) };
  if (answer.accepted.outcome === 'refused') throw refusal(answer.accepted.code);
  return payoutAnswer(201, answer.accepted.payout);
}

function refusal(code: RefusalCode): Problem {
  return new Problem(code === 'insufficient_balance' ? 400 : 409, code, REFUSALS[code]);
}

/** A payout that Temporal has and no worker has taken up: as it will be, as far as that is known. */
function untaken({ payoutId, terms, destination, makerId: _, callbackUrl: __, ...request }: PayoutRequest): PayoutRecord {
  const now = new Date().toISOString();
  const { accountTitle } = destination;
  const accountLast4 = destination.accountNumber.slice(-4);
  return {
    ...request,
    id: payoutId,
    kind: 'merchant',
    feeMinor: feeMinor(BigInt(request.amountMinor), terms).toString(),
    destination:
      destination.type === 'bank'
        ? { type: 'bank', bankCode: destination.bankCode, accountLast4, accountTitle }
        : { type: 'wallet', walletCode: destination.walletCode, accountLast4, accountTitle },
    pspReference: null,
    state: 'QUEUED',
    round: 1,
    attempt: 0,
    attemptsBefore: 0,
    attemptOpen: false,
    sequence: 0,
    review: null,
    hold: null,
    failure: null,
    needsOperator: false,
    createdAt: now,
    updatedAt: now,
    completedAt: null,
  };
}

async function reinitiate(
  context: ApiContext,
  before: PayoutRecord,
  requestId: string,
  isRepeat: boolean,
): Promise<Answer | Pending> {
  const round = Number.parseInt(requestId.split('/')[1] ?? '', 10);
  // Begun by the call that this one repeats.
  if (isRepeat && before.round >= round) return payoutAnswer(202, before);
  if (before.state !== 'FAILED') throw refusal('not_reinitiable');
  const { id: payoutId, merchantId: by } = before;
  const answer = await context.payouts.accept({ ...before, payoutId }, { type: 'reinitiate', payoutId, round, by, requestId });
  if (answer.kind === 'pending') return { pending: before };
  if (answer.accepted.outcome === 'refused') throw refusal(answer.accepted.code);
  return payoutAnswer(202, answer.accepted.payout);
}

async function cancel(context: ApiContext, before: PayoutRecord, requestId: string, isRepeat: boolean): Promise<Answer> {
  // Done by the call that this one repeats.
  if (isRepeat && before.state === 'CANCELLED') return payoutAnswer(200, before);
  const answer = isFinal(before.state) ? ({ outcome: 'gone' } as const) : await askToCancel(context, before, requestId);
  switch (answer.outcome) {
    case 'done':
      return payoutAnswer(200, answer.payout);
    case 'pending':
      throw unavailable('The engine'); // nobody has taken the request up, and it may be lost
    default:
      throw new Problem(
        409,
        'not_cancellable',
        'A payout can be cancelled only while nothing of it may be with the payment provider.',
      );
  }
}

/** An open payout whose workflow was lost or terminated gets a new one. */
async function askToCancel({ payouts, ledger }: ApiContext, payout: PayoutRecord, requestId: string): Promise<SteeredAnswer> {
  const command = { type: 'cancelled', by: payout.merchantId } as const;
  const answer = await payouts.command(payout.id, payout.round, command, requestId);
  if (answer.outcome !== 'gone') return answer;
  const now = await ledger.read(payout.id);
  if (!now || isFinal(now.state)) return answer;
  await payouts.resume(now);
  return await payouts.command(now.id, now.round, command, requestId);
}
