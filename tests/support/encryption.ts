/** What tests encrypt secrets and payloads with. */
import { decryptSecret, encryptSecret, parseKeys } from '../../src/crypto/secretBox.ts';

export const ENCRYPTION_KEYS = `test:${Buffer.alloc(32, 7).toString('base64')}`;

export const keys = parseKeys(ENCRYPTION_KEYS);

/** As it stands in the database. */
export const sealed = (secret: string): string => encryptSecret(keys, secret);

export const opened = (secret: string): string => decryptSecret(keys, secret);
