/** One installation under test, with everything around it that is ours: the gate, customers, the merchants' server, the books. */
import { type Installation, installation } from '../harness/installation.ts';
import { type Books, openBooks } from './books.ts';
import { type Customers, createCustomers } from './customers.ts';
import { type Gate, openGate } from './gate.ts';
import { type MerchantServer, startMerchantServer } from './merchantServer.ts';

export interface Site {
  readonly here: Installation;
  readonly gate: Gate;
  readonly server: MerchantServer;
  readonly customers: Customers;
  readonly books: Books;
  /** Whoever still insists on an answer may stop. */
  readonly isOver: () => boolean;
  /** Of the admin with this role. */
  adminKey(role: string): string;
  /** Asks for something that is to be there before anybody is killed. @throws where it is refused. */
  furnish(method: string, path: string, key: string, body: unknown): Promise<{ readonly id: string; readonly key: string }>;
  /** `keep`: leaves its home for whoever looks into a failure. */
  close(keep: boolean): Promise<void>;
}

/** `isHeld`: its processes tell the gate where they are. */
export async function openSite(settings: Readonly<Record<string, string>>, isHeld = true): Promise<Site> {
  const gate = await openGate();
  const server = await startMerchantServer();
  const here = await installation({ ...settings, ONCEPAY_FAILPOINTS: isHeld ? gate.url : '' });
  const books = openBooks(here);
  let isClosed = false;
  const isOver = () => isClosed;
  return {
    here,
    gate,
    server,
    customers: createCustomers(here, isOver),
    books,
    isOver,
    adminKey: (wanted) => here.credentials.admins.find(({ role }) => role === wanted)?.key ?? '',
    async furnish(method, path, key, body) {
      const reply = await here.call<{ id: string; key: string }>(method, path, { key, body });
      if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
      return reply.body;
    },
    async close(keep) {
      isClosed = true;
      await books.close();
      if (keep) await here.killAll();
      else await here.remove();
      await gate.close();
      await server.close();
    },
  };
}
