/** The API over a real database, asked by `inject`: every shape and refusal, without a port. */
import type { FastifyInstance } from 'fastify';
import type { DestinationStream } from 'pino';
import { type CallOptions, requestOf } from '../../harness/call.ts';
import { loadConfig } from '../../src/config.ts';
import { hashApiKey, type KeyPrefix, newApiKey } from '../../src/crypto/newSecret.ts';
import { createLines } from '../../src/db/lines.ts';
import { createPool } from '../../src/db/pool.ts';
import { createPrisma } from '../../src/db/prisma.ts';
import { createGamesClient, type GamesClient } from '../../src/games/client.ts';
import { buildApp } from '../../src/http/app.ts';
import type { ApiContext } from '../../src/http/context.ts';
import { createInstantClient } from '../../src/instant/client.ts';
import { createImageStore } from '../../src/instant/images/place.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { createLedgerReads } from '../../src/ledger/reads.ts';
import { createMarketsClient, type MarketsClient } from '../../src/markets/client.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { createPausesClient, type PausesClient } from '../../src/pauses/client.ts';
import { createPayoutsClient, type PayoutsClient } from '../../src/payouts/client.ts';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { createPayoutRunsClient, type PayoutRunsClient } from '../../src/providers/runsClient.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Role } from '../../src/rules/roles.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { type Document, documentCheck } from './document.ts';
import { ENCRYPTION_KEYS, keys, sealed } from './encryption.ts';

export type { CallOptions };
export const CALLBACK_SECRET = 'sandbox-secret';

// biome-ignore lint/suspicious/noExplicitAny: whatever a client would find in it
export interface Reply<Body = any> {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Body;
}

export interface Merchant {
  readonly id: string;
  /** Its test key, unless it was asked for another. */
  readonly key: string;
  readonly liveKey: string;
}

export interface TestAdmin {
  readonly id: string;
  readonly key: string;
  readonly keyId: string;
}

export interface Door {
  readonly app: FastifyInstance;
  readonly db: TestDatabase;
  readonly context: ApiContext;
  /** Fails where the answer is not as the OpenAPI document says, field by field. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever a client would find in it
  call<Body = any>(method: string, path: string, options?: CallOptions): Promise<Reply<Body>>;
  /** A new merchant with a key of this mode and scopes, and a live one. `funds` in minor units of PKR. */
  merchant(options?: { mode?: Mode; funds?: bigint; scopes?: readonly string[] }): Promise<Merchant>;
  /** One more key of a merchant. */
  key(merchantId: string, options?: { mode?: Mode; scopes?: readonly string[]; createdBy?: string }): Promise<string>;
  admin(role: Role): Promise<TestAdmin>;
  stop(): Promise<void>;
}

export interface DoorOptions {
  readonly db?: TestDatabase;
  /** By default Temporal is away: there is nobody at its address. */
  readonly payouts?: PayoutsClient;
  readonly payoutRuns?: PayoutRunsClient;
  readonly games?: GamesClient;
  readonly markets?: MarketsClient;
  readonly pauses?: PausesClient;
  readonly instant?: InstantClient;
  readonly databaseUrl?: string;
  readonly sandboxUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly logTo?: DestinationStream;
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const db = options.db ?? (await testDatabase());
  const config = loadConfig({
    DATABASE_URL: options.databaseUrl ?? db.appUrl,
    ENCRYPTION_KEYS,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_PER_SECOND: '100000',
    SANDBOX_URL: options.sandboxUrl ?? 'http://127.0.0.1:1',
    SANDBOX_WEBHOOK_SECRET: CALLBACK_SECRET,
    SANDBOX_API_KEY: 'sandbox-key',
    FLUTTERWAVE_TEST_URL: 'http://127.0.0.1:1/v3',
    PSP_TIMEOUT: '1s',
    WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
    ...options.env,
  });
  const connections = 10;
  const pool = createPool({ url: config.databaseUrl, max: connections, applicationName: 'door' });
  const prisma = createPrisma(pool);
  const temporal = connectTemporal(config);
  const psps = createPspRegistry(config.psps);
  const context: ApiContext = {
    config,
    pool,
    inLine: createLines({ connections }),
    prisma,
    ledger: createLedgerReads(pool),
    payouts: options.payouts ?? createPayoutsClient(temporal.client, config),
    payoutRuns: options.payoutRuns ?? createPayoutRunsClient(temporal.client),
    games: options.games ?? createGamesClient(temporal.client),
    markets: options.markets ?? createMarketsClient(temporal.client, { allowSignalDecisions: true }),
    pauses: options.pauses ?? createPausesClient(temporal.client),
    instant: options.instant ?? createInstantClient(temporal.client),
    images: createImageStore(config.proofs),
    psps,
    keys,
    pingTemporal: () => Promise.reject(new Error('nobody there')),
  };
  const app = await buildApp(context, options.logTo ? { logTo: options.logTo } : {});
  const check = documentCheck(app.swagger() as unknown as Document);

