/**
 * Pages for merchants' users, whose token stands behind the `#`: no server is told it. So that we know whose page is asked for, and
 * which sites may show it in a frame, the merchant stands in the path.
 */
import type { FastifyPluginAsync } from 'fastify';
import { pageOriginsOf } from '../../merchants/pageOrigins.ts';
import { isId } from '../../rules/ids.ts';
import { builtPage, pageHeaders } from '../builtPages.ts';
import type { ApiContext } from '../context.ts';
import { notFound, Problem } from '../problem.ts';

const PAGES: ReadonlySet<string> = new Set(['withdrawal', 'payin']);

export const hostedPages =
  ({ pool }: Pick<ApiContext, 'pool'>): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(pageHeaders());
      await app.rateLimits.open(request);
    });
    const html = await builtPage(app, 'pages');
    app.get<{ Params: { merchantId: string; page: string } }>(
      '/:merchantId/:page',
      { schema: { hide: true } },
      async ({ params: { merchantId, page } }, reply) => {
        if (!PAGES.has(page)) throw notFound();
        if (!html) throw new Problem(404, 'not_found', 'The pages are not built here: npm run build.');
        const origins = isId('mer', merchantId) ? await pageOriginsOf(pool, merchantId) : [];
        if (origins.length > 0) reply.removeHeader('x-frame-options').headers(pageHeaders(origins));
        return reply.type('text/html; charset=utf-8').send(html);
      },
    );
  };
