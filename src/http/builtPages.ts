/** Pages that `npm run build` made: their files, and under which policy a browser gets them. Nothing in them is anybody's. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** As seen from dist/src/http, and from src/http, where tests run the sources. */
const FOLDERS = ['../../', '../../dist/'];

/** A file's name says what is in it: another content has another name. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Nothing but our own files and our own API; no inline script or style, and no form leaves.
 * @param origins of the sites that may show the page in a frame. What stands here is part of the policy as it is.
 */
export const pageHeaders = (origins: readonly string[] = []): Readonly<Record<string, string>> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    `frame-ancestors ${origins.length === 0 ? "'none'" : origins.join(' ')}`,
    "require-trusted-types-for 'script'",
  ].join('; '),
  ...(origins.length === 0 && { 'x-frame-options': 'DENY' }), // it has no word for "these"; browsers that know both go by the policy
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
});

/** The page itself, whose files are served at `/assets/` from here on; undefined: it is not built here. */
export async function builtPage(app: FastifyInstance, name: string): Promise<Buffer | undefined> {
  const folders = FOLDERS.map((path) => fileURLToPath(new URL(path + name, import.meta.url)));
  const folder = folders.find((each) => existsSync(join(each, 'index.html')));
  if (!folder) return undefined;
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    wildcard: false,
    index: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply) => void reply.header('cache-control', FOR_EVER),
  });
  return readFileSync(join(folder, 'index.html'));
}
