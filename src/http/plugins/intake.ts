/**
 * How a route takes a body in: of which types, how much of it, in what time, and what it makes of it. Data of the route
 * (`config: { intake }`); one that says nothing takes JSON.
 */
import { PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../problem.ts';
import { parseJsonBody } from './jsonBody.ts';

export interface Intake {
  /** Media types, without parameters. None: whatever a client calls it. */
  readonly types: readonly string[];
  readonly limitBytes: number;
  /** For the whole request to come in, from its head on. The longest of all routes is the server's own. */
  readonly timeoutMs: number;
  /** What the handler gets. A route that reads its body as it comes has a content type parser in its own scope instead. */
  parse(whole: Buffer): unknown;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly intake?: Intake;
  }
}

export const JSON_BODY: Intake = {
  types: ['application/json'],
  limitBytes: 1024 * 1024, // api.md §1
  timeoutMs: 15_000, // a slow client on a bad line, not one who holds the connection on purpose
  parse: parseJsonBody,
};

const intakeOf = (request: FastifyRequest): Intake => request.routeOptions.config?.intake ?? JSON_BODY;

/** These have no body that anybody reads. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE']);

/** Who was answered before its body was in, a refusal mostly, has this long to read that while it still sends. */
const LINGER_MS = 5_000;

/** Before the routes: it listens as they are registered. */
export function addIntake(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, whole: Buffer) =>
    request.is404 ? undefined : intakeOf(request).parse(whole),
  );
  app.addHook('onRoute', (route) => {
    const { limitBytes, timeoutMs } = route.config?.intake ?? JSON_BODY;
    route.bodyLimit = limitBytes;
    app.server.requestTimeout = Math.max(app.server.requestTimeout, timeoutMs);
    // The last hook before the body is read: who asks, and under which key, has been looked at.
    if ([route.method].flat().some((method) => !BODYLESS.has(method)))
      route.preParsing = [...[route.preParsing ?? []].flat(), takeIn];
  });
  // An empty body has no type, whatever a client says of it: `curl -d ''` announces a form.
  app.addHook('onRequest', async ({ headers }) => {
    if (headers['content-length'] === '0') delete headers['content-type'];
  });
  // A small body may hide a huge one.
  app.addHook('onRequest', async ({ headers }) => {
    const coding = headers['content-encoding'];
    if (coding === undefined || coding.toLowerCase() === 'identity') return;
    throw new Problem(415, 'unsupported_content_encoding', 'Send the body as it is, without Content-Encoding.');
  });
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete === false) setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref();
  });
}

/** @throws Problem 415 */
async function takeIn(request: FastifyRequest, reply: FastifyReply, payload: Readable): Promise<Readable> {
  const { headers, raw } = request;
  const { types, timeoutMs } = intakeOf(request);
  // So that what is no media type at all is taken too.
  if (types.length === 0) delete headers['content-type'];
  else if (request.mediaType !== undefined ? !types.includes(request.mediaType) : hasBody(request)) throw wrongType(request);
  // Most bodies come with their head, and are here by now.
  return raw.complete === false && hasBody(request) ? inTime(payload, timeoutMs, reply) : payload;
}

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** A body that is still on its way: whoever reads it meets a Problem where it ends too early or too late. */
function inTime(payload: Readable, timeoutMs: number, reply: FastifyReply): Readable {
  const body = new PassThrough();
  const timer = setTimeout(() => body.destroy(tooSlow(timeoutMs)), Math.max(timeoutMs - reply.elapsedTime, 0)).unref();
  body.once('close', () => clearTimeout(timer));
  body.on('error', () => {}); // nobody reads it where a hook has refused the request
  // Nobody hears it; but a client that went away is no outage of ours, and no answer that a repeat should meet.
  payload.on('error', () => body.destroy(new Problem(408, 'request_cut_off', 'The connection ended before the body did.')));
  payload.pipe(body);
  return body;
}

const tooSlow = (timeoutMs: number): Problem =>
  new Problem(408, 'request_timeout', `The request took longer than ${timeoutMs / 1_000} s to come in.`, {
    headers: { connection: 'close' },
  });

/** 413 with the limit of the route. */
export const tooLarge = (request: FastifyRequest): Problem =>
  new Problem(413, 'body_too_large', `The body is over ${sizeOf(intakeOf(request).limitBytes)}.`);

/** 415 with the types that the route takes. */
export const wrongType = (request: FastifyRequest): Problem =>
  new Problem(
    415,
    'unsupported_media_type',
    `Send the body as ${intakeOf(request).types.join(' or ')}, and say so in Content-Type.`,
  );

const sizeOf = (bytes: number): string => (bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`);
