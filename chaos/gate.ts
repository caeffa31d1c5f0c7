/** Where the processes under test say that a payout has come to a named place, and are held there while others are killed. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Held {
  /** When each payout came there first. */
  readonly reached: ReadonlyMap<string, number>;
  /** Lets everybody go on, and whoever comes later. */
  open(): void;
}

export interface Gate {
  readonly url: string;
  /** Holds at this place the payouts that are wanted there; everybody else passes. */
  arm(place: string, wanted: (payoutId: string) => Promise<boolean>): Held;
  close(): Promise<void>;
}

export async function openGate(): Promise<Gate> {
  let visit: (name: string, payoutId: string, response: ServerResponse) => Promise<void> = async (_name, _id, response) =>
    void response.end();

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { name, payoutId } = JSON.parse(Buffer.concat(chunks).toString()) as { name: string; payoutId: string | null };
      visit(name, payoutId ?? '', response).catch(() => response.end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    arm(place, wanted) {
      const reached = new Map<string, number>();
      const waiting: ServerResponse[] = [];
      let isOpen = false;
      visit = async (name, payoutId, response) => {
        if (isOpen || name !== place || !(await wanted(payoutId)) || isOpen) return void response.end();
        if (!reached.has(payoutId)) reached.set(payoutId, performance.now());
        waiting.push(response);
      };
      return {
        reached,
        open() {
          isOpen = true;
          for (const response of waiting) response.end();
        },
      };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
