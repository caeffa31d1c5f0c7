/**
 * The API on a real PostgreSQL, asked without a socket: two merchants with keys, an admin of each role, and payouts put
 * into the books as workflows would. Temporal is away unless a test brings one.
 */
import { expect } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { buildApp } from '../../src/api/app.ts';
import type { ApiContext } from '../../src/api/context.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { newApiKey } from '../../src/crypto/newSecret.ts';
import { encryptSecret, parseKeys } from '../../src/crypto/secretBox.ts';
import { createPrisma } from '../../src/db/prisma.ts';
import { newId } from '../../src/domain/newId.ts';
import type { Mode } from '../../src/domain/payout/contract.ts';
import { ROLES, type Role } from '../../src/domain/roles.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { createPayoutRunsClient } from '../../src/temporal/payoutRuns.ts';
import { createPayoutsClient } from '../../src/temporal/payouts.ts';
import { createWebhooksClient } from '../../src/temporal/webhooks.ts';
import { type Books, openBooks } from './books.ts';
import type { TestDatabase } from './database.ts';

export const ENCRYPTION_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;

/** The answer has every field that the OpenAPI document names, of its type, and no other. */
export function expectAsDocumented(answer: unknown, schema: z.ZodObject): void {
  expect(z.strictObject(schema.shape).safeParse(answer).error).toBeUndefined();
}

export interface AskOptions {
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** For merchants' writes; a new one for each call unless given. */
  readonly idempotencyKey?: string | null;
}

export interface Answered<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  readonly body: Body;
}

export interface TestMerchant {
  readonly id: string;
  readonly testKey: string;
  readonly liveKey: string;
}

export interface TestAdmin {
  readonly id: string;
  readonly key: string;
  readonly keyId: string;
}

export interface Door {
  readonly app: FastifyInstance;
  readonly config: Config;
  readonly admins: Readonly<Record<Role, TestAdmin>>;
  ask<Body = Record<string, unknown>>(method: string, url: string, options?: AskOptions): Promise<Answered<Body>>;
  merchant(name: string): Promise<TestMerchant>;
  admin(name: string, role: Role): Promise<TestAdmin>;
  close(): Promise<void>;
}

export interface DoorWorld extends Door {
  readonly books: Books;
  readonly a: TestMerchant;
  readonly b: TestMerchant;
  /** A payout of this merchant, in review if `inReview`. */
  payoutOf(merchant: TestMerchant, options?: { mode?: Mode; inReview?: boolean; makerId?: string | null }): Promise<string>;
}

/** The API over this database; `engine` brings clients of a Temporal server that runs. */
export async function openDoor(
  db: TestDatabase,
  engine: Partial<Pick<ApiContext, 'payouts' | 'payoutRuns' | 'webhooks'>> = {},
  env: Record<string, string> = {},
): Promise<Door> {
  const config = loadConfig({
    DATABASE_URL: db.appUrl,
    ENCRYPTION_KEYS,
    TEMPORAL_ADDRESS: '127.0.0.1:9', // nobody there
    LOG_LEVEL: 'silent',
    RATE_LIMIT_PER_SECOND: '100000',
    WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
    ...env,
  });
  const keys = parseKeys(ENCRYPTION_KEYS);
  const temporal = connectTemporal(config);
  const psps = createPspRegistry({
    sandbox: { baseUrl: 'http://127.0.0.1:9', apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret', timeoutMs: 1_000 },
  });
  const prisma = createPrisma(db.pool);
  const app = await buildApp({
    config,
    pool: db.pool,
    prisma,
    ledger: createLedger(db.pool),
    payouts: createPayoutsClient(temporal.client, config),
    payoutRuns: createPayoutRunsClient(temporal.client),
    webhooks: createWebhooksClient(temporal.client),
    psps,
    keys,
    pingTemporal: async () => undefined,
    ...engine,
  });
  let serial = 0;

  async function keep(prefix: 'pk_test_' | 'pk_live_' | 'ak_', owner: { merchantId?: string; adminId?: string; mode?: Mode }) {
    const { key, hash, last4 } = newApiKey(prefix);
    const id = newId('key');
    await db.owner.query(
      'INSERT INTO api_keys (id, hash, merchant_id, admin_id, mode, scopes, prefix, last4) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
      [id, hash, owner.merchantId ?? null, owner.adminId ?? null, owner.mode ?? null, [], prefix, last4],
    );
    return { key, id };
  }

  const door: Omit<Door, 'admins'> = {
    app,
    config,
    async ask(method, url, { key, body, headers = {}, idempotencyKey } = {}) {
      serial += 1;
      const needsKey = url.startsWith('/api/v1') && ['POST', 'PUT', 'PATCH'].includes(method);
      const given = idempotencyKey === undefined && needsKey ? `auto-${serial}` : idempotencyKey;
      const answer = await app.inject({
        method: method as 'GET',
        url,
        headers: { ...(key && { 'x-api-key': key }), ...(given && { 'x-idempotency-key': given }), ...headers },
        ...(body === undefined ? {} : { payload: body as Record<string, unknown> }),
      });
      const isJson = String(answer.headers['content-type']).includes('json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        body: isJson ? answer.json() : (undefined as never),
      };
    },
    async merchant(name) {
      const id = newId('mer');
      await db.owner.query('INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $2, $3)', [
        id,
        name,
        encryptSecret(keys, `whsec_${Buffer.alloc(32, 1).toString('base64')}`),
      ]);
      const test = await keep('pk_test_', { merchantId: id, mode: 'test' });
      const live = await keep('pk_live_', { merchantId: id, mode: 'live' });
      return { id, testKey: test.key, liveKey: live.key };
    },
    async admin(name, role) {
      const id = newId('adm');
      await db.owner.query('INSERT INTO admins (id, name, role) VALUES ($1, $2, $3)', [id, name, role]);
      const { key, id: keyId } = await keep('ak_', { adminId: id });
      return { id, key, keyId };
    },
    async close() {
      await app.close();
      await Promise.all([psps.close(), temporal.close(), prisma.$disconnect()]);
    },
  };
  const admins = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await door.admin(`the ${role} ${newId('x')}`, role)] as const)),
  ) as Record<Role, TestAdmin>;
  return { ...door, admins };
}

export async function openDoorWorld(env: Record<string, string> = {}): Promise<DoorWorld> {
  const books = await openBooks();
  const door = await openDoor(books.db, {}, env);
  const [a, b] = [await door.merchant('Merchant A'), await door.merchant('Merchant B')];
  for (const { id: merchantId } of [a, b]) {
    for (const mode of ['test', 'live'] as const) await books.fund({ merchantId, mode }, 10_000_000n);
  }
  return {
    ...door,
    books,
    a,
    b,
    payoutOf: ({ id: merchantId }, { mode = 'test', inReview = false, makerId = null } = {}) =>
      books.payout(
        { merchantId, mode },
        { makerId, reviewReasons: inReview ? [{ code: 'amount_over_limit', detail: 'over the limit' }] : [] },
      ),
    async close() {
      await door.close();
      await books.stop();
    },
  };
}
