/** Finding a merchant's endpoint. */
import type { PrismaClient, WebhookEndpoint } from '../generated/prisma/client.ts';
import { type MerchantCaller, tenantOf } from '../http/caller.ts';
import { notFound } from '../http/problem.ts';

/** The caller's endpoint. @throws Problem 404 for any other, also of their own other mode. */
export async function ownEndpoint(
  prisma: Pick<PrismaClient, 'webhookEndpoint'>,
  caller: MerchantCaller,
  id: string,
): Promise<WebhookEndpoint> {
  const found = await prisma.webhookEndpoint.findFirst({ where: { id, ...tenantOf(caller), deletedAt: null } });
  if (!found) throw notFound();
  return found;
}
