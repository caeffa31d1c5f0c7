/**
 * Puts a new signing secret in the place of an endpoint's, or of the one for a merchant's callbackUrls. Each takes the id
 * of its rotation, the same for every repeat: a repeat gets the same secret again.
 */
import { newWebhookSecret } from '../crypto/newSecret.ts';
import { decryptSecret, encryptSecret } from '../crypto/secretBox.ts';
import type { WebhookEndpoint } from '../generated/prisma/client.ts';
import { type MerchantCaller, tenantOf } from '../http/caller.ts';
import type { ApiContext } from '../http/context.ts';
import { oneAtATime } from '../http/oneAtATime.ts';
import { ownEndpoint, TELL_RECEIVER } from './endpoints.ts';
import { type KeptSecrets, neverRotated, rotated } from './rules/rotation.ts';

type Ports = Pick<ApiContext, 'prisma' | 'keys'>;

/** The endpoint after it, and its new secret in the clear. @throws Problem 404 where it is not the caller's. */
export async function rotateEndpointSecret(
  { prisma, keys }: Ports,
  caller: MerchantCaller,
  { endpointId, rotationId }: { endpointId: string; rotationId: string },
): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
  return await prisma.$transaction(async (db) => {
    // Two at once would both keep the secret before them, and the first one's would sign nothing though it was answered.
    await oneAtATime(db, `secret of ${endpointId}`);
    const before = await ownEndpoint(db, caller, endpointId);
    const after = rotated(before, nextOf(keys, rotationId));
    if (after) await TELL_RECEIVER.revoke_lease(db, before.id); // the next send signs with it
    const endpoint = after ? await db.webhookEndpoint.update({ where: { id: before.id }, data: after }) : before;
    return { endpoint, secret: decryptSecret(keys, endpoint.secret) };
  });
}

/** What is kept after it, and the new secret in the clear. Of the caller's mode alone. */
export async function rotateCallbackSecret(
  { prisma, keys }: Ports,
  caller: MerchantCaller,
  rotationId: string,
): Promise<{ kept: KeptSecrets; secret: string }> {
  const { merchantId, mode } = caller;
  const answer = await prisma.$transaction(async (db) => {
    await oneAtATime(db, `callback secret of ${merchantId} ${mode}`);
    const own = await db.callbackSecret.findUnique({ where: { merchantId_mode: tenantOf(caller) } });
    // Until the first rotation, both modes sign with the secret that the merchant was made with.
    const before = own ?? neverRotated((await db.merchant.findUniqueOrThrow({ where: { id: merchantId } })).webhookSecret);
    const after = rotated(before, nextOf(keys, rotationId));
    if (after) {
      await db.callbackSecret.upsert({
        where: { merchantId_mode: tenantOf(caller) },
        create: { merchantId, mode, ...after },
        update: after,
      });
    }
    const kept = after ?? before;
    return { kept, secret: decryptSecret(keys, kept.secret) };
  });
  await prisma.$executeRaw`SELECT revoke_callback_leases(${merchantId}, ${mode})`; // the next send signs with it; also of a repeat
  return answer;
}

const nextOf = (keys: Ports['keys'], id: string) => ({ id, secret: encryptSecret(keys, newWebhookSecret()), at: new Date() });
