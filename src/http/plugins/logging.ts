/** What is logged of a request: method, path, status and time; never a header, a body or a query. */
import type { FastifyRequest } from 'fastify';
import type { DestinationStream, LoggerOptions } from 'pino';
import type { Config } from '../../config.ts';
import { masked } from '../../crypto/masked.ts';

type Logger = LoggerOptions & { stream?: DestinationStream };

export function loggerOptions(level: Config['logLevel'], stream?: DestinationStream): Logger {
  return {
    level,
    base: { process: 'api' },
    // Nothing of this is logged on purpose. Should it come along one day, it does not get out.
    redact: {
      paths: [
        'req.headers', '*.authorization', '*["x-api-key"]', '*["sec-websocket-protocol"]',
        '*.accountNumber', '*.iban', '*.secret', '*.key', '*.token', '*.body',
      ], // biome-ignore format: a list
      censor: '[redacted]',
    },
    serializers: {
      req: ({ method, url, ip }: FastifyRequest) => ({ method, path: masked(url.split('?', 1)[0] ?? ''), ip }),
      err: presentError,
    },
    ...(stream ? { stream } : {}),
  };
}

interface LoggedError {
  readonly type: string;
  readonly code?: unknown;
  readonly message: string;
  readonly stack: string;
  readonly cause?: LoggedError;
}

/** Not all that hangs on an error: PostgreSQL's `detail` and Prisma's `meta` quote values. */
function presentError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: masked(String(error)), stack: '' };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: masked(error.message),
    stack: masked(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: presentError(error.cause) }),
  };
}
