/** Times, cursors and whole numbers at their limits are answers or refusals, never our fault: every field that the document names. */

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createLedgerActivities } from '../../activities/payouts/ledger.ts';
import { BIGINT_KEY, cursorOf, INTEGER_KEY } from '../../src/http/paging.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { reserveRequest } from '../support/books.ts';
import { type Door, openDoor } from '../support/door.ts';
import { makeProvider, past } from '../support/providers.ts';

jest.setTimeout(120_000); // thousands of requests

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

let door: Door;
let keys: Readonly<Record<'merchant' | 'provider' | 'admin', string>>;
let ids: Readonly<Record<string, string>>;
let tenants: Readonly<Record<keyof typeof keys, string>>;
let operations: readonly (readonly [method: string, path: string, operation: Operation])[];
let components: Readonly<Record<string, Schema>>;

beforeAll(async () => {
  // Temporal is away and says so at once: nothing here is about it.
  const away = () => Promise.reject(new TemporalUnavailable('nobody there'));
  door = await openDoor({
    payouts: {
      ...{ accept: away, recall: away, command: away, commandAfterEnd: away },
      ...{ notice: away, lookAgain: away, resume: away, dispatch: away, letGo: away },
    },
    payoutRuns: { schedule: away, start: away, pause: away, resume: away },
  });
  const merchant = await door.merchant({ funds: 100_000n });
  await fundBalance(door.context.pool, {
    merchantId: merchant.id,
    mode: 'test',
    currency: 'NGN',
    amountMinor: '100000',
    externalId: 'naira',
  });
  const provider = await makeProvider(door, merchant, { earned: ['10'] });
  ids = {
    '/api/v1/payouts/': await paidByMerchant(merchant.id),
    '/api/provider/payouts/': (await past(door, provider, { daysAgo: 1 })).id,
    '/api/v1/providers/': provider.id,
    '/api/admin/merchants/': merchant.id,
    '/api/v1/webhook-endpoints/': (
      await door.call('POST', '/api/v1/webhook-endpoints', { key: merchant.key, body: { url: 'http://127.0.0.1:1/hook' } })
    ).body.id,
  };
  keys = { merchant: merchant.key, provider: provider.key, admin: (await door.admin('admin')).key };
  tenants = { merchant: `${merchant.id} test`, provider: provider.id, admin: 'admin' };
  const document = door.app.swagger() as unknown as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  components = document.components.schemas;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
  );
});
afterAll(() => door.stop());

const audienceOf = (path: string): keyof typeof keys =>
  path.startsWith('/api/admin') ? 'admin' : /^\/api\/(provider\/|payouts$)/.test(path) ? 'provider' : 'merchant';

/** Every id in a path is the caller's own where there can be one: only then is the query behind it asked. */
function ownPath(path: string): string {
  const [before = '', id = ''] = Object.entries(ids).find(([prefix]) => path.startsWith(`${prefix}{id}`)) ?? [];
  return `${before}${path.slice(before.length).replace('{id}', id || NOBODY)}`.replace(/\{[a-zA-Z]+\}/g, NOBODY);
}
const NOBODY = `po_${'0'.repeat(32)}`;

async function paidByMerchant(merchantId: string): Promise<string> {
  const { pool } = door.context;
  const answer = await createLedgerActivities({ ledger: createLedger(pool), pool }).reserve(
    reserveRequest({ merchantId, mode: 'test' }),
  );
  if (answer.outcome !== 'reserved') throw new Error(answer.outcome);
  return answer.payout.id;
}

const TIMES = [
  '9999-12-31T23:59:59-14:00', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.9999999999Z', '9999-12-31T23:59:59-23:59',
  '1970-01-01T00:00:00Z', '1970-01-01T00:00:00+23:59', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '+010000-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z', '2026-02-29T00:00:00Z', '2026-12-31T23:59:60Z', '2026-11-21T24:00:00Z', 'infinity', '-infinity', 'now', '',
  '294277-01-01T00:00:00Z',
]; // biome-ignore format: a list

const INTEGERS = ['0', '-0', '-1', '2147483647', '2147483648', '4294967296', '9007199254740993', '999999999999999999',
  '9223372036854775807', '9223372036854775808', '18446744073709551616', '1e3', '1E400', '00', '0x10', '1.5', ' 1', '', '٣', '1\u0000',
]; // biome-ignore format: a list

