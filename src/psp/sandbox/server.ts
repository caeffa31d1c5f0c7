/**
 * The sandbox PSP: an HTTP server with a database and a book of its own, so that what it says of a payout does not
 * depend on what oncepay believes. Wire format: wire.ts. What happens to a transfer: scenarios.ts. What may go wrong:
 * faults.ts.
 */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { applyDue } from './book.ts';
import { controlRoutes } from './controlRoutes.ts';
import { openDatabase, type Pool } from './database.ts';
import { createDelivery } from './delivery.ts';
import { pspRoutes } from './pspRoutes.ts';
import { Refusal } from './refusal.ts';
import { startTicker } from './ticker.ts';

export interface SandboxOptions {
  /** The sandbox's own database; its tables are made where they are missing. */
  readonly databaseUrl: string;
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
  /** What a customer shows as `Authorization: Bearer`. */
  readonly apiKey: string;
  /** Where the customer takes callbacks. */
  readonly callbackUrl: string;
  /** Signs callbacks. */
  readonly webhookSecret: string;
  readonly logger?: FastifyBaseLogger;
  /** How long scenario 0009 stays paid. */
  readonly returnAfterMs?: number;
}

export interface Sandbox {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Larger than any request of this API by far. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Starts the simulator; it listens once this resolves. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const app = Fastify({
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    // The tape tells what was asked.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    // References are longer than Fastify's default of 100 when percent-encoded.
    routerOptions: { maxParamLength: 300 },
    // Requests that hang on purpose must not hold up the end.
    forceCloseConnections: true,
  });
  const onError = (error: unknown) => app.log.error({ err: error }, 'the sandbox could not do its timed work; it tries again');
  const pool = await openDatabase(options.databaseUrl, onError);
  const { callbackUrl, webhookSecret } = options;
  const delivery = createDelivery({ pool, callbackUrl, webhookSecret, onError });
  const ticker = startTicker(async () => {
    const { changeMs, callbackMs } = await untilNextDue(pool);
    if (changeMs <= 0) await applyDue(pool);
    if (callbackMs <= 0) await delivery.start();
    return Math.min(changeMs, callbackMs); // what was done may have made more due: then the next turn follows at once
  }, onError);

  const close = async () => {
    await app.close();
    await ticker.stop();
    await delivery.close();
    await pool.end();
  };
  try {
    wire(app, pool, options, ticker.expect);
    const host = options.host ?? '127.0.0.1';
    await app.listen({ host, port: options.port });
    const address = app.server.address();
    const port = address !== null && typeof address === 'object' ? address.port : options.port;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function wire(app: FastifyInstance, pool: Pool, options: SandboxOptions, expect: (inMs: number) => void): void {
  // JSON whatever the content type says, and no body where a client announces JSON but sends none.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch {
      done(new Refusal(400, 'invalid_request', 'body: not JSON'));
    }
  });
  // PostgreSQL keeps no NUL, so nothing can be found under one.
  app.addHook('onRequest', async (request) => {
    if (/%00/.test(request.url)) throw new Refusal(400, 'invalid_request', 'the URL has a NUL');
  });
  app.setNotFoundHandler(async (request) => {
    throw new Refusal(404, 'not_found', `no such route: ${request.method}`);
  });
  app.setErrorHandler<Error & { statusCode?: number }>(async (error, _request, reply) => {
    const status = error.statusCode ?? 500;
    const isOurs = error instanceof Refusal;
    if (!isOurs && status >= 500) app.log.error({ err: error }, 'the sandbox failed');
    const code = isOurs ? error.code : status < 500 ? 'invalid_request' : 'internal_error';
    return reply.code(status).send({ error: { code, message: isOurs || status < 500 ? error.message : 'something went wrong' } });
  });

  app.get('/health', async () => {
    await pool.query('SELECT');
    return { status: 'ok' };
  });
  const { apiKey, returnAfterMs } = options;
  app.register((scope, _options, done) => {
    pspRoutes(scope, { pool, apiKey, returnAfterMs, expect });
    done();
  });
  app.register(
    (scope, _options, done) => {
      controlRoutes(scope, { pool, expect });
      done();
    },
    { prefix: '/control' },
  );
}

/** Infinity: nothing is planned. */
async function untilNextDue(pool: Pool): Promise<{ changeMs: number; callbackMs: number }> {
  const { rows } = await pool.query<{ change: number | null; callback: number | null }>({
    name: 'until_next_due',
    text: `SELECT (extract(epoch FROM (SELECT min(due_at) FROM sandbox.transfers WHERE due_at IS NOT NULL) - clock_timestamp()) * 1000)::float8 AS change,
                  (extract(epoch FROM (SELECT min(due_at) FROM sandbox.callbacks WHERE done_at IS NULL) - clock_timestamp()) * 1000)::float8 AS callback`,
  });
  return { changeMs: rows[0]?.change ?? Number.POSITIVE_INFINITY, callbackMs: rows[0]?.callback ?? Number.POSITIVE_INFINITY };
}
