/** What operators see of withdrawals, and their last word on slices and on proofs that came late. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery, word } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { mustFind, notFound } from '../../../http/problem.ts';
import { timeSchema } from '../../../http/schemas.ts';
import { atQuery, earlier } from '../../../http/times.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { temporalLink } from '../../../temporal/ui.ts';
import { newestWithdrawals } from '../../newest.ts';
import { presentBatch, presentInstantPayout, presentPayin } from '../../present/instantPayout.ts';
import { batchSchema, payinSchema } from '../../present/schemas.ts';
import { presentWholeWithdrawal } from '../../present/whole.ts';
import { adminInstantPayoutSchema, adminWholeSchema } from '../../present/wholeSchemas.ts';
import { listDisputes, listLateProofs, listReviews, readInstantPayout } from '../../reads.ts';
import { batchWorkflowId, instantPayoutWorkflowId } from '../../rules/contract.ts';
import { INSTANT_PAYOUT_STATES, type InstantPayoutState } from '../../rules/payoutMachine.ts';
import { close, decide, decideLate, type JudgePorts, reassign } from '../../useCases/judge.ts';
import { wholeWithdrawal } from '../../whole.ts';
import { refuse } from '../answers.ts';

const { read, write } = documented('admin');

const LONGEST = 500;
const note = plainText(1, LONGEST);
const bankCredit = z.enum(['matched', 'differs']).nullable().meta({
  description: 'What the payee’s bank says of this UTR: it has this very payment, or one of another amount, or none so far',
});
const againstBank = z.boolean().optional().meta({
  description:
    'Of a rejection: the payee’s bank has the very payment, and it is to be rejected all the same (else 409 `bank_matched`)',
});
const disputeSchema = z
  .object({ batch: batchSchema, bankCredit, reason: z.string(), openedBy: z.string(), openedAt: timeSchema })
  .meta({ id: 'InstantDispute' });
const turn = {
  validatorId: z.string().nullable().meta({ description: 'The operator who is to look at it now' }),
  validateUntil: timeSchema.nullable().meta({ description: 'Then another one is' }),
};
const reviewSchema = z
  .object({
    batch: batchSchema,
    bankCredit,
    ...turn,
  })
  .meta({ id: 'InstantReview' });
const lateProofSchema = z
  .object({
    payin: payinSchema,
    bankCredit,
    batchId: z.string(),
    instantPayoutId: z.string(),
    was: z
      .enum(['failed', 'reversed'])
      .nullable()
      .meta({ description: 'How it was decided before the payee’s bank told of it; null: the proof came late, and no more' }),
    ...turn,
    createdAt: timeSchema,
  })
  .meta({ id: 'LateProof' });

const filters = {
  status: z.enum(Object.keys(INSTANT_PAYOUT_STATES) as [InstantPayoutState, ...InstantPayoutState[]]).optional(),
  merchantId: word.optional(),
  reference: word.optional(),
  utr: word.optional().meta({ description: 'That was shown for one of its slices, as a proof has it' }),
  batchId: word.optional(),
  payinId: word.optional().meta({ description: 'That has, or had, one of its slices' }),
};

/** What an operator says with a decision. */
interface Said {
  readonly note?: string | undefined;
  readonly reason?: string | undefined;
  readonly againstBank?: boolean | undefined;
}

