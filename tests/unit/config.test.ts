/** A wrong setting is told at the start, in one sentence, not found out with money in the air. */
import { expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../../src/config.ts';

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const least = { DATABASE_URL: 'postgresql://oncepay_app@db/oncepay', ENCRYPTION_KEYS: KEYS };

test('an installation needs only its database and its keys', () => {
  const config = loadConfig(least);
  expect(config).toMatchObject({
    port: 3000,
    databaseOwnerUrl: least.DATABASE_URL,
    sandboxCallbackUrl: 'http://127.0.0.1:3000/api/v1/ipn/sandbox',
  });
  expect(config.times).toMatchObject({ reviewWindowMs: 259_200_000, retryWaitMs: 30_000 });
});

test.each([
  [{ DATABASE_URL: undefined }, 'DATABASE_URL is not set; it is needed.'],
  [{ DATABASE_URL: '' }, 'DATABASE_URL is not set; it is needed.'],
  [{ DATABASE_URL: 'mysql://x' }, /^DATABASE_URL must be a URL/],
  [{ ENCRYPTION_KEYS: 'k1:short' }, /^ENCRYPTION_KEYS must be id:<base64 of 32 bytes>/],
  [{ PORT: 'http' }, 'PORT must be a whole number.'],
  [{ PORT: '70000' }, 'PORT must be at most 65535.'],
  [{ REVIEW_WINDOW: 'soon' }, /^REVIEW_WINDOW must be a duration such as/],
  [{ RETRY_WAIT: '-5s' }, /^RETRY_WAIT must be a duration/],
  [{ ALLOW_SIGNAL_DECISIONS: 'yes' }, 'ALLOW_SIGNAL_DECISIONS must be true or false.'],
  [{ PSP_TIMEOUT: '31s' }, 'PSP_TIMEOUT must be at most 30s.'],
  [{ PSP_NOT_FOUND_GRACE: '31s' }, /^PSP_NOT_FOUND_GRACE must be at least 5s more than PSP_TIMEOUT/],
  [{ OUTCOME_DEADLINE: '5m' }, 'OUTCOME_DEADLINE must be more than PSP_NOT_FOUND_GRACE.'],
])('a wrong setting %j stops the start with one sentence that names it', (change, sentence) => {
  const load = () => loadConfig({ ...least, ...change });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(sentence);
});

test('a sentence about a wrong key never shows the key', () => {
  let sentence = '';
  try {
    loadConfig({ ...least, ENCRYPTION_KEYS: 'k1:c2VjcmV0c2VjcmV0' });
  } catch (error) {
    sentence = String(error);
  }
  expect(sentence).toContain('ENCRYPTION_KEYS');
  expect(sentence).not.toContain('c2VjcmV0');
});
