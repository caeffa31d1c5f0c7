/** The merchant's server: remembers every webhook, and can be made to sit on one while others are killed. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Held } from './gate.ts';

export interface Webhook {
  readonly id: string;
  readonly payoutId: string;
  readonly sequence: number;
  readonly body: string;
}

export interface MerchantServer {
  readonly url: string;
  /** All that ever came, repeats too. */
  readonly received: readonly Webhook[];
  /** Leaves unanswered the webhooks of these payouts that tell their end. */
  hold(wanted: (payoutId: string) => boolean): Held;
  close(): Promise<void>;
}

const ENDS = /^payout\.(succeeded|failed|returned)$/;

export async function startMerchantServer(): Promise<MerchantServer> {
  const received: Webhook[] = [];
  let visit: (type: string, payoutId: string, response: ServerResponse) => void = (_type, _id, response) => void response.end();

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const event = JSON.parse(body) as { type: string; sequence: number; data: { object: { id: string } } };
      const payoutId = event.data.object.id;
      received.push({ id: String(request.headers['webhook-id']), payoutId, sequence: event.sequence, body });
      visit(event.type, payoutId, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    hold(wanted) {
      const reached = new Map<string, number>();
      const waiting: ServerResponse[] = [];
      let isOpen = false;
      visit = (type, payoutId, response) => {
        if (isOpen || !wanted(payoutId) || !ENDS.test(type)) return void response.end();
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
