/** A worker's own small door, for whoever watches it: is it alive, and how does it do. */
import { createServer, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, type Registry } from 'prom-client';

const CHECK_MS = 2_000; // below the timeout that probes commonly have
const SCRAPE_MS = 2_000;

export type Check = () => Promise<unknown>;

export interface WorkerHttp {
  readonly port: number;
  close(): Promise<void>;
}

export interface WorkerHttpOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Each resolves where all is well. */
  readonly checks: Readonly<Record<string, Check>>;
  /** What this worker measures; the process's own figures are added. */
  readonly registry: Registry;
  /** Where the Temporal SDK tells its own metrics. */
  readonly coreMetricsUrl: string | undefined;
}

/** `GET /health` and `GET /metrics`. @throws if the port is in use. */
export async function startWorkerHttp({ host, port, checks, registry, coreMetricsUrl }: WorkerHttpOptions): Promise<WorkerHttp> {
  collectDefaultMetrics({ register: registry });
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    '/health': async (response) => {
      const states = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, await stateOf(check)] as const),
      );
      const isOk = states.every(([, state]) => state === 'ok');
      response.writeHead(isOk ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: isOk ? 'ok' : 'degraded', checks: Object.fromEntries(states) }));
    },
    '/metrics': async (response) => {
      const text = (await registry.metrics()) + (coreMetricsUrl === undefined ? '' : await scrape(coreMetricsUrl));
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    },
  };
  const server = createServer((request, response) => {
    const route = routes[(request.url ?? '').split('?')[0] ?? ''];
    if (!route) return void response.writeHead(404).end();
    route(response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function stateOf(check: Check): Promise<'ok' | 'failing'> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), CHECK_MS).unref());
  return await Promise.race([check(), late]).then(
    () => 'ok' as const,
    () => 'failing' as const,
  );
}

async function scrape(url: string): Promise<string> {
  return await fetch(url, { signal: AbortSignal.timeout(SCRAPE_MS) }).then(
    (answer) => answer.text(),
    () => '',
  );
}