  async function insertKey(prefix: KeyPrefix, columns: Record<string, unknown>): Promise<{ id: string; key: string }> {
    const { key, last4 } = newApiKey(prefix);
    const row = { id: newId('key'), hash: hashApiKey(key), prefix, last4, scopes: [], ...columns };
    const names = Object.keys(row);
    await db.owner.query(
      `INSERT INTO api_keys (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
    return { id: row.id, key };
  }

  const door: Door = {
    app,
    db,
    context,
    async call(method, path, options = {}) {
      const { headers, body: payload } = requestOf(method, options);
      const reply = await app.inject({
        method: method as 'GET',
        url: path,
        headers,
        ...(payload === undefined ? {} : { payload }),
      });
      const contentType = String(reply.headers['content-type'] ?? '');
      const isText = contentType.startsWith('text/csv');
      const body =
        /json/.test(contentType) && reply.payload !== '' ? JSON.parse(reply.payload) : isText ? reply.payload : undefined;
      if (method !== 'HEAD') check({ method, path, status: reply.statusCode, contentType, body });
      return { status: reply.statusCode, headers: reply.headers, text: reply.payload, body };
    },
    async merchant({ mode = 'test', funds = 0n, scopes = [] } = {}) {
      const id = newId('mer');
      await db.owner.query('INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $2, $3)', [
        id,
        'Test',
        sealed(`whsec_${Buffer.alloc(32, 1).toString('base64')}`),
      ]);
      if (funds > 0n) {
        await fund(context, { merchantId: id, mode, currency: 'PKR', amountMinor: String(funds), externalId: 'opening' });
      }
      const key = await door.key(id, { mode, scopes });
      return { id, key, liveKey: mode === 'live' ? key : await door.key(id, { mode: 'live' }) };
    },
    async key(merchantId, { mode = 'test', scopes = [], createdBy } = {}) {
      const columns = { owner_kind: 'merchant', owner_id: merchantId, mode, scopes, created_by: createdBy ?? null };
      return (await insertKey(mode === 'live' ? 'pk_live_' : 'pk_test_', columns)).key;
    },
    async admin(role) {
      const id = newId('adm');
      await db.owner.query('INSERT INTO admins (id, name, role) VALUES ($1, $2, $3)', [id, `${role} ${id}`, role]);
      const { id: keyId, key } = await insertKey('ak_', { owner_kind: 'admin', owner_id: id });
      return { id, key, keyId };
    },
    async stop() {
      await app.close();
      await Promise.all([psps.close(), temporal.close(), prisma.$disconnect()]);
      await pool.end();
      if (!options.db) await db.stop();
    },
  };
  return door;
}

let references = 0;

/** A good payout, with changes. A field that is undefined is left out. */
export function payoutBody(change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  references += 1;
  return {
    amount: '1500.00',
    currency: 'PKR',
    reference: `ref-${references}`,
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: 'Ayesha Khan' },
    ...change,
  };
}
