/**
 * What a browser holds after signing in to the codec endpoint: which key signed in and until when, with our signature.
 * Not the key itself: a stolen cookie opens payloads for some hours, never the API.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '../../crypto/secretBox.ts';

/** A working day: then the operator signs in again. */
export const SESSION_MS = 12 * 3_600_000;

/** `<encryption key id>.<api key id>.<expiry in seconds>.<signature>` */
export function issueSession(keys: KeyRing, apiKeyId: string, now: Date): string {
  const expiresAt = Math.floor((now.getTime() + SESSION_MS) / 1_000);
  const claim = `${keys.currentId}.${apiKeyId}.${expiresAt}`;
  return `${claim}.${sign(keys, keys.currentId, claim)}`;
}

/** The id of the API key that signed in, or undefined where the token is not ours, was changed or is over. */
export function readSession(keys: KeyRing, token: string, now: Date): string | undefined {
  const [, keyId = '', apiKeyId = '', expiresAt = '', signature = ''] =
    /^([A-Za-z0-9_-]{1,32})\.([a-z0-9_]{1,64})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/.exec(token) ?? [];
  if (!keys.byId.has(keyId)) return undefined; // no token, or one from before a key was taken away
  const expected = sign(keys, keyId, `${keyId}.${apiKeyId}.${expiresAt}`);
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return undefined;
  return Number.parseInt(expiresAt, 10) * 1_000 > now.getTime() ? apiKeyId : undefined;
}

function sign(keys: KeyRing, keyId: string, claim: string): string {
  const encryptionKey = keys.byId.get(keyId);
  if (!encryptionKey) throw new Error(`no encryption key named ${keyId}`);
  // A key of its own, so that a signature never says anything about the key that encrypts.
  const signingKey = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'oncepay codec session', 32));
  return createHmac('sha256', signingKey).update(claim).digest('base64url');
}
