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

type Keys = List<ReturnType<typeof presentProviderKey>>;

/** Of one provider. Newest first, the dead ones too: who looks for a leak wants to see them. */
export async function listProviderKeys(prisma: PrismaClient, page: Page<string>, providerId: string): Promise<Keys> {
  const found = await prisma.apiKey.findMany({
    where: { ...ownedBy('provider', providerId), ...(page.after && { id: { lt: page.after } }) },
    orderBy: { id: 'desc' },
    take: page.take,
  });
  return page.answer(found, ({ id }) => id, presentProviderKey);
}

/** Whose keys: of all providers of a merchant, in one mode or in both. Each was made by a key of the merchant's, in its mode. */
export interface Makers {
  readonly merchantId: string;
  readonly mode?: string;
}

export const madeBy = ({ merchantId, mode }: Makers) =>
  ({
    ownerKind: 'provider',
    parent: ownedBy('merchant', merchantId),
    ...(mode && { mode }),
  }) satisfies Prisma.ApiKeyWhereInput;

/** The same of all providers of a merchant: a page of what each key of the merchant's has made, and the newest of these. */
export async function listKeysMadeBy(prisma: PrismaClient, page: Page<string>, { merchantId, mode }: Makers): Promise<Keys> {
  // By the maker and the id together, which is one index's order alone.
  const newest = await prisma.$queryRaw<{ id: string }[]>`
    SELECT k.id FROM api_keys m CROSS JOIN LATERAL (
      SELECT x.id FROM api_keys x
       WHERE x.parent_id >= m.id AND (x.parent_id, x.id) < (m.id, ${page.after ?? 'key_g'}) AND x.owner_kind = 'provider'
       ORDER BY x.parent_id DESC, x.id DESC LIMIT ${page.take}) k
     WHERE m.owner_kind = 'merchant' AND m.owner_id = ${merchantId} AND (${mode ?? null}::text IS NULL OR m.mode = ${mode ?? null})
     ORDER BY k.id DESC LIMIT ${page.take}`;
  const found = await prisma.apiKey.findMany({ where: { id: { in: newest.map(({ id }) => id) } }, orderBy: { id: 'desc' } });
  return page.answer(found, ({ id }) => id, presentProviderKey);
}
