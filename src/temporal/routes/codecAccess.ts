/** Who may use the codec endpoint, and from where: any admin, by key or by cookie, and only the Temporal UI's pages. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hashApiKey } from '../../crypto/newSecret.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { adminOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { Problem } from '../../http/problem.ts';
import { readSession, SESSION_MS } from './codecSession.ts';

export interface SignedIn {
  readonly keyId: string;
  readonly name: string;
  readonly role: string;
}

const COOKIE = 'oncepay_codec';

/** What the UI sends besides the plain ones: X-Namespace always, the two others where it is told to pass its own tokens. */
const ALLOWED_HEADERS = 'content-type, x-namespace, authorization, authorization-extras, x-api-key';

/** Browsers ask anew after this; Chrome takes no more than two hours. */
const PREFLIGHT_SECONDS = 7_200;

/** Answers may be read by the Temporal UI's pages, with the cookie, and by no other origin. */
export function codecCors({ config }: ApiContext) {
  const uiOrigin = new URL(config.temporalUiUrl).origin;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('vary', 'Origin');
    if (request.headers.origin !== uiOrigin) return;
    reply.header('access-control-allow-origin', uiOrigin);
    reply.header('access-control-allow-credentials', 'true');
    if (request.method !== 'OPTIONS') return;
    reply.header('access-control-allow-methods', 'POST');
    reply.header('access-control-allow-headers', ALLOWED_HEADERS);
    reply.header('access-control-max-age', String(PREFLIGHT_SECONDS));
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Behind `codecAuth`: the role of who asks. */
    codecRole: string;
  }
}

/** A key in a header, as the CLI sends it, or the cookie of a page of the UI's origin. Sets `request.codecRole`. */
export function codecAuth(context: ApiContext) {
  const uiOrigin = new URL(context.config.temporalUiUrl).origin;
  const byKey = adminAuth(context, 'viewer');
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { headers } = request;
    // A UI that is told to pass its own tokens on sends another Bearer: that is no key of ours, the cookie counts.
    const isKeyed = headers['x-api-key'] !== undefined || /^bearer +ak_/i.test(headers.authorization ?? '');
    if (isKeyed || tokenIn(request) === undefined) {
      await byKey(request, reply);
      request.codecRole = adminOf(request).role;
      return;
    }
    const admin = await signedInAs(context, request);
    if (!admin) {
      await request.server.rateLimits.address(request);
      throw new Problem(401, 'invalid_api_key', 'Sign in at /codec/login with an admin key, or send one in a header.');
    }
    // A browser sends the cookie from any page of our site; only the UI's pages may use it.
    if (headers.origin !== uiOrigin) throw new Problem(403, 'forbidden', 'The cookie counts for pages of the Temporal UI only.');
    request.codecRole = admin.role;
  };
}

export async function adminOfKey(context: ApiContext, key: string): Promise<SignedIn | undefined> {
  return await activeAdmin(context, { hash: hashApiKey(key) });
}

/** The admin whose cookie this is. A key that was revoked or has expired since does not count any more. */
export async function signedInAs(context: ApiContext, request: FastifyRequest): Promise<SignedIn | undefined> {
  const token = tokenIn(request);
  const keyId = token === undefined ? undefined : readSession(context.keys, token, new Date());
  return keyId === undefined ? undefined : await activeAdmin(context, { id: keyId });
}

const tokenIn = ({ headers }: FastifyRequest): string | undefined =>
  new RegExp(`(?:^|;)\\s*${COOKIE}=([^;\\s]+)`).exec(headers.cookie ?? '')?.[1];

async function activeAdmin({ prisma }: ApiContext, where: Prisma.ApiKeyWhereUniqueInput): Promise<SignedIn | undefined> {
  const key = await prisma.apiKey.findUnique({ where });
  if (key?.ownerKind !== 'admin' || key.revokedAt || (key.expiresAt && key.expiresAt <= new Date())) return undefined;
  const admin = await prisma.admin.findUnique({ where: { id: key.ownerId, active: true } });
  return admin ? { keyId: key.id, name: admin.name, role: admin.role } : undefined;
}

/** Strict: sent from pages of our own site only. The path keeps it away from everything but the codec. */
export function sessionCookie({ config }: ApiContext, token: string): string {
  return `${COOKIE}=${token}; Max-Age=${SESSION_MS / 1_000}; ${attributes(config.publicUrl)}`;
}

export const endedCookie = ({ config }: ApiContext): string => `${COOKIE}=; Max-Age=0; ${attributes(config.publicUrl)}`;

const attributes = (publicUrl: string): string =>
  `Path=/codec; HttpOnly; SameSite=Strict${publicUrl.startsWith('https:') ? '; Secure' : ''}`;
