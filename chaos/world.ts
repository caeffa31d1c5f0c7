/** One installation under test, with everything around it that is ours: the gate, customers, the merchants' server, the books. */
import { type Installation, installation } from '../harness/installation.ts';
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
  /** Of the merchants whose providers are paid. */
  readonly platformKeys: readonly string[];
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
  const merchantKey = here.credentials.merchants[0]?.testKey ?? '';
  const platformKeys = await furnish(here, merchantKey, server.url);
  const world: World = {
    here,
    gate,
    server,
    customers: createCustomers(here, merchantKey, () => world.isOver),
    books,
    merchantKey,
    platformKeys,
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

/** A run takes ten payouts of each first: so many platforms that all of a round are on its first page. */
const PLATFORMS = 7;

/** @returns the platforms' keys. */
async function furnish(here: Installation, merchantKey: string, serverUrl: string): Promise<readonly string[]> {
  const admin = here.credentials.admins.find(({ role }) => role === 'admin')?.key ?? '';
  const ask = async (method: string, path: string, key: string, body: unknown) => {
    const reply = await here.call<{ id: string; key: string }>(method, path, { key, body });
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
    return reply.body;
  };
  await ask('PUT', '/api/admin/risk-policy', admin, { policy: POLICY });
  await ask('POST', '/api/v1/test/balance/fund', merchantKey, { amount: FUNDS, currency: 'PKR' });
  const platformKeys: string[] = [];
  while (platformKeys.length < PLATFORMS) {
    const { id } = await ask('POST', '/api/admin/merchants', admin, { name: `Platform ${platformKeys.length + 1}` });
    const { key } = await ask('POST', `/api/admin/merchants/${id}/api-keys`, admin, { mode: 'test' });
    await ask('POST', '/api/v1/webhook-endpoints', key, { url: serverUrl, eventTypes: ['payout.*'] });
    await ask('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: 'NGN' });
    platformKeys.push(key);
  }
  return platformKeys;
}
