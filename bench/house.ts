/** A merchant with users, whose games and markets are measured: over HTTP, and what only has to be there, in the books. */
import pg from 'pg';
import { Pool as HttpPool } from 'undici';
import type { Installation } from '../harness/installation.ts';
import { now } from './clock.ts';

export const CONCURRENCY = 32;
export const CURRENCY = 'PKR';

type Query = (sql: string, ...values: readonly unknown[]) => Promise<unknown>;

export interface House {
  readonly baseUrl: string;
  readonly key: string;
  readonly merchantId: string;
  /** @throws where it is refused. */
  post(path: string, body: object): Promise<{ readonly id: string; readonly status: string }>;
  rows<Row extends pg.QueryResultRow>(sql: string, ...values: readonly unknown[]): Promise<Row[]>;
  /** One after the other, each in a transaction. */
  inTransactions(each: readonly string[], work: (query: Query, of: string) => Promise<void>): Promise<void>;
  /** Who have this much. */
  users(count: number, amountMinor: string, currency?: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export function openHouse({ credentials }: Installation): House {
  const { baseUrl, databaseUrl, merchants } = credentials;
  const { id: merchantId = '', testKey: key = '' } = merchants[1] ?? {};
  const http = new HttpPool(baseUrl, { connections: CONCURRENCY });
  const books = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  let serial = 0;
  let made = 0;
  const house: House = {
    baseUrl,
    key,
    merchantId,
    async post(path, body) {
      serial += 1;
      const headers = { 'x-api-key': key, 'x-idempotency-key': `bench-${serial}`, 'content-type': 'application/json' };
      const reply = await http.request({ method: 'POST', path, headers, body: JSON.stringify(body) });
      const text = await reply.body.text();
      if (reply.statusCode >= 300) throw new Error(`${path}: ${reply.statusCode} ${text}`);
      return JSON.parse(text) as { id: string; status: string };
    },
    rows: async <Row extends pg.QueryResultRow>(sql: string, ...values: readonly unknown[]) =>
      (await books.query<Row>(sql, [...values])).rows,
    async inTransactions(each, work) {
      const client = await books.connect();
      try {
        for (const of of each) {
          await client.query('BEGIN');
          await work((sql, ...values) => client.query(sql, [...values]), of);
          await client.query('COMMIT');
        }
      } finally {
        client.release();
      }
    },
    async users(count, amountMinor, currency = CURRENCY) {
      made += count;
      const rows = await house.rows<{ id: string }>(
        `WITH entered AS (
           INSERT INTO users (id, merchant_id, mode, external_id)
           SELECT 'usr_' || replace(uuidv7()::text, '-', ''), $1, 'test', 'bench-' || n FROM generate_series($2::int, $3::int) n RETURNING id)
         SELECT id FROM entered`,
        merchantId,
        made - count + 1,
        made,
      );
      const ids = rows.map(({ id }) => id);
      await house.rows(
        `SELECT move_user_money(jsonb_build_object('merchantId', $1::text, 'mode', 'test', 'userId', id, 'type', 'USER_CREDIT', 'currency', $2::text,
                                                   'amountMinor', $3::text, 'externalId', 'start-' || id)) FROM unnest($4::text[]) id`,
        merchantId,
        currency,
        amountMinor,
        ids,
      );
      return ids;
    },
    close: async () => void (await Promise.all([http.close(), books.end()])),
  };
  return house;
}

/** How often something was done in so many seconds, by as many at once as the house has connections. */
export async function perSecond(seconds: number, once: (nth: number) => Promise<unknown>): Promise<number> {
  const until = now() + seconds * 1_000;
  let [begun, done] = [0, 0];
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (now() < until) {
        begun += 1;
        await once(begun);
        if (now() <= until) done += 1;
      }
    }),
  );
  return done / seconds;
}
