/** Servers that behave as a test says, each ended with its test (`afterEach(closeServers)`). */
import { createServer, type RequestListener } from 'node:http';
import type { Server, Socket } from 'node:net';

const closers: (() => Promise<void>)[] = [];

export function whenDone(close: () => Promise<void>): void {
  closers.push(close);
}

/** What was opened last is closed first. */
export async function closeServers(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Its URL. */
export async function listening(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenDone(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

export const psp = (listener: RequestListener) => listening(createServer(listener));

export const answering = (status: number, body: string, headers: Record<string, string> = {}) =>
  psp((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });
