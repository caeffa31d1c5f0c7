/** A merchant's server: a real one, that remembers what came and answers as the test says. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, received: Received) => void;

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** Answers from now on. */
  answer: Answer;
  close(): Promise<void>;
}

export const say =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

export const neverAnswer: Answer = () => undefined;

export async function startReceiver(answer: Answer = say(200, 'ok')): Promise<Receiver> {
  const receiver = { received: [] as Received[], answer };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const bytes = Buffer.concat(chunks);
      const received = { path: request.url ?? '', headers, body: bytes.toString('utf8'), bytes };
      receiver.received.push(received);
      receiver.answer(request, response, received);
    });
  });
  const port = await listen(server);
  return Object.assign(receiver, { port, url: `http://127.0.0.1:${port}/hooks`, close: () => close(server) });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Until so many webhooks have come; fails with what came if a machine may not take that long. */
export async function arrivals({ received }: Receiver, count: number): Promise<readonly Received[]> {
  for (let left = 3_000; left > 0 && received.length < count; left -= 1) await new Promise((resolve) => setTimeout(resolve, 5));
  if (received.length < count) throw new Error(`only ${received.length} of ${count} came: ${JSON.stringify(received)}`);
  return received;
}
