import pg from 'pg';

/** A pool or one connection: all that a statement of its own needs. */
export type Sql = Pick<pg.Pool, 'query'>;

export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  readonly applicationName: string;
}

/**
 * While a transaction writes, whoever follows events waits (src/events/follow.ts). Ours are one call, a few milliseconds, and
 * meant to stay under 250; but a call also waits its turn for the balance of a merchant whom many pay at once, and on a slow
 * machine for the disk. To end it then would only send it to the end of the queue, its session lost: so what is measured is
 * how long events are held back, and this ends only what no statement's own limit (below) has ended before it. PostgreSQL
 * knows it from 17 on.
 */
const TRANSACTION_TIMEOUT_MS = 10_000;

/**
 * A bounded pool whose calls end: nobody waits for ever for a database that is gone or frozen. A call that was cut off
 * may have been done; every caller may repeat it by its key.
 */
export function createPool({ url, max, applicationName }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000, // a client's patience; beyond it 503 is the honest answer
    query_timeout: 10_000, // a frozen server never answers: give up here, well above the slowest healthy call (ms)
    statement_timeout: 8_000, // a slow one is stopped by the server first, so that its locks go with it
    idle_in_transaction_session_timeout: 10_000,
    options: `-c transaction_timeout=${TRANSACTION_TIMEOUT_MS}`,
    keepAlive: true,
  });
  // An idle connection that breaks is replaced at the next call; without a listener the event would end the process.
  pool.on('error', () => undefined);
  return pool;
}
