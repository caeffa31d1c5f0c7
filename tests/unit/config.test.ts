/** A wrong setting is told at the start, in one sentence, not found out with money in the air. */
import { expect, test } from '@jest/globals';
import { ConfigError, loadConfig, loadDatabase } from '../../src/config.ts';
import { newVapidPair } from '../../src/crypto/pushKeys.ts';

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const least = { DATABASE_URL: 'postgresql://oncepay_app@db/oncepay', ENCRYPTION_KEYS: KEYS };

const LIVE = { FLUTTERWAVE_LIVE_SECRET_KEY: 'FLWSECK-key-X', FLUTTERWAVE_LIVE_WEBHOOK_HASH: 'live-hash' };
const BUCKET = {
  PROOFS_S3_URL: 'https://s3.example/proofs',
  PROOFS_S3_ACCESS_KEY_ID: 'proofs-key',
  PROOFS_S3_SECRET_ACCESS_KEY: 'proofs-secret',
};

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
  [{ DATABASE_URL: 'postgresql://a b:x' }, /^DATABASE_URL must be a URL/],
  [{ SANDBOX_API_KEY: 'short' }, 'SANDBOX_API_KEY must have at least 8 characters.'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.'],
  [{ ENCRYPTION_KEYS: 'k1:short' }, /^ENCRYPTION_KEYS must be id:<base64 of 32 bytes>/],
  [{ PORT: 'http' }, 'PORT must be a whole number.'],
  [{ PORT: '70000' }, 'PORT must be at most 65535.'],
  [{ REVIEW_WINDOW: 'soon' }, /^REVIEW_WINDOW must be a duration such as/],
  [{ RETRY_WAIT: '-5s' }, /^RETRY_WAIT must be a duration/],
  [{ ALLOW_SIGNAL_DECISIONS: 'yes' }, 'ALLOW_SIGNAL_DECISIONS must be true or false.'],
  [{ PSP_TIMEOUT: '31s' }, 'PSP_TIMEOUT must be at most 30s.'],
  [{ PSP_NOT_FOUND_GRACE: '31s' }, /^PSP_NOT_FOUND_GRACE must be at least 5s more than PSP_TIMEOUT/],
  [{ SMTP_URL: 'https://mail.example.com' }, 'SMTP_URL must be a URL that begins with smtp:// or smtps://.'],
  [{ MAIL_FROM: 'oncepay' }, /^MAIL_FROM must be an address/],
  [{ MAIL_FROM: 'oncepay <a@b.example>\nBcc: all@b.example' }, /^MAIL_FROM must be an address/],
  [{ VAPID_PUBLIC_KEY: 'x' }, 'VAPID_PRIVATE_KEY is not set, but VAPID_PUBLIC_KEY is.'],
  [{ VAPID_PRIVATE_KEY: 'x' }, 'VAPID_PUBLIC_KEY is not set, but VAPID_PRIVATE_KEY is.'],
  [{ VAPID_PUBLIC_KEY: newVapidPair().publicKey, VAPID_PRIVATE_KEY: newVapidPair().privateKey }, /must be a pair/],
  [{ VAPID_SUBJECT: 'me' }, 'VAPID_SUBJECT must begin with mailto: or https://.'],
  [{ PROOFS_S3_URL: 'https://s3.example/proofs' }, 'PROOFS_S3_ACCESS_KEY_ID is not set, but PROOFS_S3_URL is.'],
  [{ ...BUCKET, PROOFS_S3_SECRET_ACCESS_KEY: '' }, 'PROOFS_S3_SECRET_ACCESS_KEY is not set, but PROOFS_S3_URL is.'],
  [{ ...BUCKET, PROOFS_S3_URL: '' }, 'PROOFS_S3_URL is not set, but a key for it is.'],
  [{ ...BUCKET, PROOFS_DIR: '/proofs' }, 'PROOFS_DIR and PROOFS_S3_URL are two places for screenshots: set one.'],
  [{ ...BUCKET, PROOFS_S3_URL: 'https://s3.example/' }, /^PROOFS_S3_URL must have the bucket in its path/],
  [{ ...BUCKET, PROOFS_S3_URL: 'https://s3.example/proofs?x=1' }, /^PROOFS_S3_URL must have the bucket in its path/],
  [{ FLUTTERWAVE_TEST_SECRET_KEY: 'FLWSECK-real-money-X' }, /^FLUTTERWAVE_TEST_SECRET_KEY is a live key/],
  [{ FLUTTERWAVE_TEST_SECRET_KEY: 'some-other-key' }, 'FLUTTERWAVE_TEST_SECRET_KEY must begin with FLWSECK_TEST-.'],
  [{ FLUTTERWAVE_TEST_URL: 'https://api.flutterwave.com/v3' }, /^FLUTTERWAVE_TEST_SECRET_KEY is the simulator's/],
  [
    { FLUTTERWAVE_TEST_URL: 'https://api.flutterwave.com/v3', FLUTTERWAVE_TEST_SECRET_KEY: 'FLWSECK_TEST-mine-X' },
    /^FLUTTERWAVE_TEST_WEBHOOK_HASH is not set/,
  ],
  [{ FLUTTERWAVE_TEST_REFERENCE_SUFFIX: '_TEST' }, /^FLUTTERWAVE_TEST_REFERENCE_SUFFIX must be one of Flutterwave's/],
  [{ FLUTTERWAVE_LIVE_SECRET_KEY: 'FLWSECK-key-X' }, /^FLUTTERWAVE_LIVE_WEBHOOK_HASH is not set/],
  [{ FLUTTERWAVE_LIVE_WEBHOOK_HASH: 'live-hash' }, /^FLUTTERWAVE_LIVE_SECRET_KEY is not set/],
  [{ ...LIVE, FLUTTERWAVE_LIVE_SECRET_KEY: 'FLWSECK_TEST-key-X' }, /^FLUTTERWAVE_LIVE_SECRET_KEY is a test key/],
  [{ ...LIVE, FLUTTERWAVE_LIVE_SECRET_KEY: 'sk_live_key' }, 'FLUTTERWAVE_LIVE_SECRET_KEY must begin with FLWSECK-.'],
  [
    { ...LIVE, FLUTTERWAVE_LIVE_WEBHOOK_HASH: 'flutterwave-local-hash' },
    /^FLUTTERWAVE_LIVE_WEBHOOK_HASH must not be the test one/,
  ],
  ...[
    'http://127.0.0.1:3003/v3',
    'http://flutterwave:3003/v3',
    'https://localhost/v3',
    'https://127.1.2.3/v3',
    'https://[::1]/v3',
  ].map((url) => [{ ...LIVE, FLUTTERWAVE_LIVE_URL: url }, /^FLUTTERWAVE_LIVE_URL is a simulator's/] as const),
  [{ OUTCOME_DEADLINE: '5m' }, 'OUTCOME_DEADLINE must be more than PSP_NOT_FOUND_GRACE.'],
  [{ PSP_ROUTES: 'provider:NGN:*=paypal' }, /^PSP_ROUTES must be kind:currency:mode=psp.*"provider:NGN:\*=paypal"/],
  [{ PSP_ROUTES: '*:*:*=sandbox,' }, /^PSP_ROUTES must be kind:currency:mode=psp/],
  [{ PAYOUT_RUN_INTERVAL: '500ms' }, 'PAYOUT_RUN_INTERVAL must be at least 1s.'],
  [{ DELIVERIES_KEPT: '31d' }, /^DELIVERIES_KEPT must be at least 32d/],
  [{ ENABLE_WORKERS: 'no' }, 'ENABLE_WORKERS must be true or false.'],
  [{ PAYOUT_WORKER_RATE_LIMIT: '0' }, 'PAYOUT_WORKER_RATE_LIMIT must be at least 1.'],
])('a wrong setting %j stops the start with one sentence that names it', (change, sentence) => {
  const load = () => loadConfig({ ...least, ...change });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(sentence);
});

test('without settings, mail is kept beside the rest of the installation, and nothing is pushed', () => {
  const { mail, vapid } = loadConfig({ ...least, ONCEPAY_HOME: '/var/lib/oncepay' });
  expect(mail).toEqual({ smtpUrl: undefined, from: 'oncepay <oncepay@localhost>', directory: '/var/lib/oncepay/mail' });
  expect(vapid).toBeUndefined();
});

test('push services reach whoever sends at the address that mail comes from', () => {
  const { publicKey: VAPID_PUBLIC_KEY, privateKey: VAPID_PRIVATE_KEY } = newVapidPair();
  const vapidWith = (more: object) => loadConfig({ ...least, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, ...more }).vapid?.subject;
  expect(vapidWith({ MAIL_FROM: 'Payouts <pay@platform.example>' })).toBe('mailto:pay@platform.example');
  expect(vapidWith({ MAIL_FROM: 'pay@platform.example' })).toBe('mailto:pay@platform.example');
  expect(vapidWith({ VAPID_SUBJECT: 'https://platform.example' })).toBe('https://platform.example');
});

test.each([
  ['ENCRYPTION_KEYS', { ENCRYPTION_KEYS: 'k1:c2VjcmV0c2VjcmV0' }],
  ['FLUTTERWAVE_TEST_SECRET_KEY', { FLUTTERWAVE_TEST_SECRET_KEY: 'FLWSECK-c2VjcmV0' }],
  ['FLUTTERWAVE_LIVE_SECRET_KEY', { ...LIVE, FLUTTERWAVE_LIVE_SECRET_KEY: 'FLWSECK_TEST-c2VjcmV0' }],
])('a sentence about a wrong %s never shows it', (name, change) => {
  let sentence = '';
  try {
    loadConfig({ ...least, ...change });
  } catch (error) {
    sentence = String(error);
  }
  expect(sentence).toContain(name);
  expect(sentence).not.toContain('c2VjcmV0');
});

test('live money has a PSP only where its key and its hash are set, and then both accounts stand apart', () => {
  expect(loadConfig(least).psps.flutterwave.map(({ mode }) => mode)).toEqual(['test']);
  const suffix = { FLUTTERWAVE_TEST_REFERENCE_SUFFIX: '_PMCKDU_1' };
  expect(loadConfig({ ...least, ...LIVE, ...suffix }).psps.flutterwave).toMatchObject([
    { mode: 'test', baseUrl: 'http://127.0.0.1:3003/v3', referenceSuffix: '_PMCKDU_1' },
    { mode: 'live', baseUrl: 'https://api.flutterwave.com/v3', secretKey: 'FLWSECK-key-X', referenceSuffix: '' },
  ]);
});

test("an operator's tools need to know the database, and no secret", () => {
  expect(loadDatabase({ DATABASE_URL: least.DATABASE_URL })).toEqual({
    databaseUrl: least.DATABASE_URL,
    databaseOwnerUrl: least.DATABASE_URL,
  });
  expect(() => loadDatabase({})).toThrow('DATABASE_URL is not set; it is needed.');
});
