/** Lists: `{ object: "list", data, hasMore, nextCursor }`, a page at a time. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from './caller.ts';
import { invalidRequest } from './problem.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
/** Longer than any of ours. */
const CURSOR_MAX = 300;

/** Query parameters of every list: spread them into the route's strict query schema. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^([1-9][0-9]?|100)$/, `Must be a whole number from 1 to ${LIMIT_MAX}.`)
    .optional()
    .meta({ type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT, pattern: undefined }),
  cursor: z.string().max(CURSOR_MAX).optional().meta({ description: '`nextCursor` of the page before' }),
};

/** What a cursor may hold: the sort key of the last row of the page before. Reads it from outside, undefined where it is none. */
export type CursorKey<Key> = (text: string) => Key | undefined;

export const ID_KEY: CursorKey<string> = (text) => (/^[a-z]+_[0-9a-f_]{1,65}$/.test(text) ? text : undefined);

export const BIGINT_KEY: CursorKey<bigint> = (text) => wholeNumber(text, 2n ** 63n - 1n);

export const INTEGER_KEY: CursorKey<number> = (text) => {
  const read = wholeNumber(text, 2n ** 31n - 1n);
  return read === undefined ? undefined : Number.parseInt(read.toString(), 10);
};

/** As PostgreSQL would take it into a column with this limit: one digit more, or a number beyond, would be its error. */
function wholeNumber(text: string, most: bigint): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const read = BigInt(text);
  return read <= most ? read : undefined;
}

export interface Page<Key> {
  readonly limit: number;
  /** Ask for one row more than the limit: it tells whether there are more. */
  readonly take: number;
  /** The sort key of the last row before this page; undefined on the first. */
  readonly after: Key | undefined;
  /** @param rows at most `take` of them, in order. */
  answer<Row, Shown>(rows: readonly Row[], keyOf: (row: Row) => Key, present: (row: Row) => Shown): List<Shown>;
}

export interface List<Shown> {
  readonly object: 'list';
  readonly data: readonly Shown[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

export const listSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({ object: z.literal('list'), data: z.array(item), hasMore: z.boolean(), nextCursor: z.string().nullable() });

interface PageQuery {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}

/**
 * Reads `limit` and `cursor`. A cursor works only on the route and for the tenant that it was given to.
 * @param readKey what a sort key of this list looks like: a cursor comes from outside.
 * @throws Problem 400 with the pointer `/cursor`.
 */
export function openPage<Key extends string | number | bigint>(
  request: FastifyRequest,
  query: PageQuery,
  readKey: CursorKey<Key>,
  limitDefault = LIMIT_DEFAULT,
): Page<Key> {
  const limit = query.limit === undefined ? limitDefault : Number.parseInt(query.limit, 10);
  const tag = tagOf(request);
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor, tag, readKey);
  return {
    limit,
    take: limit + 1,
    after,
    answer(rows, keyOf, present) {
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      const hasMore = rows.length > limit && last !== undefined;
      return {
        object: 'list',
        data: shown.map(present),
        hasMore,
        nextCursor: hasMore ? writeCursor(tag, String(keyOf(last))) : null,
      };
    },
  };
}

const tagOf = (request: FastifyRequest): string => tagFor(tagPart(request.caller), request.routeOptions.url ?? '');

/** Not a secret: what a cursor can reach is in the query's WHERE. It tells a mistake from a page. */
const tagFor = (tenant: string, route: string): string =>
  createHash('sha256').update(`${tenant} ${route}`).digest('base64url').slice(0, 12);

/** As a list would give it out: whoever reads this file can make one, so every key must be one that the query takes. */
export const cursorOf = (tenant: string, route: string, key: string): string => writeCursor(tagFor(tenant, route), key);

function tagPart(caller: Caller | undefined): string {
  if (caller?.kind === 'merchant') return `${caller.merchantId} ${caller.mode}`;
  return caller?.kind === 'provider' ? caller.providerId : 'admin';
}

const writeCursor = (tag: string, key: string): string => Buffer.from(`${tag}.${key}`).toString('base64url');

function readCursor<Key>(cursor: string, tag: string, readKey: CursorKey<Key>): Key {
  const [given, text] = Buffer.from(cursor, 'base64url').toString('utf8').split('.', 2);
  const key = given === tag && text !== undefined ? readKey(text) : undefined;
  if (key === undefined) {
    throw invalidRequest([{ pointer: '/cursor', code: 'invalid_cursor', detail: 'This is no cursor of this list.' }]);
  }
  return key;
}
