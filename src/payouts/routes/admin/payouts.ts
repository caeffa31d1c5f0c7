/** All payouts of all merchants, and everything there is to know of one. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { storyOf } from '../../../events/story.ts';
import { KEY_NEEDED, readAnswers } from '../../../http/answers.ts';
import type { ApiContext } from '../../../http/context.ts';
import { CSV_TYPE, csvAnswer, csvOf } from '../../../http/csv.ts';
import { byId, documented, word } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { mustFind } from '../../../http/problem.ts';
import { atQuery, earlier, timeQuery } from '../../../http/times.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { allPayouts, newestPayouts } from '../../newest.ts';
import { ADMIN_PAYOUT_COLUMNS } from '../../present/csv.ts';
import { findRequested } from '../../reads.ts';
import { PAYOUT_KIND_NAMES } from '../../rules/kinds.ts';
import { PUBLIC_STATUS, statesOf } from '../../rules/machine.ts';
import type { RecordedPayout } from '../../rules/recorded.ts';
import { payoutDetail, presentForAdmin, requestedDetail } from './payoutDetail.ts';
import { adminPayoutSchema, payoutDetailSchema } from './schemas.ts';

const { read } = documented('admin');

const STATUSES = [...new Set(Object.values(PUBLIC_STATUS))];

const filters = {
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
};
const query = z.strictObject({ ...filters, ...pageQuery });
type Filters = Omit<z.output<typeof query>, 'limit' | 'cursor'>;

const filterOf = ({ status, needsOperator, ...filter }: Filters) => ({
  ...filter,
  states: status && statesOf(status),
  needsOperator: needsOperator === undefined ? undefined : needsOperator === 'true',
});

export function adminPayoutRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  return async (app) => {
    app.get(
      '/payouts',
      { onRequest, schema: { querystring: query, ...read('Payouts of all merchants', listSchema(adminPayoutSchema)) } },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { limit: _, cursor: __, ...asked } = request.query;
        const { after, take } = page;
        const found = await newestPayouts(context.pool, { ...filterOf(asked), after, take });
        return page.answer(found, ({ id }) => id, presentForAdmin);
      },
    );

    app.get(
      '/payouts.csv',
      {
        onRequest,
        schema: {
          tags: ['admin'],
          summary: 'Payouts of all merchants, as a table',
          security: KEY_NEEDED,
          querystring: z.strictObject(filters),
          response: readAnswers({ 200: csvAnswer }) as Record<number, unknown>,
        },
      },
      async (request, reply) =>
        await reply.type(CSV_TYPE).send(csvOf(ADMIN_PAYOUT_COLUMNS, allPayouts(context.pool, filterOf(request.query)))),
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
