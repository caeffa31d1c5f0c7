/** A merchant's endpoints: finding one, and changing what the relay goes by. */
import type { Prisma, PrismaClient, WebhookEndpoint } from '../generated/prisma/client.ts';
import { type MerchantCaller, tenantOf } from '../http/caller.ts';
import { notFound } from '../http/problem.ts';

export const SWITCHED_OFF = 'This endpoint is switched off: PATCH it with {"disabled":false} first.';

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

type Db = Pick<Prisma.TransactionClient, '$executeRaw'>;

/**
 * In the transaction of a change, before the endpoint itself: relay_record locks them in this order.
 * - `revoke_lease`: whoever sends there now has read it before the change; what they have in their hands is read anew
 * - `forget_failing`: that, and whatever it did, it is tried as if it had never failed, with what was put off meanwhile
 */
export const TELL_RECEIVER = {
  revoke_lease: (db: Db, id: string) => db.$executeRaw`SELECT revoke_lease(${id})`,
  forget_failing: (db: Db, id: string) => db.$executeRaw`SELECT forget_failing(${id})`,
} as const;

export type ToReceiver = keyof typeof TELL_RECEIVER;

/**
 * Changes an endpoint and takes it from the relay that has it. What is in the air arrives; what that relay has taken besides,
 * it drops at its next turn, within a second.
 */
export async function changeEndpoint(
  prisma: PrismaClient,
  id: string,
  data: Prisma.WebhookEndpointUpdateInput,
  toReceiver: ToReceiver,
): Promise<WebhookEndpoint> {
  const [, changed] = await prisma.$transaction([
    TELL_RECEIVER[toReceiver](prisma, id),
    prisma.webhookEndpoint.update({ where: { id }, data }),
  ]);
  return changed;
}
