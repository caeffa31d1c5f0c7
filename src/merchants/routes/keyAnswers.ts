/** Merchants' keys as both their merchants and admins see them, and their end. */
import type { ApiKey, Prisma } from '../../generated/prisma/client.ts';
import { revokeKeys } from '../../http/revokeKeys.ts';

/** Enough to tell keys apart; never the key or its hash. */
export function presentKey({ id, ownerId, mode, scopes, prefix, last4, createdBy, ...times }: ApiKey) {
  return {
    id,
    object: 'api_key' as const,
    merchantId: ownerId,
    mode,
    scopes,
    prefix,
    last4,
    createdBy,
    createdAt: times.createdAt.toISOString(),
    expiresAt: times.expiresAt?.toISOString() ?? null,
    revokedAt: times.revokedAt?.toISOString() ?? null,
  };
}

/** With the providers' keys that it made. False: there is no such key; revoked before is as good. */
export async function revokeWithMade(db: Prisma.TransactionClient, which: Prisma.ApiKeyWhereInput): Promise<boolean> {
  const key = await db.apiKey.findFirst({ where: which, select: { id: true } });
  if (!key) return false;
  await revokeKeys(db, { OR: [{ id: key.id }, { parentId: key.id }] });
  return true;
}
