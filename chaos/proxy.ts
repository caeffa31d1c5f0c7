/** A TCP proxy between two of us that loses what a network can lose: the request, the reply, half of the reply, or time. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What becomes of a request (one chunk from the client):
 * - `lost`: cut before it arrives
 * - `unheard`: it arrives, and the line is cut before anything comes back: was it done?
 * - `halved`: half of what comes back, then cut
 */
export type Fate = 'pass' | 'lost' | 'unheard' | 'halved' | { readonly delayMs: number };

export interface Line {
  readonly port: number;
  /** How often each fate but `pass` was met. */
  readonly met: Readonly<Record<string, number>>;
  /** Decides from now on. */
  decide: (request: Buffer) => Fate;
  close(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Line> {
  const sockets = new Set<Socket>();
  const met: Record<string, number> = {};

  const server = createServer((client) => {
    const upstream = connect(target);
    let onReply: 'pass' | 'unheard' | 'halved' = 'pass';
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    let sent = Promise.resolve(); // in order, whatever each waits for
    client.on('data', (chunk: Buffer) => {
      const fate = proxy.decide(chunk);
      const name = typeof fate === 'string' ? fate : 'delayed';
      if (name !== 'pass') met[name] = (met[name] ?? 0) + 1;
      sent = sent.then(async () => {
        if (fate === 'lost') return cut();
        if (typeof fate === 'object') await sleep(fate.delayMs);
        if (fate === 'unheard' || fate === 'halved') onReply = fate;
        upstream.write(chunk);
      });
    });
    upstream.on('data', (chunk: Buffer) => {
      if (onReply === 'pass') return void client.write(chunk);
      if (onReply === 'unheard') return cut();
      client.write(chunk.subarray(0, chunk.length >> 1), cut);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const proxy: Line = {
    port: (server.address() as AddressInfo).port,
    met,
    decide: () => 'pass',
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** The same address, by way of the proxy. */
export function through(proxy: Line, url: string): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(proxy.port);
  return changed.toString().replace(/\/$/, '');
}
