/** Finding a merchant's users for its routes. The tenant is part of every WHERE, never a check afterwards. */
import type { PrismaClient, User } from '../../generated/prisma/client.ts';
import type { MerchantCaller } from '../../http/caller.ts';
import { notFound } from '../../http/problem.ts';
import { isId } from '../../rules/ids.ts';
import { type PublicUser, presentUser } from '../present/user.ts';

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function ownUser(
  prisma: PrismaClient,
  { merchantId, mode }: Pick<MerchantCaller, 'merchantId' | 'mode'>,
  id: string,
): Promise<User> {
  const found = isId('usr', id) ? await prisma.user.findFirst({ where: { id, merchantId, mode } }) : null;
  if (!found) throw notFound();
  return found;
}

export const presentRow = ({ id, externalId, frozen, mode, createdAt }: User): PublicUser =>
  presentUser({ id, externalId, frozen, mode: mode === 'live' ? 'live' : 'test', createdAt: createdAt.toISOString() });
