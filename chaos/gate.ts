/** Where the processes under test say that a payout has come to a named place, and are held there while others are killed. */
import { startReceiver } from '../harness/receiver.ts';
import { type Held, type Holding, holding } from './held.ts';

type Wanted = (payoutId: string) => Promise<boolean>;

export interface Gate {
  readonly url: string;
  /** Holds at this place the payouts that are wanted there; everybody else passes. */
  arm(place: string, wanted: Wanted): Held;
  close(): Promise<void>;
}

export async function openGate(): Promise<Gate> {
  const server = await startReceiver();
  const arms: { readonly place: string; readonly wanted: Wanted; readonly held: Holding }[] = [];

  /** Of several, whoever was armed first. */
  async function holderOf(name: string, payoutId: string): Promise<Holding | undefined> {
    for (const { place, wanted, held } of arms) {
      if (!held.isOpen && place === name && (await wanted(payoutId)) && !held.isOpen) return held;
    }
    return undefined;
  }

  server.answer = (_request, response, { body }) => {
    const { name, payoutId } = JSON.parse(body) as { name: string; payoutId: string | null };
    holderOf(name, payoutId ?? '').then(
      (held) => (held ? held.keep(payoutId ?? '', response) : response.end()),
      () => response.end(),
    );
  };
  return {
    url: server.url,
    arm(place, wanted) {
      const held = holding();
      arms.push({ place, wanted, held });
      return held;
    },
    close: () => server.close(),
  };
}
