/**
 * Payouts that were answered with 202 and are not in the books: an operator finds here what was promised and never begun
 * (its workflow ended by hand, a Temporal that lost it). Nothing of it was ever reserved or sent.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../../http/context.ts';
import { documented } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { payoutWorkflowId } from '../../../rules/ids.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { temporalLink } from '../../../temporal/ui.ts';
import type { PayoutRecord } from '../../rules/contract.ts';
import { presentForAdmin } from './payoutDetail.ts';
import { payoutRequestSchema } from './schemas.ts';

const { read } = documented('admin');

/** Those that were refused afterwards came to an answer. */
const WAITING = `
  SELECT q.record, q.at FROM payout_requests q
   WHERE q.payout_id > $1 AND NOT EXISTS (SELECT FROM payouts p WHERE p.id = q.payout_id)
     AND NOT EXISTS (SELECT FROM payout_refusals r WHERE r.payout_id = q.payout_id)
   ORDER BY q.payout_id LIMIT $2`;

export function payoutRequestRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/payout-requests',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Payouts answered with 202 that no worker has taken up, the oldest first', listSchema(payoutRequestSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { rows } = await context.pool.query<{ record: PayoutRecord; at: Date }>(WAITING, [page.after ?? '', page.take]);
        return page.answer(
          rows,
          ({ record }) => record.id,
          ({ record, at }) => {
            const workflowId = payoutWorkflowId(record.id, record.round);
            return {
              ...presentForAdmin(record),
              answeredAt: at.toISOString(),
              workflowId,
              temporalUi: temporalLink(context.config, workflowId),
            };
          },
        );
      },
    );
  };
}
