/** One installation under test, with everything around it that is ours: the gate, the merchant, the merchant's server, the books. */
import { type Installation, installation } from '../tests/support/installation.ts';
import { type Books, openBooks } from './books.ts';
import { type Gate, openGate } from './gate.ts';
import { createMerchant, type Merchant } from './merchant.ts';
import { type MerchantServer, startMerchantServer } from './merchantServer.ts';

export interface World {
  readonly here: Installation;
  readonly gate: Gate;
  readonly server: MerchantServer;
  readonly merchant: Merchant;
  readonly books: Books;
  /** `keep`: leaves its home for whoever looks into a failure. */
  close(keep: boolean): Promise<void>;
}

export async function openWorld(settings: Readonly<Record<string, string>>): Promise<World> {
  const gate = await openGate();
  const server = await startMerchantServer();
  const here = await installation({ ...settings, ONCEPAY_FAILPOINTS: gate.url });
  const books = openBooks(here);
  return {
    here,
    gate,
    server,
    merchant: createMerchant(here),
    books,
    async close(keep) {
      await books.close();
      if (keep) await here.killAll();
      else await here.remove();
      await gate.close();
      await server.close();
    },
  };
}
