/**
 * The console's page and its files. Everything below /console that is no file and no route is the page, which knows its own paths.
 * What it shows, it asks of the API.
 */
import type { FastifyPluginAsync } from 'fastify';
import { builtPage, pageHeaders } from '../builtPages.ts';
import { notFound, Problem } from '../problem.ts';

const HEADERS = pageHeaders();

export const consolePages = (): FastifyPluginAsync => async (app) => {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    await app.rateLimits.open(request);
  });
  const page = await builtPage(app, 'console');
  const schema = { hide: true };
  for (const url of ['', '/*']) {
    app.get(url, { schema }, async ({ params }, reply) => {
      if (!page) throw new Problem(404, 'not_found', 'The console is not built here: npm run build.');
      if (/\.[a-z0-9]+$/.test((params as { '*'?: string })['*'] ?? '')) throw notFound(); // a file that there is not
      return reply.type('text/html; charset=utf-8').send(page);
    });
  }
};
