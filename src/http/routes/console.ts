/**
 * The console's page and its files, as `npm run build` made them. Everything below /console that is no file and no route is the
 * page, which knows its own paths. Nothing here is anybody's: what it shows, it asks of the API.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync } from 'fastify';
import { notFound, Problem } from '../problem.ts';

/** As seen from dist/src/http/routes, and from src/http/routes, where tests run the sources. */
const FOLDERS = ['../../../console', '../../../dist/console'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Nothing but our own files and our own API, in nobody's frame; no inline script or style, and no form leaves. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
} as const;

/** A file's name says what is in it: another content has another name. */
const FOR_EVER = 'public, max-age=31536000, immutable';

export const consolePages = (): FastifyPluginAsync => async (app) => {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    await app.rateLimits.open(request);
  });
  const folder = FOLDERS.find((each) => existsSync(join(each, 'index.html')));
  const page = folder && readFileSync(join(folder, 'index.html'));
  if (folder) {
    await app.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      wildcard: false,
      index: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply) => void reply.header('cache-control', FOR_EVER),
    });
  }
  const schema = { hide: true };
  for (const url of ['', '/*']) {
    app.get(url, { schema }, async ({ params }, reply) => {
      if (!page) throw new Problem(404, 'not_found', 'The console is not built here: npm run build.');
      if (/\.[a-z0-9]+$/.test((params as { '*'?: string })['*'] ?? '')) throw notFound(); // a file that there is not
      return reply.type('text/html; charset=utf-8').send(page);
    });
  }
};
