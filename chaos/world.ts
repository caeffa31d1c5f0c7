/** One installation under test, with everything around it that is ours: the gate, customers, the merchants' server, the books. */
import { type Installation, installation } from '../tests/support/installation.ts';
import { type Books, openBooks } from './books.ts';
import { type Customers, createCustomers } from './customers.ts';
import { type Gate, openGate } from './gate.ts';
import { type MerchantServer, startMerchantServer } from './merchantServer.ts';

export interface World {
  readonly here: Installation;
  readonly gate: Gate;
  readonly server: MerchantServer;
  readonly customers: Customers;
  readonly books: Books;
  /** Of the merchant who pays payees of its own. */
  readonly merchantKey: string;
  /** Of the merchant whose providers are paid. */
  readonly platformKey: string;
  /** Whoever still insists on an answer may stop. */
  isOver: boolean;
  /** `keep`: leaves its home for whoever looks into a failure. */
  close(keep: boolean): Promise<void>;
}

export async function openWorld(settings: Readonly<Record<string, string>>): Promise<World> {
  const gate = await openGate();
  const server = await startMerchantServer();
  const here = await installation({ ...settings, ONCEPAY_FAILPOINTS: gate.url });
  const books = openBooks(here);
  const [merchantKey = '', platformKey = ''] = here.credentials.merchants.map(({ testKey }) => testKey);
  await furnish(here, server.url, [merchantKey, platformKey]);
  const world: World = {
    here,
    gate,
    server,
    customers: createCustomers(here, merchantKey, () => world.isOver),
    books,
    merchantKey,
    platformKey,
    isOver: false,
    async close(keep) {
      world.isOver = true;
      await books.close();
      if (keep) await here.killAll();
      else await here.remove();
      await gate.close();
      await server.close();
    },
  };
  return world;
}

/** Every provider of the harness is new: that alone is no reason to look at what it asks for. */
const POLICY = { minSuccesses: 0 };

/** Far more than any run pays out. */
const FUNDS = '50000000.00';

async function furnish(here: Installation, serverUrl: string, [merchantKey, platformKey]: [string, string]): Promise<void> {
  const admin = here.credentials.admins.find(({ role }) => role === 'admin')?.key ?? '';
  const ask = async (method: string, path: string, key: string, body: unknown) => {
    const { status, text } = await here.call(method, path, { key, body });
    if (status >= 300) throw new Error(`${path}: ${text}`);
  };
  await ask('PUT', '/api/admin/risk-policy', admin, { policy: POLICY });
  await ask('POST', '/api/v1/webhook-endpoints', platformKey, { url: serverUrl, eventTypes: ['payout.*'] });
  await ask('POST', '/api/v1/test/balance/fund', merchantKey, { amount: FUNDS, currency: 'PKR' });
  await ask('POST', '/api/v1/test/balance/fund', platformKey, { amount: FUNDS, currency: 'NGN' });
}
