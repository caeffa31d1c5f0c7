/**
 * A simulated PSP: an HTTP server with a database and a book of its own, so that what it says of a payout does not
 * depend on what oncepay believes. What is one PSP's own, its words and its routes, comes as a `Profile`; what may go
 * wrong: faults.ts.
 */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { type Book, type BookRules, createBook } from './book.ts';
import { controlRoutes } from './controlRoutes.ts';
import { openDatabase, type Pool } from './database.ts';
import { createDelivery, type DeliveryRules } from './delivery.ts';
import { Refusal } from './refusal.ts';
import { startTicker } from './ticker.ts';
import type { Payee, TransferStatus } from './transfer.ts';

export interface SimulatorOptions {
  /** The simulator's own database; its tables are made where they are missing. */
  readonly databaseUrl: string;
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
  /** Where the customer takes callbacks. */
  readonly callbackUrl: string;
  readonly logger?: FastifyBaseLogger;
}

/** What the routes of a PSP work with. */
export interface Desk<P extends Payee> {
  readonly pool: Pool;
  readonly book: Book<P>;
  /** A change or a callback becomes due in so many milliseconds. */
  readonly expect: (inMs: number) => void;
}

export interface Profile<P extends Payee> {
  /** Of its schema, too. */
  readonly name: string;
  /** The beginning of its API's paths. */
  readonly prefix: string;
  readonly book: BookRules<P>;
  readonly delivery: DeliveryRules;
  /** What a bank would give as the reason where a tester gives none. */
  readonly usualReason: Readonly<Partial<Record<TransferStatus, string>>>;
  /** Tables of its own, besides those of every book. */
  readonly tables: string;
  refusalBody(code: string, message: string): unknown;
  routes(app: FastifyInstance, desk: Desk<P>): void;
  /** What a tester may ask of this PSP only; under /control. */
  control(app: FastifyInstance, desk: Desk<P>): void;
}

export interface Simulator {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Larger than any request of these APIs by far. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Starts the simulator; it listens once this resolves. */
export async function startSimulator<P extends Payee>(profile: Profile<P>, options: SimulatorOptions): Promise<Simulator> {
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
  const onError = (error: unknown) => app.log.error({ err: error }, 'the simulator could not do its timed work; it tries again');
  const pool = await openDatabase(options.databaseUrl, profile.name, profile.tables, onError);
  const book = createBook(pool, profile.book);
  const delivery = createDelivery({ pool, callbackUrl: options.callbackUrl, rules: profile.delivery, onError });
  const ticker = startTicker(async () => {
    await book.applyDue();
    await delivery.start();
    return untilNextDue(pool);
  }, onError);

  const close = async () => {
    await app.close();
    await ticker.stop();
    await delivery.close();
    await pool.end();
  };
  try {
    wire(app, profile, { pool, book, expect: ticker.expect });
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

function wire<P extends Payee>(app: FastifyInstance, profile: Profile<P>, desk: Desk<P>): void {
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
  wordErrors(app, profile.refusalBody);
  app.get('/health', async () => {
    await desk.pool.query('SELECT');
    return { status: 'ok' };
  });
  app.register(
    (scope, _options, done) => {
      profile.routes(scope, desk);
      done();
    },
    { prefix: profile.prefix },
  );
  app.register(
    (scope, _options, done) => {
      // The tester's words are the same at every simulator.
      wordErrors(scope, (code, message) => ({ error: { code, message } }));
      controlRoutes(scope, { ...desk, usualReason: profile.usualReason });
      profile.control(scope, desk);
      done();
    },
    { prefix: '/control' },
  );
}

function wordErrors(app: FastifyInstance, body: (code: string, message: string) => unknown): void {
  app.setErrorHandler<Error & { statusCode?: number }>(async (error, _request, reply) => {
    const status = error.statusCode ?? 500;
    const isOurs = error instanceof Refusal;
    if (!isOurs && status >= 500) app.log.error({ err: error }, 'the simulator failed');
    const code = isOurs ? error.code : status < 500 ? 'invalid_request' : 'internal_error';
    return reply.code(status).send(body(code, isOurs || status < 500 ? error.message : 'something went wrong'));
  });
}

async function untilNextDue(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ ms: number | null }>(
    `SELECT (extract(epoch FROM least(
       (SELECT min(due_at) FROM callbacks WHERE done_at IS NULL),
       (SELECT min(due_at) FROM transfers WHERE due_at IS NOT NULL)) - clock_timestamp()) * 1000)::float8 AS ms`,
  );
  return rows[0]?.ms ?? Number.POSITIVE_INFINITY;
}
