/** Whatever goes wrong leaves as a problem; whatever is not a client's affair leaves as 500 or 503 and is logged. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound, PROBLEM_TYPE, Problem, problemBody, queryTooSlow, unavailable } from '../problem.ts';
import { tooLarge, wrongType } from './intake.ts';
import { outageOf, tookTooLong } from './outages.ts';

const malformedUrl = (): Problem => new Problem(400, 'malformed_url', 'The path is not well encoded.');

/** Fastify's own errors that are a client's affair, in our words. */
const FASTIFY_ERRORS: Readonly<Record<string, (request: FastifyRequest) => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: tooLarge,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: wrongType,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Problem(400, 'invalid_content_length', 'The body is not as long as Content-Length says.'),
  FST_ERR_BAD_URL: malformedUrl,
  FST_ERR_MAX_PARAM_LENGTH: notFound,
  FST_ERR_ASYNC_CONSTRAINT: malformedUrl,
};

export function addProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendProblem(toProblem(error, request), request, reply));
  app.setNotFoundHandler({ preHandler: (request: FastifyRequest) => app.rateLimits.address(request) }, (request, reply) =>
    sendProblem(new Problem(404, 'not_found', 'There is no such route.'), request, reply),
  );
}

/** For errors that Fastify meets before any hook: the request id has not been set yet. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void sendProblem(toProblem(error, request), request, reply.header('x-request-id', request.id));
}

/** What Node's parser says of a request that never became one. */
const PARSER_ERRORS: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers_too_large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout', 'The request took too long to come in.'],
};

/** For what never became a request: there is nobody but the socket to answer. */
export function clientErrorHandler(unknownMethod: (path: string) => Problem | undefined) {
  return (error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const [, path = ''] = /^[A-Z-]{1,32} ([^ ?]{1,2048})/.exec(startOf(error.rawPacket)) ?? [];
    const known = PARSER_ERRORS[error.code ?? ''] ?? [400, 'malformed_request', 'This is not HTTP.'];
    const problem = (error.code === 'HPE_INVALID_METHOD' && unknownMethod(path)) || new Problem(...known);
    const body = JSON.stringify(problemBody(problem, { id: randomUUID(), url: path }));
    const headers = {
      ...problem.headers,
      'Content-Type': PROBLEM_TYPE,
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`);
  };
}

/** Enough for a method and a path. */
const startOf = (packet: unknown): string => (Buffer.isBuffer(packet) ? packet.toString('latin1', 0, 2_100) : '');

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply
    .code(problem.status)
    .headers({ ...problem.headers, 'content-type': PROBLEM_TYPE })
    .send(JSON.stringify(problemBody(problem, request)));
}

/** Whose request may be asked differently. Of any other, something may be done: it is asked again as it was, under its key. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (READS.has(request.method) && tookTooLong(error)) {
    request.log.warn({ err: error }, 'a query took too long');
    return queryTooSlow();
  }
  const away = outageOf(error);
  if (away !== undefined) {
    request.log.warn({ err: error }, `${away} is away`);
    return unavailable(away);
  }
  const { code, statusCode } = (error ?? {}) as Partial<FastifyError>;
  const known = FASTIFY_ERRORS[code ?? ''];
  if (known) return known(request);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, 'bad_request', 'The request could not be read.');
  }
  request.log.error({ err: error }, 'a request failed');
  return new Problem(500, 'internal_error', 'Something went wrong on our side. It is logged under this request id.');
}
