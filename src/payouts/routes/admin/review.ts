/** What people decide on payouts: the review queue, and approve, reject, hold, release, resolve and acknowledge. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { KEY_NEEDED, writeAnswers } from '../../../http/answers.ts';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { decidedAnswer, wordOf } from '../../answers.ts';
import { presentPayout } from '../../present/payout.ts';
import { payoutSchema } from '../../present/schemas.ts';
import type { Command, PayoutRecord } from '../../rules/contract.ts';
import { type Decided, decide } from '../../useCases/decide.ts';
import { accountChangedSince, withAccountChange } from './accountChange.ts';
import { presentForAdmin } from './payoutDetail.ts';
import { queuedPayoutSchema } from './schemas.ts';

const { read } = documented('admin');

const REMARK_MAX = 500;
const remark = plainText(1, REMARK_MAX);

const approval = z.strictObject({ note: plainText(0, REMARK_MAX).nullish() }).nullish();
const reasoned = z.strictObject({ reason: remark });
const noted = z.strictObject({ note: remark });
/** Far above what a payout may ever have tried. */
const ATTEMPTS_MAX = 100;
const resolution = z.strictObject({
  outcome: z.enum(['paid', 'not_paid']),
  evidence: remark,
  attempts: z.array(z.int().min(1).max(2_147_483_647)).max(ATTEMPTS_MAX).optional().meta({
    description:
      'Those that the evidence speaks of. Needed where several are without proof: all of them for `not_paid`, the one that was paid for `paid`',
  }),
});

/** The oldest first: who waits longest is next. */
const QUEUE = `
  SELECT payout_record(p) AS payout, floor(extract(epoch FROM now() - p.created_at))::int AS age, ${accountChangedSince()} AS changed
    FROM payouts p WHERE p.state IN ('IN_REVIEW', 'REVIEW_ON_HOLD') AND p.id > $1 ORDER BY p.id LIMIT $2`;

interface Queued {
  readonly payout: PayoutRecord;
  readonly age: number;
  readonly changed: Date | null;
}

type DecisionName = 'approve' | 'reject' | 'hold' | 'release' | 'resolve' | 'acknowledge';

export function reviewRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/review-queue',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Payouts that wait for an approver, the oldest first', listSchema(queuedPayoutSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { rows } = await context.pool.query<Queued>(QUEUE, [page.after ?? '', page.take]);
        return page.answer(
          rows,
          ({ payout }) => payout.id,
          ({ payout, age, changed }) => ({
            ...withAccountChange(presentForAdmin(payout), changed),
            reasons: payout.review?.reasons ?? [],
            ageSeconds: age,
          }),
        );
      },
    );

    const decision = <Body extends z.ZodType>(
      name: DecisionName,
      summary: string,
      body: Body,
      commandOf: (body: z.output<Body>, adminId: string) => Command,
    ) =>
      app.post(
        `/payouts/:id/${name}`,
        {
          onRequest: adminAuth(context, ACTION_ROLES[name]),
          schema: {
            params: byId,
            querystring: noQuery,
            body,
            summary,
            tags: ['admin'],
            security: KEY_NEEDED,
            response: writeAnswers(
              { 200: payoutSchema, 202: payoutSchema.describe('Taken in; it counts as soon as a worker takes it up') },
              404,
            ),
          },
        },
        async (request, reply) => {
          const { adminId } = adminOf(request);
          const command = commandOf(request.body as z.output<Body>, adminId);
          return await onceIfKeyed(context, request, reply, {
            allot: () => newId('upd'),
            async execute(updateId) {
              const payoutId = request.params.id;
              const decided = await decide(context, payoutId, command, updateId);
              await note(context, request, { name, payoutId, command, decided });
              return decidedAnswer(decided, (payout) => ({ status: 200, body: presentPayout(payout) }));
            },
            presentPending: (payout) => ({ status: 202, body: presentPayout(payout) }),
          });
        },
      );

    decision('approve', 'Let a payout go', approval, (body, adminId) => ({
      type: 'approved',
      adminId,
      note: body?.note ?? null,
    }));
    decision('reject', 'Refuse a payout for good', reasoned, ({ reason }, adminId) => ({ type: 'rejected', adminId, reason }));
    decision('hold', 'Stop a payout until released', reasoned, ({ reason }, adminId) => ({ type: 'held', adminId, reason }));
    decision('release', 'Lift a hold', noBody, (_, adminId) => ({ type: 'hold_lifted', adminId }));
    decision(
      'resolve',
      'Say what became of a payout whose outcome stayed unknown',
      resolution,
      ({ outcome, evidence, attempts }, adminId) => ({
        type: `resolved_${outcome}`,
        adminId,
        evidence,
        ...(attempts && { attempts }),
      }),
    );
    decision('acknowledge', 'Say that a person has dealt with it: it needs no operator any more', noted, ({ note }, adminId) => ({
      type: 'acknowledged',
      adminId,
      note,
    }));
  };
}

interface Noted {
  readonly name: DecisionName;
  readonly payoutId: string;
  readonly command: Command;
  readonly decided: Decided;
}

/** Decided or refused, it is in the audit log; what never came to an answer is not, nor what is asked of no payout. */
async function note(context: ApiContext, request: FastifyRequest, { name, payoutId, command, decided }: Noted): Promise<void> {
  if (decided.outcome === 'unknown_payout') return;
  const { type: _, ...data } = command;
  const outcome = wordOf(decided);
  await writeAudit(context.prisma, request, { action: `payout.${name}`, target: payoutId, data: { ...data, outcome } });
}
