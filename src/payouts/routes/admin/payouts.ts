/** All payouts of all merchants, and everything there is to know of one. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery, word } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { notFound } from '../../../http/problem.ts';
import { timeQuery } from '../../../http/times.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { findRequested } from '../../reads.ts';
import type { PayoutRecord } from '../../rules/contract.ts';
import { PAYOUT_KIND_NAMES } from '../../rules/kinds.ts';
import { PUBLIC_STATUS, statesOf } from '../../rules/machine.ts';
import { payoutDetail, presentForAdmin, requestedDetail } from './payoutDetail.ts';
import { adminPayoutSchema, payoutDetailSchema } from './schemas.ts';

const { read } = documented('admin');

const STATUSES = [...new Set(Object.values(PUBLIC_STATUS))];

const query = z.strictObject({
  status: z.enum(STATUSES).optional(),
  merchantId: word.optional(),
  kind: z.enum(PAYOUT_KIND_NAMES).optional(),
  ownerId: word.optional().meta({ description: 'The merchant or provider whose balance pays' }),
  mode: z.enum(['test', 'live']).optional(),
  needsOperator: z.enum(['true', 'false']).optional(),
  currency: word.optional(),
  reference: word.optional(),
  createdFrom: timeQuery,
  createdTo: timeQuery,
  ...pageQuery,
});
type Query = z.infer<typeof query>;

/** Each filter is off while its parameter is NULL. PostgreSQL plans it anew for the values of each call. */
const LIST = `
  SELECT payout_record(p) AS payout FROM payouts p
   WHERE ($1::text[] IS NULL OR p.state = ANY ($1)) AND ($2::text IS NULL OR p.merchant_id = $2)
     AND ($3::text IS NULL OR p.mode = $3) AND ($4::boolean IS NULL OR p.needs_operator = $4)
     AND ($5::text IS NULL OR p.currency = $5) AND ($6::text IS NULL OR p.reference = $6)
     AND ($7::timestamptz IS NULL OR p.created_at >= $7) AND ($8::timestamptz IS NULL OR p.created_at <= $8)
     AND ($9::text IS NULL OR p.kind = $9)
     AND ($10::text IS NULL OR p.owner_id = $10)
     AND ($11::text IS NULL OR p.id < $11)
   ORDER BY p.id DESC LIMIT $12`;

export function adminPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  return async (app) => {
    app.get(
      '/payouts',
      { onRequest, schema: { querystring: query, ...read('Payouts of all merchants', listSchema(adminPayoutSchema)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const values = [...filters(request.query), page.after, page.take];
        const { rows } = await context.pool.query<{ payout: PayoutRecord }>(LIST, values);
        return page.answer(
          rows,
          ({ payout }) => payout.id,
          ({ payout }) => presentForAdmin(payout),
        );
      },
    );

    app.get(
      '/payouts/:id',
      { onRequest, schema: { params: byId, querystring: noQuery, ...read('Everything of one payout', payoutDetailSchema) } },
      async (request) => {
        const { id } = request.params;
        const record = await context.ledger.read(id);
        if (record) return await payoutDetail(context, record);
        const requested = await findRequested(context.pool, id);
        if (!requested) throw notFound();
        return requestedDetail(context.config, requested);
      },
    );
  };
}

function filters({ status, needsOperator, ...query }: Query): unknown[] {
  const { merchantId, mode, currency, reference, createdFrom, createdTo, kind, ownerId } = query;
  const states = status && statesOf(status);
  const needy = needsOperator && needsOperator === 'true';
  return [states, merchantId, mode, needy, currency, reference, createdFrom, createdTo, kind, ownerId];
}