async function never5xx(method: string, path: string, body?: unknown): Promise<number> {
  const { status, text } = await door.call(method, path, { key: keys[audienceOf(path)], ...(body !== undefined && { body }) });
  if (status >= 500 && status !== 503) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${status} ${text}`);
  return status;
}

test('a filter by time', async () => {
  let asked = 0;
  for (const [method, path, { parameters = [] }] of operations) {
    for (const { name } of parameters.filter(({ schema }) => schema.format === 'date-time')) {
      for (const time of TIMES) {
        expect([200, 400, 404, 503]).toContain(await never5xx(method, `${ownPath(path)}?${name}=${encodeURIComponent(time)}`));
        asked += 1;
      }
    }
  }
  expect(asked).toBeGreaterThanOrEqual(4 * TIMES.length); // of two lists at least
});

test('a cursor whose number was changed', async () => {
  let lists = 0;
  const found = new Set<string>();
  for (const [method, path, { parameters = [] }] of operations) {
    if (!parameters.some(({ name }) => name === 'cursor')) continue;
    lists += 1;
    const tenant = tenants[audienceOf(path)];
    const own = ownPath(path);
    for (const key of [...INTEGERS, 'po_0', `po_${'f'.repeat(64)}`, 'po_\u0000']) {
      const cursor = cursorOf(tenant, path.replace(/\{([a-zA-Z]+)\}/g, ':$1'), key);
      const status = await never5xx(method, `${own}?cursor=${cursor}`);
      expect([200, 400, 404, 503]).toContain(status);
      if (status === 200) found.add(path);
    }
  }
  expect(lists).toBeGreaterThan(15);
  // A cursor that is refused at the door would show nothing of the query behind it.
  const asked = [
    '/api/v1/payouts/{id}/timeline',
    '/api/provider/payouts/{id}/timeline',
    '/api/v1/balance/history',
    '/api/admin/audit',
  ];
  expect([...found]).toEqual(expect.arrayContaining(asked));
});

test('a number that a cursor may hold is one that its column takes, to the last', () => {
  expect([INTEGER_KEY('2147483647'), INTEGER_KEY('2147483648'), INTEGER_KEY('01')]).toEqual([2147483647, undefined, undefined]);
  expect([BIGINT_KEY('9223372036854775807'), BIGINT_KEY('9223372036854775808')]).toEqual([9223372036854775807n, undefined]);
});

test('the other numbers in a query', async () => {
  for (const [method, path, { parameters = [] }] of operations) {
    for (const { name } of parameters.filter(({ schema, in: where }) => where === 'query' && schema.type === 'integer')) {
      for (const text of INTEGERS.filter((each) => each !== '0' && !(name === 'wait'))) {
        await never5xx(method, `${ownPath(path)}?${name}=${encodeURIComponent(text)}`);
      }
    }
  }
});

/** Something that the schema takes, as far as it says; what it does not say, examples do. */
function sample(given: Schema): unknown {
  const schema = resolved(given);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first) return sample(first);
  if (schema.properties) {
    const needed = (schema.required ?? []).map((name) => [name, sample(schema.properties?.[name] ?? {})] as const);
    return Object.fromEntries(needed);
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  return { string: 'abc', integer: 1, number: 1, boolean: true, array: [], object: {} }[String(type)] ?? 'abc';
}

const resolved = (schema: Schema): Schema =>
  schema.$ref ? (components[schema.$ref.replace('#/components/schemas/', '')] ?? {}) : schema;

const alternatives = (given: Schema): readonly Schema[] => {
  const schema = resolved(given);
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives), ...(schema.oneOf ?? []).flatMap(alternatives)];
};

/** Where in a body times and numbers stand. */
function* places(schema: Schema, path: readonly string[] = []): Generator<readonly [readonly string[], 'time' | 'number']> {
  for (const each of alternatives(schema)) {
    if (each.format === 'date-time') yield [path, 'time'];
    if (each.type === 'integer' || each.type === 'number') yield [path, 'number'];
    for (const [name, property] of Object.entries(each.properties ?? {})) yield* places(property, [...path, name]);
  }
}

function withValue(body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const before = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return { ...before, [name]: withValue(before[name], rest, value) };
}

test('a time or a number in a body', async () => {
  const asked = new Set<string>();
  for (const [method, path, { requestBody }] of operations) {
    const schema = requestBody?.content['application/json']?.schema;
    if (!schema || path.includes('/ipn/') || path.startsWith('/codec')) continue;
    for (const [place, kind] of places(schema)) {
      asked.add(`${method} ${path} ${place.join('/')}`);
      const values = kind === 'time' ? TIMES : INTEGERS.map(numberOf).filter((value) => value !== undefined);
      for (const value of values) {
        const body = withValue(sample(schema), place, value);
        // As text, because JSON.stringify would round a number that is too large.
        const text = JSON.stringify(body).replace(/"#(.*?)#"/g, '$1');
        await never5xx(method, ownPath(path), text);
      }
    }
  }
  const expected = ['expiresAt', 'amount', 'fee/bps'];
  for (const name of expected) expect([...asked].join('\n')).toContain(` ${name}`);
});

/** A number of JSON in its own spelling. */
const numberOf = (text: string): string | undefined =>
  /^-?[0-9][0-9.eE]*$/.test(text) && text !== '00' ? `#${text}#` : undefined;
