/** A sandbox PSP as it runs in production, on a real PostgreSQL, with our connector on one side and a callback receiver on the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../src/local/postgres.ts';
import type { PspConnector, PspOrder } from '../../src/psp/port.ts';
import { createSandboxConnector } from '../../src/psp/sandbox/connector.ts';
import { type SandboxOptions, startSandbox } from '../../src/psp/sandbox/server.ts';
import type { Callback } from '../../src/psp/sandbox/wire.ts';
import type { BookEntry } from '../../src/psp/simulator/book.ts';
import type { Simulator } from '../../src/psp/simulator/server.ts';
import type { TapeEntry } from '../../src/psp/simulator/tape.ts';

export const API_KEY = 'sandbox-test-key';
export const WEBHOOK_SECRET = 'sandbox-test-secret';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
  readonly json: Callback;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
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
  const database = await testDatabase();
  const receiver = await startReceiver();
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
      await database.close();
    },
  };
}

export async function testDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'oncepay-sandbox-'));
  const postgres = await startPostgres({ dataDir, durable: false, database: 'sandbox' });
  return {
    url: postgres.url,
    async close() {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks);
      received.push({ headers: request.headers, rawBody, json: JSON.parse(rawBody.toString()) });
      response.writeHead(receiver.answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${address.port}/callbacks`,
    received,
    answer: 200,
    of: (reference) => received.filter(({ json }) => json.data.reference === reference),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
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
export async function eventually<T>(ask: () => Promise<T> | T, isAsWished: (answer: T) => boolean, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (isAsWished(answer)) return answer;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(answer)} after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
