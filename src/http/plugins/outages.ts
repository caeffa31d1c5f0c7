/** Telling "PostgreSQL or Temporal is away" from a mistake of ours: the first is 503 and passes, the second is 500. */
import { TemporalUnavailable } from '../../temporal/client.ts';

/** Of the socket. */
const NETWORK: ReadonlySet<string> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT',
]); // biome-ignore format: a list

/**
 * SQLSTATEs that pass by themselves: 08 connection, 53 out of connections, memory or disk, 57 stopped by a timeout or a
 * shutdown, 40 lost a race for locks, 55P03 did not get one, 25006 read only (a standby that is taking over).
 */
const PASSING = /^(08...|53...|57...|40...|55P03|25006)$/;

/** Prisma's own: cannot reach, timed out, closed; no connection in time. */
const PRISMA = /^(P1001|P1002|P1008|P1017|P2024|P2028)$/;

/** pg has no codes for these. */
const PG_TEXT =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** What is away, or undefined. */
export function outageOf(error: unknown): 'PostgreSQL' | 'Temporal' | undefined {
  const seen = new Set<unknown>();
  for (let each: unknown = error; typeof each === 'object' && each !== null && !seen.has(each); each = causeOf(each)) {
    seen.add(each);
    if (each instanceof TemporalUnavailable) return 'Temporal';
    if (isDatabaseOutage(each)) return 'PostgreSQL';
  }
  return undefined;
}

function isDatabaseOutage(error: object): boolean {
  const { code, originalCode, message, kind } = error as Readonly<Record<string, unknown>>;
  const codes = [code, originalCode].filter((each) => typeof each === 'string');
  if (codes.some((each) => NETWORK.has(each) || PASSING.test(each) || PRISMA.test(each))) return true;
  if (kind === 'DatabaseNotReachable' || kind === 'SocketTimeout' || kind === 'ConnectionClosed') return true;
  return typeof message === 'string' && PG_TEXT.test(message);
}

/** Prisma hides the driver's error in `meta`; Node gathers the tries of several addresses in an AggregateError. */
function causeOf(error: object): unknown {
  const { cause, meta, errors } = error as { cause?: unknown; meta?: { driverAdapterError?: unknown }; errors?: unknown };
  return cause ?? meta?.driverAdapterError ?? (Array.isArray(errors) ? errors[0] : undefined);
}
