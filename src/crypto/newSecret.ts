/** Secrets we hand out: API keys, of which we keep only the hash, and webhook secrets, which we keep encrypted. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { PAGE_TOKEN_PREFIX } from './pageToken.ts';
import { SESSION_TOKEN_PREFIX } from './sessionToken.ts';
import { STREAM_TOKEN_PREFIX } from './streamToken.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 30 characters of 62 are 178 bits: nobody guesses one, and a plain SHA-256 is enough to keep them by. */
const KEY_CHARACTERS = 30;

/** As long as the hash that signs with it; Standard Webhooks asks for 24 to 64. */
const WEBHOOK_SECRET_BYTES = 32;

/** A merchant's, a provider's, an admin's. */
export const KEY_PREFIXES = ['pk_test_', 'pk_live_', 'vk_test_', 'vk_live_', 'ak_'] as const;
export type KeyPrefix = (typeof KEY_PREFIXES)[number];

const WEBHOOK_SECRET_PREFIX = 'whsec_';

/** By these a secret is known wherever it may turn up. */
export const SECRET_PREFIXES = [
  ...KEY_PREFIXES,
  WEBHOOK_SECRET_PREFIX,
  STREAM_TOKEN_PREFIX,
  PAGE_TOKEN_PREFIX,
  SESSION_TOKEN_PREFIX,
] as const;

export interface NewApiKey {
  /** Shown once. */
  readonly key: string;
  /** SHA-256 in hex: what the database holds. */
  readonly hash: string;
  readonly prefix: KeyPrefix;
  readonly last4: string;
}

export function newApiKey(prefix: KeyPrefix): NewApiKey {
  const random = Array.from({ length: KEY_CHARACTERS }, () => BASE62[randomInt(BASE62.length)]).join('');
  const key = prefix + random;
  return { key, hash: hashApiKey(key), prefix, last4: key.slice(-4) };
}

export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** In the form of Standard Webhooks: `whsec_` and base64. */
export const newWebhookSecret = (): string => `${WEBHOOK_SECRET_PREFIX}${randomBytes(WEBHOOK_SECRET_BYTES).toString('base64')}`;
