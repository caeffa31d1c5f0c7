/** The Flutterwave simulator as it runs in production, on a real PostgreSQL, with our connector on one side and a callback receiver on the other. */
import pg from 'pg';
import { createFlutterwaveConnector, type FlutterwaveConnector } from '../../src/psp/flutterwave/connector.ts';
import { type FlutterwaveOptions, startFlutterwave } from '../../src/psp/flutterwave/server.ts';
import type { PspOrder } from '../../src/psp/port.ts';
import type { BookEntry } from '../../src/psp/simulator/book.ts';
import type { Simulator } from '../../src/psp/simulator/server.ts';
import { pspReference } from '../../src/rules/ids.ts';
import { newId } from '../../src/rules/newId.ts';
import { emptyDatabase } from './database.ts';
import { type ControlBody, callbackReceiver, type Receiver } from './sandbox.ts';

export const SECRET_KEY = 'FLWSECK_TEST-tests-X';
export const WEBHOOK_HASH = 'flutterwave-test-hash';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface FlutterwaveWorld {
  readonly url: string;
  readonly connector: FlutterwaveConnector;
  readonly receiver: Receiver;
  readonly pool: pg.Pool;
  /** A call of the API itself, with the key. */
  ask(method: Method, path: string, body?: unknown): Promise<{ status: number; body: Envelope }>;
  control(method: Method, path: string, body?: unknown): Promise<{ status: number; body: ControlBody }>;
  /** What the PSP's book says of a reference. */
  entry(reference: string): Promise<BookEntry | undefined>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Envelope {
  readonly status: string;
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a customer would find in it
  readonly data: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly meta?: any;
}

export async function flutterwaveWorld(
  options: Partial<FlutterwaveOptions> & { timeoutMs?: number } = {},
): Promise<FlutterwaveWorld> {
  const { timeoutMs = 1500, ...given } = options;
  const database = await emptyDatabase();
  const receiver = await callbackReceiver();
  const settings: FlutterwaveOptions = {
    databaseUrl: database.url,
    port: 0,
    secretKey: SECRET_KEY,
    callbackUrl: receiver.url,
    webhookHash: WEBHOOK_HASH,
    settleAfterMs: 100,
    ...given,
  };
  let simulator: Simulator = await startFlutterwave(settings);
  const { url, port } = simulator;
  const connector = createFlutterwaveConnector({
    mode: 'test',
    baseUrl: `${url}/v3`,
    secretKey: SECRET_KEY,
    webhookHash: WEBHOOK_HASH,
    referenceSuffix: '',
    timeoutMs,
  });
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });

  const call = async (method: Method, path: string, body: unknown, headers: Record<string, string>) => {
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(url + path, { method, headers, ...sent });
    return { status: response.status, body: await response.json() };
  };
  const control: FlutterwaveWorld['control'] = async (method, path, body) =>
    (await call(method, `/control${path}`, body, {})) as never;
  return {
    url,
    connector,
    receiver,
    pool,
    control,
    ask: async (method, path, body) =>
      (await call(method, `/v3${path}`, body, { authorization: `Bearer ${SECRET_KEY}` })) as never,
    async entry(reference) {
      const { body } = await control('GET', `/transfers?reference=${encodeURIComponent(reference)}`);
      return body.data.find((entry) => entry.reference === reference) as BookEntry | undefined;
    },
    async restart() {
      await simulator.close();
      simulator = await startFlutterwave({ ...settings, port });
    },
    async close() {
      await connector.close();
      await simulator.close();
      await receiver.close();
      await pool.end();
      await database.stop();
    },
  };
}

/** An order of its own, in naira, to the account with this ending. */
export function nairaTo(suffix: string, attempt = 1, over: Partial<PspOrder> = {}): PspOrder {
  return {
    reference: pspReference(newId('po'), attempt),
    amountMinor: 150_000n,
    currency: 'NGN',
    destination: { type: 'bank', bankCode: '058', accountNumber: `123456${suffix}`, accountTitle: 'Ngozi Adeyemi' },
    description: 'a test',
    pspRef: null,
    isPaid: false,
    ...over,
  };
}
