/** Where the processes under test say that a payout has come to a named place, and are held there while others are killed. */
import { startReceiver } from '../harness/receiver.ts';
import { type Held, holding } from './held.ts';

export interface Gate {
  readonly url: string;
  /** Holds at this place the payouts that are wanted there; everybody else passes. */
  arm(place: string, wanted: (payoutId: string) => Promise<boolean>): Held;
  close(): Promise<void>;
}

export async function openGate(): Promise<Gate> {
  const server = await startReceiver();
  return {
    url: server.url,
    arm(place, wanted) {
      const held = holding();
      const isWanted = async (name: string, payoutId: string) =>
        !held.isOpen && name === place && (await wanted(payoutId)) && !held.isOpen;
      server.answer = (_request, response, { body }) => {
        const { name, payoutId } = JSON.parse(body) as { name: string; payoutId: string | null };
        isWanted(name, payoutId ?? '').then(
          (stays) => (stays ? held.keep(payoutId ?? '', response) : response.end()),
          () => response.end(),
        );
      };
      return held;
    },
    close: () => server.close(),
  };
}
