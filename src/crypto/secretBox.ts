/**
 * Secrets and payloads at rest: AES-256-GCM under a named key. The first key of ENCRYPTION_KEYS encrypts; all of them
 * decrypt, so a key is rotated by putting a new one in front.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12; // the size GCM is specified for (NIST SP 800-38D)
const TAG_BYTES = 16;

export interface KeyRing {
  readonly currentId: string;
  readonly byId: ReadonlyMap<string, Buffer>;
}

/** `id:base64[,id:base64…]`, each 32 bytes. @throws with a sentence that names the variable, never the key. */
export function parseKeys(text: string): KeyRing {
  const byId = new Map<string, Buffer>();
  for (const part of text.split(',')) {
    const [, id, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/=]+)$/.exec(part.trim()) ?? [];
    const key = Buffer.from(encoded ?? '', 'base64');
    if (!id || key.length !== 32) throw new Error('ENCRYPTION_KEYS must be id:<base64 of 32 bytes>, several separated by commas');
    byId.set(id, key);
  }
  const [currentId] = byId.keys();
  if (!currentId) throw new Error('ENCRYPTION_KEYS is empty');
  return { currentId, byId };
}

/**
 * iv ‖ tag ‖ cipher, under the ring's current key.
 * @param boundTo what it belongs to: it opens only where the same is named. Not secret, not part of the result.
 */
export function seal(keys: KeyRing, plain: Uint8Array, boundTo = ''): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(keys, keys.currentId), iv);
  cipher.setAAD(Buffer.from(boundTo, 'utf8'));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

/** @throws if the key is unknown, one bit was changed, or it belongs to something else. */
export function open(keys: KeyRing, keyId: string, sealed: Uint8Array, boundTo = ''): Buffer {
  const bytes = Buffer.from(sealed);
  const decipher = createDecipheriv('aes-256-gcm', keyOf(keys, keyId), bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(boundTo, 'utf8'));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}

function keyOf(keys: KeyRing, id: string): Buffer {
  const key = keys.byId.get(id);
  if (!key) throw new Error(`no encryption key named ${id}`);
  return key;
}

/** A secret as it is stored: `v1:<key id>:<base64>`. */
export function encryptSecret(keys: KeyRing, text: string): string {
  return `v1:${keys.currentId}:${seal(keys, Buffer.from(text, 'utf8')).toString('base64')}`;
}

export function decryptSecret(keys: KeyRing, stored: string): string {
  const [version, keyId, encoded] = stored.split(':');
  if (version !== 'v1' || !keyId || !encoded) throw new Error('not a stored secret');
  return open(keys, keyId, Buffer.from(encoded, 'base64')).toString('utf8');
}
