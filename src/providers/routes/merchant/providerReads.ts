/** Finding a merchant's providers, and how they are shown. The tenant is part of every WHERE, never a check afterwards. */

import type { Prisma, PrismaClient, Provider, ProviderBankAccount } from '../../../generated/prisma/client.ts';
import type { MerchantCaller } from '../../../http/caller.ts';
import { notFound } from '../../../http/problem.ts';
import { last4 } from '../../../rules/destination.ts';
import { isId } from '../../../rules/ids.ts';

/** The newest bank account is the one that is paid to. */
export const WITH_ACCOUNT = { bankAccounts: { orderBy: { id: 'desc' }, take: 1 } } as const satisfies Prisma.ProviderInclude;

export type ProviderWithAccount = Provider & { readonly bankAccounts: readonly ProviderBankAccount[] };

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function ownProvider(
  prisma: PrismaClient,
  { merchantId, mode }: Pick<MerchantCaller, 'merchantId' | 'mode'>,
  id: string,
): Promise<ProviderWithAccount> {
  const found = isId('prv', id)
    ? await prisma.provider.findFirst({ where: { id, merchantId, mode }, include: WITH_ACCOUNT })
    : null;
  if (!found) throw notFound();
  return found;
}

export function presentProvider({ id, externalId, name, email, verified, mode, createdAt, bankAccounts }: ProviderWithAccount) {
  const [account] = bankAccounts;
  return {
    id,
    object: 'provider' as const,
    externalId,
    name,
    email,
    verified,
    bankAccount: account
      ? {
          bankCode: account.bankCode,
          accountLast4: last4(account.accountNumber),
          accountName: account.accountName,
          since: account.createdAt.toISOString(),
        }
      : null,
    livemode: mode === 'live',
    createdAt: createdAt.toISOString(),
  };
}
