/** A provider as its platform makes one over HTTP, whoever carries the requests: `inject`, fetch, or one who insists. */

export type Call = (
  method: string,
  path: string,
  options: { readonly key: string; readonly body: unknown },
) => Promise<{ readonly status: number; readonly text: string; readonly body: unknown }>;

export interface ProviderOptions {
  readonly verified?: boolean;
  /** Each in major units of `currency`. */
  readonly earned?: readonly string[];
  readonly currency?: string;
  readonly bankAccount?: Readonly<Record<string, string>> | null;
}

export const ACCOUNTS = {
  NGN: { bankCode: '044', accountNumber: '0690000031', accountName: 'Ada Obi' },
  PKR: { bankCode: 'HBL', accountNumber: '12345678900001', accountName: 'Ayesha Khan' },
} as const;

let names = 0;

export const newProviderBody = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => {
  names += 1;
  return { externalId: `driver-${names}`, name: 'Ada Obi', email: `driver-${names}@example.com`, ...change };
};

/** A provider of the merchant with this key: verified, with a bank account and a key of its own, that has earned. */
export async function newProvider(
  call: Call,
  merchantKey: string,
  { verified = true, earned = [], currency = 'NGN', bankAccount }: ProviderOptions = {},
): Promise<{ id: string; key: string }> {
  const post = async (path: string, body: unknown, method = 'POST'): Promise<{ id: string; key: string }> => {
    const reply = await call(method, `/api/v1/providers${path}`, { key: merchantKey, body });
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
    return reply.body as { id: string; key: string };
  };
  const { id } = await post('', newProviderBody());
  if (verified) await post(`/${id}/verify`, { verified });
  const account = bankAccount === undefined ? ACCOUNTS[currency as keyof typeof ACCOUNTS] : bankAccount;
  if (account) await post(`/${id}/bank-account`, account, 'PUT');
  for (const [index, amount] of earned.entries())
    await post(`/${id}/earnings`, { amount, currency, externalId: `earning-${id}-${index}` });
  return { id, key: (await post(`/${id}/keys`, {})).key };
}
