/** The merchants' servers: remember every webhook, and can be made to sit on one while others are killed. */
import type { ServerResponse } from 'node:http';
import { type Answer, startReceiver } from '../harness/receiver.ts';
import { type Held, holding } from './held.ts';

export interface Webhook {
  readonly id: string;
  readonly payoutId: string;
  readonly sequence: number;
  readonly body: string;
}

export interface MerchantServer {
  /** Of one of them, for the nth of a crowd. */
  urlFor(nth: number): string;
  /** The same one's, for a callback: an event may be told to both, in other words to each. */
  callbackUrlFor(nth: number): string;
  /** All that ever came, repeats too; but for callbacks. */
  readonly received: readonly Webhook[];
  readonly calledBack: readonly Webhook[];
  /** Leaves unanswered the webhooks of these types about these payouts. */
  hold(types: readonly string[], wanted: (payoutId: string) => boolean): Held;
  close(): Promise<void>;
}

/** The relay has eight deliveries in flight for each (src/relay/rules/window.ts): so many that a whole round's can be held at once. */
const SERVERS = 12;

const CALLBACK = '/callback';

export async function startMerchantServer(): Promise<MerchantServer> {
  const received: Webhook[] = [];
  const calledBack: Webhook[] = [];
  let visit: (type: string, payoutId: string, response: ServerResponse) => void = (_type, _id, response) => void response.end();

  const hear: Answer = (_request, response, { path, headers, body }) => {
    const event = JSON.parse(body) as { type: string; sequence: number; data: { object: { id?: string; userId?: string } } };
    const { id, userId } = event.data.object; // what a game came to for a user is a step of the user's story
    const payoutId = id ?? userId ?? '';
    const heard = path.endsWith(CALLBACK) ? calledBack : received;
    heard.push({ id: String(headers['webhook-id']), payoutId, sequence: event.sequence, body });
    visit(event.type, payoutId, response);
  };
  const servers = await Promise.all(Array.from({ length: SERVERS }, () => startReceiver(hear)));
  return {
    urlFor: (nth) => servers[nth % SERVERS]?.url ?? '',
    callbackUrlFor: (nth) => `${servers[nth % SERVERS]?.url ?? ''}${CALLBACK}`,
    received,
    calledBack,
    hold(types, wanted) {
      const held = holding();
      visit = (type, payoutId, response) => {
        if (held.isOpen || !wanted(payoutId) || !types.includes(type)) response.end();
        else held.keep(payoutId, response);
      };
      return held;
    },
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
  };
}
