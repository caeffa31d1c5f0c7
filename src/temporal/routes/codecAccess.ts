/** Who may use the codec endpoint, and from where: any admin, by key or signed in to the console, and only the Temporal UI's pages. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '../../http/context.ts';
import { adminAuth, authenticate, callerBySession } from '../../http/plugins/auth.ts';
import { Problem } from '../../http/problem.ts';
import { sessionTokenIn } from '../../http/session.ts';

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

/** A key in a header, as the CLI sends it, or the session of a page of the UI's origin. Sets `request.caller` to an admin. */
export function codecAuth(context: ApiContext) {
  const uiOrigin = new URL(context.config.temporalUiUrl).origin;
  const byKey = adminAuth(context, 'viewer');
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { headers } = request;
    // A UI that is told to pass its own tokens on sends another Bearer: that is no key of ours, the session counts.
    const isKeyed = headers['x-api-key'] !== undefined || /^bearer +ak_/i.test(headers.authorization ?? '');
    if (isKeyed || sessionTokenIn(request) === undefined) return await byKey(request, reply);
    const caller = await authenticate(request, await callerBySession(context.pool, request));
    // The UI's pages cannot know the token that ours send. A browser says which page asks, and any page of our site may.
    if (headers.origin !== uiOrigin) throw new Problem(403, 'forbidden', 'The session counts for pages of the Temporal UI only.');
    if (caller.kind !== 'admin') throw new Problem(403, 'forbidden', 'Sign in to the console as an admin.');
  };
}
