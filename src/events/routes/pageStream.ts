/** That something has changed for a hosted page, as it happens: how it stands now, the page asks. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { readAnswers } from '../../http/answers.ts';
import { merchantOf, pageOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { noQuery } from '../../http/documented.ts';
import { pageAuth } from '../../http/plugins/auth.ts';
import type { Frame } from '../frames.ts';
import { EVENT_TYPES } from '../rules/eventTypes.ts';
import type { Outlet } from '../stream.ts';
import type { Streams } from '../streams.ts';
import { openedOf } from './opened.ts';
import { sseOutlet } from './sseOutlet.ts';

/** Of withdrawals, their slices and payins: nothing else of the user's is a page's affair. */
const TYPES: ReadonlySet<string> = new Set(EVENT_TYPES.filter((type) => /^(instant-payout|payin)-/.test(type)));

const CHANGED = 'changed';

/** A page is about one thing of its user's, and events tell of others, too: no more is said than that there was one. */
const withoutWords = (outlet: Outlet): Outlet => ({
  ...outlet,
  send: ({ id }: Frame) => outlet.send({ id, event: CHANGED, data: '{}' }),
});

const streamed = {
  description: 'The event `changed`, without words, for as long as you read it',
  content: { 'text/event-stream': { schema: z.string() } },
} as unknown as z.ZodType;

export function pageStreamRoutes(context: ApiContext, streams: Streams): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/stream',
      {
        exposeHeadRoute: false,
        onRequest: pageAuth(context, 'instant:write'),
        schema: {
          tags: ['pages'],
          summary: 'That something has changed, as it happens',
          security: [{ bearer: [] }],
          querystring: noQuery,
          headers: z.object({ 'last-event-id': z.string().optional().meta({ description: 'The last `id` that you have' }) }),
          response: readAnswers({ 200: streamed }) as Record<number, unknown>,
        },
      },
      async (request, reply) => {
        const { merchantId, keyId, mode } = merchantOf(request);
        const seer = { kind: 'user' as const, id: pageOf(request).userId, mode };
        const from = [request.headers['last-event-id']].flat()[0] || undefined;
        const stream = openedOf(await streams.open({ keyId, merchantId, seer, types: TYPES, from }));
        reply.hijack();
        stream.begin(withoutWords(sseOutlet(reply.raw, { ...reply.getHeaders(), 'cache-control': 'no-store, no-transform' })));
      },
    );
  };
}
