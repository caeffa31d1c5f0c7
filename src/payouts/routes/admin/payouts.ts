/** All payouts of all merchants, and everything there is to know of one. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { storyOf } from '../../../events/story.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, word } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { mustFind } from '../../../http/problem.ts';
import { atQuery, earlier, timeQuery } from '../../../http/times.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { newestPayouts } from '../../newest.ts';
import { findRequested } from '../../reads.ts';
import { PAYOUT_KIND_NAMES } from '../../rules/kinds.ts';
import { PUBLIC_STATUS, statesOf } from '../../rules/machine.ts';
import type { RecordedPayout } from '../../rules/recorded.ts';
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
export function adminPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  return async (app) => {
    app.get(
      '/payouts',
      { onRequest, schema: { querystring: query, ...read('Payouts of all merchants', listSchema(adminPayoutSchema)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { status, needsOperator: needy, limit: _, cursor: __, ...filter } = request.query;
        const states = status && statesOf(status);
        const needsOperator = needy === undefined ? undefined : needy === 'true';
        const { after, take } = page;
        const found = await newestPayouts(context.pool, { ...filter, states, needsOperator, after, take });
        return page.answer(found, ({ id }) => id, presentForAdmin);
      },
    );

    app.get(
      '/payouts/:id',
      {
        onRequest,
        schema: { params: byId, querystring: atQuery, ...read('Everything of one payout, now or as it was', payoutDetailSchema) },
      },
      async (request) => {
        const { id } = request.params;
        const at = earlier(request.query.at);
        const story = await storyOf<RecordedPayout>(context.pool, { kind: 'payout', id }, undefined, at);
        if (story) return await payoutDetail(context, story.record, at);
        return requestedDetail(context.config, mustFind(await findRequested(context.pool, id, at)));
      },
    );
  };
}
