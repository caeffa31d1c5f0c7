/** An app and what stands before every route of it: limits, headers, keys, problems, the document. Which routes, app.ts says. */
import Fastify, { type FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import type { Config } from '../config.ts';
import { addHeaders, requestIdOf } from './plugins/headers.ts';
import { addIntake, JSON_BODY } from './plugins/intake.ts';
import { loggerOptions } from './plugins/logging.ts';
import { type OtherMethods, watchMethods } from './plugins/methods.ts';
import { addOpenApi } from './plugins/openapi.ts';
import { addProblems, clientErrorHandler, sendFrameworkError } from './plugins/problems.ts';
import { addRateLimits } from './plugins/rateLimit.ts';
import { serializerCompiler, validatorCompiler } from './validation.ts';

/** Our longest id has 40 characters; a longer parameter is no id. */
const PARAM_LENGTH_MAX = 128;
/** For the head of a request, whichever route it turns out to be for. Node looks every 30 s. */
const HEAD_TIMEOUT_MS = 15_000;

export interface AppOptions {
  /** Where log lines go; by default to stdout. */
  readonly logTo?: DestinationStream;
}

/** Ready to be asked; listens nowhere. */
export async function openApp(
  config: Pick<Config, 'logLevel' | 'rateLimitPerSecond' | 'publicUrl'>,
  routes: (app: FastifyInstance) => Promise<void>,
  { logTo }: AppOptions = {},
): Promise<FastifyInstance> {
  let otherMethods: OtherMethods | undefined;
  const app = Fastify({
    logger: loggerOptions(config.logLevel, logTo),
    http: { headersTimeout: HEAD_TIMEOUT_MS },
    requestTimeout: JSON_BODY.timeoutMs, // a route that has longer raises it
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    requestIdHeader: false,
    genReqId: requestIdOf,
    frameworkErrors: sendFrameworkError,
    clientErrorHandler: clientErrorHandler((path) => otherMethods?.unknownMethod(path)),
  });
  app.decorateRequest('caller');
  app.decorateRequest('session');
  app.decorateRequest('streamUserId');
  app.decorateRequest('page');
  app.decorateRequest('idempotencyKey');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  addHeaders(app);
  addIntake(app);
  await addRateLimits(app, config.rateLimitPerSecond);
  addProblems(app);
  otherMethods = watchMethods(app);
  await addOpenApi(app, config.publicUrl);
  await routes(app);
  otherMethods.refuse();
  await app.ready();
  return app;
}
