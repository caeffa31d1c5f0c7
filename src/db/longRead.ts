/** Reads that take longer than a call may (pool.ts): on a connection of their own, seeing one moment. They keep nobody waiting who follows events. */
import type { Pool, PoolClient, QueryConfig } from 'pg';
import type { Sql } from './pool.ts';

/** What is read at one moment. */
export const ONE_MOMENT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** @param mostMs for each statement. */
export async function longRead<T>(pool: Pool, mostMs: number, read: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await take(pool);
  try {
    await client.query(`${ONE_MOMENT}; ${patience(mostMs)}`);
    // query_timeout is pg's own clock for one call; the pool's is for the short ones.
    const patiently = (config: QueryConfig) => ({ ...config, query_timeout: mostMs });
    return await read({ query: ((config: QueryConfig) => client.query(patiently(config))) as Sql['query'] });
  } finally {
    await giveBack(client);
  }
}

/** For the transaction that has just begun. */
export const patience = (mostMs: number): string => `SET LOCAL statement_timeout = ${mostMs}; SET LOCAL transaction_timeout = 0`;

/** A connection that breaks between two queries tells it to the next one; without a listener it would end the process. */
const toldByTheNextQuery = () => undefined;

export async function take(pool: Pool): Promise<PoolClient> {
  return (await pool.connect()).on('error', toldByTheNextQuery);
}

/** Ends its transaction. Without an answer to the ROLLBACK the connection is not fit for others. */
export async function giveBack(client: PoolClient): Promise<void> {
  const failed = await client.query('ROLLBACK').then(
    () => undefined,
    (error: Error) => error,
  );
  client.removeListener('error', toldByTheNextQuery);
  client.release(failed);
}