export function adminInstantPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma, config } = context;
  const reads = adminAuth(context, ACTION_ROLES.read);
  const operates = adminAuth(context, ACTION_ROLES.resolve); // the validator of a proof is an operator (assign_validator)

  const placeOf = (workflowId: string) => ({ workflowId, temporalUi: temporalLink(config, workflowId) });
  const places = {
    ofWithdrawal: (id: string) => placeOf(instantPayoutWorkflowId(id)),
    ofSlice: (id: string) => placeOf(batchWorkflowId(id)),
  };

  /** @throws Problem 404 */
  async function shown(id: string, at?: string) {
    const { steps, ...whole } = mustFind(await wholeWithdrawal(pool, id, at));
    return { ...presentWholeWithdrawal(whole, places), timeline: steps };
  }

  const audit = (request: FastifyRequest, action: string, target: string, data: Record<string, string | null>) =>
    writeAudit(prisma, request, { action, target, data });

  return async (app) => {
    app.get(
      '/instant-payouts',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject({ ...filters, ...pageQuery }),
          ...read('Everybody’s withdrawals, newest first', listSchema(adminInstantPayoutSchema)),
        },
      },
      async (request) => {
        const { limit: _, cursor: __, ...filter } = request.query;
        const page = openPage(request, request.query, ID_KEY);
        const found = await newestWithdrawals(pool, { ...filter, before: page.after, take: page.take });
        return page.answer(
          found,
          ({ id }) => id,
          (each) => ({ ...presentInstantPayout(each), merchantId: each.merchantId }),
        );
      },
    );

    app.get(
      '/instant-payouts/disputes',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Slices that were said not to be received', listSchema(disputeSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listDisputes(pool, { after: page.after, take: page.take });
        return page.answer(
          found,
          ({ batch }) => batch.id,
          ({ batch, openedAt, ...rest }) => ({ batch: presentBatch(batch), ...rest, openedAt: openedAt.toISOString() }),
        );
      },
    );

    app.get(
      '/instant-payouts/reviews',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Slices whose proof a person is to look at', listSchema(reviewSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listReviews(pool, { after: page.after, take: page.take });
        return page.answer(
          found,
          ({ batch }) => batch.id,
          ({ batch, validateUntil, ...rest }) => ({
            batch: presentBatch(batch),
            ...rest,
            validatorId: batch.review?.validatorId ?? null,
            validateUntil: validateUntil?.toISOString() ?? null,
          }),
        );
      },
    );

    app.get(
      '/instant-payouts/late-proofs',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Proofs that came when the slice was another’s', listSchema(lateProofSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listLateProofs(pool, { after: page.after, take: page.take });
        return page.answer(
          found,
          ({ payin }) => payin.id,
          ({ payin, validateUntil, createdAt, ...rest }) => ({
            payin: presentPayin(payin),
            ...rest,
            validateUntil: validateUntil?.toISOString() ?? null,
            createdAt: createdAt.toISOString(),
          }),
        );
      },
    );

    app.get(
      '/instant-payouts/:id',
      {
        onRequest: reads,
        schema: {
          params: byId,
          querystring: atQuery,
          ...read('Everything of one withdrawal, now or as it was', adminWholeSchema),
        },
      },
      async (request) => await shown(request.params.id, earlier(request.query.at)),
    );

    app.post(
      '/instant-payouts/:id/cancel',
      {
        onRequest: operates,
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ reason: note }).meta({ id: 'InstantPayoutCancellation' }),
          ...write('Give no more slices out', 200, adminWholeSchema),
        },
      },
      async (request, reply) => {
        const { id } = mustFind(await readInstantPayout(pool, request.params.id));
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const answer = await close(context, { instantPayoutId: id, reason: 'cancelled', actor: `admin:${adminId}` });
            await audit(request, 'instant_payout.cancel', id, { outcome: answer.outcome, reason: request.body.reason });
            refuse(answer);
            return { status: 200, body: await shown(id) };
          },
        });
      },
    );

    for (const { path, body, decision, summary } of [
      {
        path: 'approve',
        body: z.strictObject({ note: note.optional() }).nullish(),
        decision: 'approve',
        summary: 'A slice was paid',
      },
      {
        path: 'reject',
        body: z.strictObject({ reason: note, againstBank }),
        decision: 'reject',
        summary: 'A slice was not paid',
      },
    ] as const) {
      app.post(
        `/instant-payouts/batches/:id/${path}`,
        { onRequest: operates, schema: { params: byId, querystring: noQuery, body, ...write(summary, 200, batchSchema) } },
        async (request, reply) => {
          const said: Said = request.body ?? {};
          return await onceIfKeyed(context, request, reply, {
            allot: () => newId('req'),
            execute: () => decideOne(request, request.params.id, decision, said),
          });
        },
      );
    }

    app.post(
      '/instant-payouts/disputes/:id',
      {
        onRequest: operates,
        schema: {
          params: byId,
          querystring: noQuery,
          body: z
            .strictObject({ decision: z.enum(['approve', 'reject']), note, againstBank })
            .meta({ id: 'InstantDisputeDecision' }),
          ...write('Decide a dispute, by its slice: it was paid, or it was not', 200, batchSchema),
        },
      },
      async (request, reply) => {
        const { decision, ...said } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          execute: () => decideOne(request, request.params.id, decision, said),
        });
      },
    );

    app.post(
      '/instant-payouts/batches/:id/reassign',
      {
        onRequest: operates,
        schema: { params: byId, querystring: noQuery, body: noBody, ...write('Take a slice from its payer', 200, batchSchema) },
      },
      async (request, reply) => {
        const { adminId } = adminOf(request);
        const batchId = request.params.id;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const answer = await reassign(context, { batchId, actor: `admin:${adminId}` });
            if (answer.outcome === 'not_found') throw notFound();
            await audit(request, 'instant_batch.reassign', batchId, { outcome: answer.outcome });
            refuse(answer);
            if (!('batch' in answer)) throw notFound();
            return { status: 200, body: presentBatch(answer.batch) };
          },
        });
      },
    );

    app.post(
      '/instant-payouts/late-proofs/:id',
      {
        onRequest: operates,
        schema: {
          params: byId,
          querystring: noQuery,
          body: z
            .strictObject({ decision: z.enum(['credit', 'refund', 'reject']), note, againstBank })
            .meta({ id: 'LateProofDecision' }),
          ...write('Decide what becomes of a late proof, by its payin', 200, payinSchema),
        },
      },
      async (request, reply) => {
        const { adminId } = adminOf(request);
        const payinId = request.params.id;
        const { decision, note: said, againstBank: isAgainstBank = false } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const answer = await decideLate(context, { payinId, decision, isAgainstBank, note: said, actor: `admin:${adminId}` });
            if (answer.outcome === 'not_found') throw notFound();
            await audit(request, 'late_proof.decide', payinId, { outcome: answer.outcome, decision, note: said });
            refuse(answer);
            return { status: 200, body: presentPayin(answer.payin) };
          },
        });
      },
    );
  };

  async function decideOne(request: FastifyRequest, batchId: string, decision: 'approve' | 'reject', said: Said) {
    const ports: JudgePorts = context;
    const { againstBank: isAgainstBank = false } = said;
    const noted = said.note ?? said.reason ?? null;
    const actor = `admin:${adminOf(request).adminId}`;
    const answer = await decide(ports, { batchId, decision, isAgainstBank, note: noted, actor });
    if (answer.outcome === 'not_found') throw notFound();
    await audit(request, `instant_batch.${decision}`, batchId, { outcome: answer.outcome, note: noted });
    refuse(answer);
    return { status: 200, body: presentBatch(answer.batch) };
  }
}
