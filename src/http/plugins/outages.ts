/**
 * Telling "PostgreSQL, Temporal or the place of screenshots is away" from a mistake of ours, and from a query that took too long: the first passes and
 * is 503, the second is 500, of the third less must be asked.
 */
import { Away } from '../../net/away.ts';

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

/**
 * PostgreSQL has ended the statement: it ran into its own limit (src/db/pool.ts), or an operator stopped it. It is there, and
 * did not do what it was asked. Its words for the two differ by the server's language, the code does not.
 */
const ENDED = '57014';

/** What is away, or undefined. */
export function outageOf(error: unknown): string | undefined {
  for (const each of causesOf(error)) {
    if (each instanceof Away) return each.what;
    if (isDatabaseOutage(each)) return 'PostgreSQL';
  }
  return undefined;
}

/** A statement took too long for PostgreSQL. Of a write it is an outage too: what was asked may be done by another statement. */
export function tookTooLong(error: unknown): boolean {
  return [...causesOf(error)].some((each) => codesOf(each).includes(ENDED));
}

function* causesOf(error: unknown): Generator<object> {
  const seen = new Set<unknown>();
  for (let each: unknown = error; typeof each === 'object' && each !== null && !seen.has(each); each = causeOf(each)) {
    seen.add(each);
    yield each;
  }
}

/** In the driver's words, and in Prisma's. */
function codesOf(error: object): string[] {
  const { code, originalCode } = error as Readonly<Record<string, unknown>>;
  return [code, originalCode].filter((each) => typeof each === 'string');
}

function isDatabaseOutage(error: object): boolean {
  const { message, kind } = error as Readonly<Record<string, unknown>>;
  if (codesOf(error).some((each) => NETWORK.has(each) || PASSING.test(each) || PRISMA.test(each))) return true;
  if (kind === 'DatabaseNotReachable' || kind === 'SocketTimeout' || kind === 'ConnectionClosed') return true;
  return typeof message === 'string' && PG_TEXT.test(message);
}

/** Prisma hides the driver's error in `meta`; Node gathers the tries of several addresses in an AggregateError. */
function causeOf(error: object): unknown {
  const { cause, meta, errors } = error as { cause?: unknown; meta?: { driverAdapterError?: unknown }; errors?: unknown };
  return cause ?? meta?.driverAdapterError ?? (Array.isArray(errors) ? errors[0] : undefined);
}
