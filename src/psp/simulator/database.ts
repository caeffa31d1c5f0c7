/** A simulator's tables, in a schema of its own that every connection looks in first, and transactions on them. */
import pg from 'pg';

/** Any number that nobody else in this database locks: two simulators starting at once take turns. */
const START_LOCK = 715_008_001;

/** @param firstSeq rises from one new book to the next, so that no number is given twice to the same customer. */
const tables = (schema: string, ownTables: string, firstSeq: number) => `
  BEGIN;
  SELECT pg_advisory_xact_lock(${START_LOCK});
  CREATE SCHEMA IF NOT EXISTS ${schema};

  CREATE TABLE IF NOT EXISTS transfers (
    seq            bigint GENERATED ALWAYS AS IDENTITY (START WITH ${firstSeq}) UNIQUE,
    id             text PRIMARY KEY,
    reference      text COLLATE "C" NOT NULL UNIQUE,
    fingerprint    text NOT NULL,
    amount         numeric NOT NULL CHECK (amount > 0),
    fee            numeric NOT NULL DEFAULT 0,
    currency       text NOT NULL,
    destination    jsonb NOT NULL,
    account_number text NOT NULL,
    narration      text,
    status         text NOT NULL CHECK (status IN ('queued', 'held', 'processing', 'paid', 'failed', 'returned')),
    reason         text,
    taken_at       timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    later          jsonb NOT NULL DEFAULT '[]',
    due_at         timestamptz
  );
  -- of a book that an earlier version has made
  ALTER TABLE transfers ADD COLUMN IF NOT EXISTS fee numeric NOT NULL DEFAULT 0, ADD COLUMN IF NOT EXISTS later jsonb NOT NULL DEFAULT '[]',
    DROP COLUMN IF EXISTS next_status, DROP COLUMN IF EXISTS next_reason;
  UPDATE transfers SET due_at = NULL WHERE due_at IS NOT NULL AND later = '[]';
  CREATE INDEX IF NOT EXISTS transfers_due ON transfers (due_at) WHERE due_at IS NOT NULL;

  -- Two rows a move, of opposite sign: float is the customer's money here, payee is what went out.
  CREATE TABLE IF NOT EXISTS postings (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id text NOT NULL REFERENCES transfers (id),
    account     text NOT NULL CHECK (account IN ('float', 'payee')),
    currency    text NOT NULL,
    amount      numeric NOT NULL CHECK (amount <> 0),
    at          timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS postings_transfer ON postings (transfer_id);

  CREATE TABLE IF NOT EXISTS callbacks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id text NOT NULL REFERENCES transfers (id),
    body        text NOT NULL,
    forged      boolean NOT NULL,
    tries       integer NOT NULL DEFAULT 0,
    last_result text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    due_at      timestamptz NOT NULL,
    done_at     timestamptz
  );
  CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (due_at) WHERE done_at IS NULL;

  CREATE TABLE IF NOT EXISTS faults (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    match      jsonb NOT NULL,
    params     jsonb NOT NULL,
    times      integer,
    times_left integer CHECK (times_left >= 0)
  );

  CREATE TABLE IF NOT EXISTS requests (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    method    text NOT NULL,
    path      text NOT NULL,
    reference text COLLATE "C",
    fault     text,
    status    integer
  );
  CREATE INDEX IF NOT EXISTS requests_asked ON requests (reference) WHERE method = 'POST' AND path = '/transfers';
  ${ownTables}
  COMMIT;
`;

export type Pool = pg.Pool;
export type Client = pg.PoolClient;
/** Whatever runs one statement: the pool, or the client of an open transaction. */
export type Db = pg.Pool | pg.PoolClient;

/** Connects and makes the tables that are missing. `onIdleError`: a pooled connection died while nobody used it. */
export async function openDatabase(
  databaseUrl: string,
  schema: string,
  ownTables: string,
  onIdleError: (error: Error) => void,
): Promise<Pool> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 8, // a request holds one for about a millisecond, so they serve far more clients than 8
    application_name: `oncepay-${schema}`,
    options: `-c search_path=${schema}`,
  });
  // Without a listener, a restart of PostgreSQL would end the process.
  pool.on('error', onIdleError);
  try {
    await pool.query(tables(schema, ownTables, Math.floor(Date.now() / 1000)));
  } catch (error) {
    await pool.end();
    throw error;
  }
  return pool;
}

export async function inTransaction<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks between two statements tells so by an event, which would end the process; the next statement fails, too.
  client.on('error', toldByTheNextQuery);
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off('error', toldByTheNextQuery);
    // A connection that cannot roll back is thrown away, not handed to the next one.
    client.release(broken);
  }
}

const toldByTheNextQuery = (): void => undefined;
