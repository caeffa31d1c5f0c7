/** What happens, as it happens, to a merchant or to one of its users: as server-sent events, and over WebSocket. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { STREAM_TOKEN_PREFIX } from '../../crypto/streamToken.ts';
import { KEY_NEEDED, readAnswers } from '../../http/answers.ts';
import { merchantOf, seerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { streamAuth } from '../../http/plugins/auth.ts';
import { protocolsOf, upgradeOf } from '../../http/plugins/upgrades.ts';
import { Problem } from '../../http/problem.ts';
import { isMeant } from '../../webhooks/rules/eventPatterns.ts';
import type { Seer } from '../reads.ts';
import { EVENT_TYPES } from '../rules/eventTypes.ts';
import type { OpenStream, Streams } from '../streams.ts';
import { openedOf } from './opened.ts';
import { sseOutlet } from './sseOutlet.ts';
import { wsOutlet } from './wsOutlet.ts';

/** Longer than any place. */
const ID_MAX = 200;

const types = z
  .union([z.string(), z.array(z.string())])
  .default('*')
  .transform((given, context) => {
    const patterns = [given].flat().flatMap((each) => each.split(','));
    for (const pattern of patterns) {
      if (EVENT_TYPES.some((type) => isMeant([pattern], type))) continue;
      const message = 'Must be event types such as payout.succeeded, families such as payout.*, or *.';
      context.addIssue({ code: 'custom', message, params: { code: 'unknown_event_type' } });
    }
    return new Set<string>(EVENT_TYPES.filter((type) => isMeant(patterns, type)));
  })
  .meta({ type: 'string', anyOf: undefined, default: '*', examples: ['payout.*,user.credited'] });

const sseQuery = z.strictObject({ types });
const wsQuery = z.strictObject({
  types,
  lastEventId: z.string().max(ID_MAX).optional().meta({ description: 'The `id` of the last frame that you have' }),
});

const SSE = `Live, as server-sent events: \`event:\` the type, \`id:\` where it goes on, \`data:\` the event as webhooks have it.

Resume with \`Last-Event-ID\`: nothing is lost or told twice. An id that is not known (any more) gets the event \`reset\`, whose \`data.object\` is a Snapshot, and then what comes. A comment every 15 s keeps the line open. A client that does not read is cut off, and resumes. A key needs the scope \`webhooks:read\`; a browser has a token of \`POST /stream-tokens\`.`;

const WS = `The same over WebSocket: frames \`{ id, event, data }\`, resumed by \`?lastEventId=\`. The first frame of a stream that does not resume is \`ready\`: its id is where it begins.

A browser offers the subprotocols \`oncepay\` and its token; a server sends \`Authorization\`.`;

/** The name that a client may offer beside its token, and gets back in place of it. */
const PROTOCOL = 'oncepay';

const streamed = {
  description: 'The stream, for as long as you read it',
  content: { 'text/event-stream': { schema: z.string() } },
} as unknown as z.ZodType;

const upgraded = z.null().meta({ description: 'From here on it is a WebSocket' });

/** A page of any origin may read, with a token that it was given: nothing is opened by a cookie. */
const ANY_ORIGIN = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after, x-request-id' };
const PREFLIGHT = {
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': 'authorization, last-event-id, cache-control',
  'access-control-max-age': '7200', // browsers keep it no longer
};

export function streamRoutes(context: ApiContext, streams: Streams): FastifyPluginAsyncZod {
  const auth = streamAuth(context, 'webhooks:read');
  const forAnyOrigin = async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(ANY_ORIGIN);
  };

  async function open(request: FastifyRequest, told: ReadonlySet<string>, from: string | undefined): Promise<OpenStream> {
    const { keyId: ownKey, merchantId } = merchantOf(request);
    const keyId = request.session?.id ?? ownKey; // signed out, it ends as with a revoked key
    // An empty one is none: some clients send what they do not have.
    const seer = seerOfStream(request);
    return openedOf(await streams.open({ keyId, merchantId, seer, types: told, from: from || undefined }));
  }

  return async (app) => {
    app.get(
      '/stream',
      {
        exposeHeadRoute: false,
        onRequest: [forAnyOrigin, auth],
        schema: {
          tags: ['streams'],
          summary: 'What happens, as it happens',
          description: SSE,
          security: KEY_NEEDED,
          querystring: sseQuery,
          headers: z.object({ 'last-event-id': z.string().optional().meta({ description: 'The last `id` that you have' }) }),
          response: readAnswers({ 200: streamed }) as Record<number, unknown>,
        },
      },
      async (request, reply) => {
        const from = request.headers['last-event-id'];
        const stream = await open(request, request.query.types, [from].flat()[0]);
        reply.hijack();
        stream.begin(sseOutlet(reply.raw, { ...reply.getHeaders(), 'cache-control': 'no-store, no-transform' }));
      },
    );

    app.options('/stream', { onRequest: forAnyOrigin, schema: { hide: true } }, async (_request, reply) =>
      reply.code(204).headers(PREFLIGHT).send(),
    );

    app.get(
      '/ws',
      {
        exposeHeadRoute: false,
        onRequest: auth,
        schema: {
          tags: ['streams'],
          summary: 'What happens, as it happens, over WebSocket',
          description: WS,
          security: KEY_NEEDED,
          querystring: wsQuery,
          response: readAnswers({ 101: upgraded }, 426) as Record<number, unknown>,
        },
      },
      async (request, reply) => {
        const upgrade = upgradeOf(request);
        if (!upgrade) {
          throw new Problem(426, 'upgrade_required', 'This path speaks WebSocket only. GET /api/v1/stream tells the same.', {
            headers: { upgrade: 'websocket', connection: 'upgrade' },
          });
        }
        const { types: told, lastEventId } = request.query;
        const stream = await open(request, told, lastEventId);
        const { socket } = upgrade;
        if (socket.destroyed) stream.leave();
        else socket.once('close', () => stream.leave()); // also where it never becomes a WebSocket
        upgrade.accept(reply, protocolFor(protocolsOf(request)), (ws) => stream.begin(wsOutlet(ws, socket)));
      },
    );
  };
}

/** Whoever the key or the token speaks for. */
function seerOfStream(request: FastifyRequest): Seer {
  const seer = seerOf(merchantOf(request));
  const { streamUserId } = request;
  return streamUserId === undefined ? seer : { kind: 'user', id: streamUserId, mode: seer.mode };
}

/** A client that offers any must be given one of them: it gets its token back only if it offers nothing else. */
function protocolFor(offered: readonly string[]): string | undefined {
  const names = offered.filter((each) => !each.startsWith(STREAM_TOKEN_PREFIX));
  return names.find((each) => each === PROTOCOL) ?? names[0] ?? offered[0];
}
