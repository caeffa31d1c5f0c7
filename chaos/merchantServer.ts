/** The merchant's server: remembers every webhook, and can be made to sit on one while others are killed. */
import type { ServerResponse } from 'node:http';
import { startReceiver } from '../harness/receiver.ts';
import { type Held, holding } from './held.ts';

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
  /** Leaves unanswered the webhooks of these types about these payouts. */
  hold(types: readonly string[], wanted: (payoutId: string) => boolean): Held;
  close(): Promise<void>;
}

export async function startMerchantServer(): Promise<MerchantServer> {
  const received: Webhook[] = [];
  let visit: (type: string, payoutId: string, response: ServerResponse) => void = (_type, _id, response) => void response.end();

  const server = await startReceiver((_request, response, { headers, body }) => {
    const event = JSON.parse(body) as { type: string; sequence: number; data: { object: { id: string } } };
    const payoutId = event.data.object.id;
    received.push({ id: String(headers['webhook-id']), payoutId, sequence: event.sequence, body });
    visit(event.type, payoutId, response);
  });
  return {
    url: server.url,
    received,
    hold(types, wanted) {
      const held = holding();
      visit = (type, payoutId, response) => {
        if (held.isOpen || !wanted(payoutId) || !types.includes(type)) response.end();
        else held.keep(payoutId, response);
      };
      return held;
    },
    close: () => server.close(),
  };
}
