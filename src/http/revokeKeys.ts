/** The end of API keys. */
import type { Prisma } from '../generated/prisma/client.ts';

/** At once, and for good. */
export async function revokeKeys(db: Prisma.TransactionClient, which: Prisma.ApiKeyWhereInput): Promise<number> {
  const { count } = await db.apiKey.updateMany({ where: { ...which, revokedAt: null }, data: { revokedAt: new Date() } });
  return count;
}
