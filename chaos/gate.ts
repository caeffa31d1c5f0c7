/** Where the processes under test say that a payout has come to a named place, and are held there while others are killed. */
import { startReceiver } from '../harness/receiver.ts';
import { type Held, type Holding, holding } from './held.ts';

/** As whom it is held there; undefined: it is not. */
type Wanted = (payoutId: string) => Promise<string | undefined>;

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
  async function holderOf(name: string, id: string): Promise<{ held: Holding; payoutId: string } | undefined> {
    for (const { place, wanted, held } of arms) {
      if (held.isOpen || place !== name) continue;
      const payoutId = await wanted(id);
      if (payoutId !== undefined && !held.isOpen) return { held, payoutId };
    }
    return undefined;
  }

  server.answer = (_request, response, { body }) => {
    const { name, payoutId } = JSON.parse(body) as { name: string; payoutId: string | null };
    holderOf(name, payoutId ?? '').then(
      (holder) => (holder ? holder.held.keep(holder.payoutId, response) : response.end()),
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
