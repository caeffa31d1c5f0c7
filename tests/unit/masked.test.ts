/** A log that is read by many holds no key of anybody, whichever kind it is and whoever quotes it. */
import { expect, test } from '@jest/globals';
import { masked } from '../../src/crypto/masked.ts';
import { KEY_PREFIXES, newApiKey, newWebhookSecret } from '../../src/crypto/newSecret.ts';

test.each([...KEY_PREFIXES.map((prefix) => newApiKey(prefix).key), newWebhookSecret()])('%s is in no sentence', (secret) => {
  for (const sentence of [
    secret,
    `no such key: ${secret}!`,
    `/api/v1/${secret}/x`,
    `key_${secret}`,
    `"${secret}"`,
    `=${secret}&a=1`,
  ]) {
    expect(masked(sentence)).not.toContain(secret.slice(secret.lastIndexOf('_') + 1));
    expect(masked(sentence)).toContain('[redacted]');
  }
});

test('words that only end like a prefix, and our own ids, stay readable', () => {
  const id = 'po_019a0b1c2d3e7f40815263748596a7b8';
  expect(masked(`a break_in at ${id}, account 12345678900001`)).toBe(`a break_in at ${id}, account [digits]`);
});
