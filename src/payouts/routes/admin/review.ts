/** What people decide on payouts: the review queue, and approve, reject, hold, release, resolve and acknowledge. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../../http/context.ts';
import { documented, noBody } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import type { PayoutRecord } from '../../rules/contract.ts';
import { accountChangedSince, withAccountChange } from './accountChange.ts';
import { decisionsOn, REMARK_MAX, remark } from './decision.ts';
import { presentForAdmin } from './payoutDetail.ts';
import { queuedPayoutSchema } from './schemas.ts';

const { read } = documented('admin');

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
  SELECT payout_record(p) AS payout, p.maker_id AS maker, floor(extract(epoch FROM now() - p.created_at))::int AS age, ${accountChangedSince()} AS changed
    FROM payouts p WHERE p.state IN ('IN_REVIEW', 'REVIEW_ON_HOLD') AND p.id > $1 ORDER BY p.id LIMIT $2`;

interface Queued {
  readonly payout: PayoutRecord;
  readonly maker: string | null;
  readonly age: number;
  readonly changed: Date | null;
}

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
          ({ payout, maker, age, changed }) => ({
            ...withAccountChange(presentForAdmin(payout), changed),
            makerId: maker,
            reasons: payout.review?.reasons ?? [],
            ageSeconds: age,
          }),
        );
      },
    );

    const decision = decisionsOn(app, context);

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
