/** One line of JSON an event, on stdout. Ids and counts only: payloads, keys and account numbers never come here. */
import type { Logger as TemporalLogger } from '@temporalio/common';
import { type Logger, pino } from 'pino';
import type { Config } from '../config.ts';
import { masked } from '../crypto/masked.ts';

/** What of an error is written: the rest of it (PostgreSQL's `detail` above all) may quote a row. */
function errorFields(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return masked(String(error));
  const { name, message, code, stack } = error as { name?: unknown; message?: unknown; code?: unknown; stack?: unknown };
  return { type: name, message: maskedIfText(message), code, stack: maskedIfText(stack) };
}

const maskedIfText = (value: unknown): unknown => (typeof value === 'string' ? masked(value) : value);

export function createLog(level: Config['logLevel']): Logger {
  return pino({ level, base: { process: 'worker', pid: process.pid }, serializers: { err: errorFields, error: errorFields } });
}

/** The same log for what the Temporal SDK has to say. */
export function temporalLogger(log: Logger): TemporalLogger {
  const at = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') => (message: string, meta?: object) =>
    log[level](meta ?? {}, message);
  const logger = { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const levels = { TRACE: logger.trace, DEBUG: logger.debug, INFO: logger.info, WARN: logger.warn, ERROR: logger.error };
  return { ...logger, log: (level, message, meta) => levels[level](message, meta) };
}
