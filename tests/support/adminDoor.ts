/**
 * The API on a real PostgreSQL, asked without a socket: two merchants with keys, an admin of each role, and payouts put
 * into the books as workflows would. Temporal is away unless a test brings one.
 */
import { expect } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Config } from '../../src/config.ts';
import { encryptSecret } from '../../src/crypto/secretBox.ts';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { ROLES, type Role } from '../../src/rules/roles.ts';
import { type Books, openBooks } from './books.ts';
import type { TestDatabase } from './database.ts';
import { type CallOptions, type DoorOptions, openDoor as openPlainDoor, type TestAdmin } from './door.ts';

export { ENCRYPTION_KEYS, type TestAdmin } from './door.ts';

/** The answer has every field that the OpenAPI document names, of its type, and no other. */
export function expectAsDocumented(answer: unknown, schema: z.ZodObject): void {
  expect(z.strictObject(schema.shape).safeParse(answer).error).toBeUndefined();
}

/** Only merchants' writes have an idempotency key unless one is given. */
export type AskOptions = CallOptions;

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

export interface Door {
  readonly app: FastifyInstance;
  readonly config: Config;
  readonly admins: Readonly<Record<Role, TestAdmin>>;
  ask<Body = Record<string, unknown>>(method: string, url: string, options?: AskOptions): Promise<Answered<Body>>;
  merchant(name: string): Promise<TestMerchant>;
  admin(role: Role): Promise<TestAdmin>;
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
  engine: Pick<DoorOptions, 'payouts' | 'payoutRuns' | 'webhooks'> = {},
  env: Record<string, string> = {},
): Promise<Door> {
  const door = await openPlainDoor({ db, ...engine, env });
  const { keys } = door.context;
  const admins = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await door.admin(role)] as const)),
  ) as Record<Role, TestAdmin>;
  return {
    app: door.app,
    config: door.context.config,
    admins,
    admin: door.admin,
    ask(method, url, { idempotencyKey, ...options } = {}) {
      const needsKey = url.startsWith('/api/v1') && ['POST', 'PUT', 'PATCH'].includes(method);
      return door.call(method, url, {
        ...options,
        ...(idempotencyKey === undefined && needsKey ? {} : { idempotencyKey: idempotencyKey ?? null }),
      });
    },
    async merchant(name) {
      const id = newId('mer');
      await db.owner.query('INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $2, $3)', [
        id,
        name,
        encryptSecret(keys, `whsec_${Buffer.alloc(32, 1).toString('base64')}`),
      ]);
      return { id, testKey: await door.key(id), liveKey: await door.key(id, { mode: 'live' }) };
    },
    close: door.stop,
  };
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
