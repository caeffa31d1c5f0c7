/** Providers' keys as their merchant and our admins see them, and their end. */
import type { ApiKey, Prisma, PrismaClient } from '../../../generated/prisma/client.ts';
import type { List, Page } from '../../../http/paging.ts';
import { ownedBy } from '../../../rules/owner.ts';

/** Enough to tell keys apart; never the key or its hash. */
export function presentProviderKey({ id, ownerId, prefix, last4, parentId, createdAt, expiresAt, revokedAt }: ApiKey) {
  return {
    id,
    object: 'provider_key' as const,
    providerId: ownerId,
    prefix,
    last4,
    madeBy: parentId,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}

/** The keys of all a merchant's providers: each was made by a key of the merchant's. */
export const madeBy = (merchantId: string) => ({ ownerKind: 'provider', parent: ownedBy('merchant', merchantId) });

/** Newest first, the dead ones too: who looks for a leak wants to see them. */
export async function listProviderKeys(
  prisma: PrismaClient,
  page: Page<string>,
  whose: Prisma.ApiKeyWhereInput,
): Promise<List<ReturnType<typeof presentProviderKey>>> {
  const found = await prisma.apiKey.findMany({
    where: { ...whose, ...(page.after && { id: { lt: page.after } }) },
    orderBy: { id: 'desc' },
    take: page.take,
  });
  return page.answer(found, ({ id }) => id, presentProviderKey);
}
