/** A platform's providers over HTTP, as whoever integrates oncepay makes and pays them. */
import { expect } from '@jest/globals';
import type { Installation } from '../../harness/installation.ts';
import type { Transfer } from '../../harness/simulatorControl.ts';
import { admin, eventually } from './payouts.ts';

export interface ProviderPayout {
  readonly id: string;
  readonly status: string;
  readonly review: { readonly reasons: readonly { readonly code: string }[] } | null;
  readonly failure: { readonly code: string } | null;
  readonly retry: { readonly attempt: number; readonly max: number; readonly nextAt: string | null } | null;
}

export interface Entry {
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly data: { readonly attempt?: number };
}

export interface PlatformProvider {
  readonly key: string;
  readonly email: string;
}

export interface Platform {
  /** A verified provider with a Nigerian account that ends so, who has earned so many naira. */
  provider(suffix: string, earned: string): Promise<PlatformProvider>;
  request(amount: string, by: PlatformProvider): Promise<ProviderPayout>;
  read(id: string, by: PlatformProvider): Promise<ProviderPayout>;
  timeline(id: string, by: PlatformProvider): Promise<readonly Entry[]>;
  earnings(by: PlatformProvider): Promise<Record<string, unknown>>;
  untilStatus(id: string, by: PlatformProvider, status: string): Promise<void>;
  asAdmin<T = Record<string, unknown>>(role: string, method: string, path: string, body?: unknown): Promise<T>;
  /** A run at once: its id. */
  run(): Promise<string>;
  /** Flutterwave's own book of what begins so, in the order in which it was asked. */
  book(prefix: string): Promise<readonly Transfer[]>;
  /** What a bank would say of a transfer. */
  bankSays(reference: string, status: 'paid' | 'failed'): Promise<void>;
}

let names = 0;

export function platformOf(here: Installation): Platform {
  async function ask<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
    const answer = await here.call<T>(method, path, { ...(body === undefined ? {} : { body }), ...(key && { key }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
  const asAdmin = <T>(role: string, method: string, path: string, body?: unknown) =>
    ask<T>(method, `/api/admin${path}`, body, admin(here, role).key);
  const asProvider = <T>({ key }: PlatformProvider, path: string) => ask<T>('GET', `/api/provider${path}`, undefined, key);
  const read = (id: string, by: PlatformProvider) => asProvider<ProviderPayout>(by, `/payouts/${id}`);
  const control = `${here.credentials.flutterwaveUrl}/control/transfers`;

  return {
    async provider(suffix, earned) {
      names += 1;
      const email = `provider-${names}@p.example`;
      const { id } = await ask<{ id: string }>('POST', '/api/v1/providers', { externalId: `p-${names}`, name: 'Ada Obi', email });
      const account = { bankCode: '058', accountNumber: `123456${suffix}`, accountName: 'Ada Obi' };
      await ask('PUT', `/api/v1/providers/${id}/bank-account`, account);
      await ask('POST', `/api/v1/providers/${id}/verify`, { verified: true });
      const earning = { amount: earned, currency: 'NGN', externalId: `work-${names}` };
      await ask('POST', `/api/v1/providers/${id}/earnings`, earning);
      return { email, key: (await ask<{ key: string }>('POST', `/api/v1/providers/${id}/keys`, {})).key };
    },
    request: (amount, { key }) => ask('POST', '/api/provider/payouts', { amount }, key),
    read,
    timeline: async (id, by) => (await asProvider<{ data: Entry[] }>(by, `/payouts/${id}/timeline`)).data,
    earnings: (by) => asProvider(by, '/earnings'),
    untilStatus: (id, by, status) => eventually(async () => expect(await read(id, by)).toMatchObject({ status }), 90_000),
    asAdmin,
    run: async () => (await asAdmin<{ id: string }>('operator', 'POST', '/payout-runs', {})).id,
    async book(prefix) {
      const answer = await fetch(`${control}?limit=1000&reference=${prefix}`);
      return ((await answer.json()) as { data: Transfer[] }).data.toReversed();
    },
    async bankSays(reference, status) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${control}/${reference}`, { method: 'POST', headers, body: JSON.stringify({ status }) });
      if (!answer.ok) throw new Error(await answer.text());
    },
  };
}
