/** A sandbox PSP as it runs in production, on a real PostgreSQL, with our connector on one side and a callback receiver on the other. */
import type { IncomingHttpHeaders } from 'node:http';
import pg from 'pg';
import { say, startReceiver } from '../../harness/receiver.ts';
import type { PspConnector, PspOrder } from '../../src/psp/port.ts';
import { createSandboxConnector } from '../../src/psp/sandbox/connector.ts';
import { type SandboxOptions, startSandbox } from '../../src/psp/sandbox/server.ts';
import type { Callback } from '../../src/psp/sandbox/wire.ts';
import type { BookEntry } from '../../src/psp/simulator/book.ts';
import type { Simulator } from '../../src/psp/simulator/server.ts';
import type { TapeEntry } from '../../src/psp/simulator/tape.ts';
import { emptyDatabase } from './database.ts';

export const API_KEY = 'sandbox-test-key';
export const WEBHOOK_SECRET = 'sandbox-test-secret';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
  readonly json: Callback;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** The status that it answers with, from now on. */
  answer: number;
  of(reference: string): Received[];
  close(): Promise<void>;
}

/** Any answer of a control route. */
export interface ControlBody {
  readonly data: readonly (Partial<BookEntry> & Partial<TapeEntry>)[];
  readonly total?: number;
  readonly nextCursor?: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface SandboxWorld {
  readonly url: string;
  readonly databaseUrl: string;
  readonly connector: PspConnector;
  readonly receiver: Receiver;
  readonly pool: pg.Pool;
  /** A control call, such as `control('POST', '/faults', { kind: 'down' })`. */
  control(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<{ status: number; body: ControlBody }>;
  /** What the PSP's book says of a reference. */
  entry(reference: string): Promise<BookEntry | undefined>;
  /** Ends the simulator and starts it again on the same database. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function sandboxWorld(options: Partial<SandboxOptions> & { timeoutMs?: number } = {}): Promise<SandboxWorld> {
  const { timeoutMs = 1500, ...given } = options;
  const database = await emptyDatabase();
  const receiver = await callbackReceiver();
  const settings: SandboxOptions = {
    databaseUrl: database.url,
    port: 0,
    apiKey: API_KEY,
    callbackUrl: receiver.url,
    webhookSecret: WEBHOOK_SECRET,
    ...given,
  };
  let sandbox: Simulator = await startSandbox(settings);
  const { url, port } = sandbox;
  const connector = createSandboxConnector({ baseUrl: url, apiKey: API_KEY, webhookSecret: WEBHOOK_SECRET, timeoutMs });
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });

  const control: SandboxWorld['control'] = async (method, path, body) => {
    const response = await fetch(`${url}/control${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as ControlBody };
  };
  return {
    url,
    databaseUrl: database.url,
    connector,
    receiver,
    pool,
    control,
    async entry(reference) {
      const { body } = await control('GET', `/transfers?reference=${encodeURIComponent(reference)}`);
      return body.data.find((entry) => entry.reference === reference) as BookEntry | undefined;
    },
    async restart(whileDown) {
      await sandbox.close();
      await whileDown?.();
      sandbox = await startSandbox({ ...settings, port });
    },
    async close() {
      await connector.close();
      await sandbox.close();
      await receiver.close();
      await pool.end();
      await database.stop();
    },
  };
}

/** Where a PSP calls back: the harness's receiver, read as callbacks. */
export async function callbackReceiver(): Promise<Receiver> {
  const server = await startReceiver((...request) => say(receiver.answer)(...request));
  const receiver: Receiver = {
    url: server.url,
    get received() {
      return server.received.map(({ headers, bytes, body }) => ({ headers, rawBody: bytes, json: JSON.parse(body) as Callback }));
    },
    answer: 200,
    of: (reference) => receiver.received.filter(({ json }) => json.data.reference === reference),
    close: server.close,
  };
  return receiver;
}

let orders = 0;
/** An order of its own reference, to the account with this ending. */
export function orderTo(suffix: string, attempt = 1, over: Partial<PspOrder> = {}): PspOrder {
  orders += 1;
  return {
    reference: `po_test${String(orders).padStart(4, '0')}:${attempt}`,
    amountMinor: 150_000n,
    currency: 'PKR',
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${suffix}`, accountTitle: 'Ayesha Khan' },
    description: 'a test',
    pspRef: null,
    isPaid: false,
    ...over,
  };
}

export const patience = () => new AbortController().signal;

/** Asks until the answer is as wished; the limit only ends a test that has failed. */
export async function eventually<T>(ask: () => Promise<T> | T, isAsWished: (answer: T) => boolean, limitMs = 60_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (isAsWished(answer)) return answer;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(answer)} after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
