/**
 * The configuration: one schema over the environment, every key with a default or one clear sentence. Defaults are
 * those of an installation; `oncepay up` sets shorter waits for a local try-out (src/local/up.ts). `.env.example` lists them.
 */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isVapidPair, type VapidKeys } from './crypto/pushKeys.ts';
import { parseKeys } from './crypto/secretBox.ts';
import type { ImagePlace } from './instant/images/place.ts';
import type { MailSettings } from './notify/mail.ts';
import type { PayoutTimes } from './payouts/rules/contract.ts';
import type { PspQueue } from './payouts/rules/kinds.ts';
import type { FlutterwaveConnectorOptions } from './psp/flutterwave/connector.ts';
import type { PspConfig } from './psp/registry.ts';
import { DEFAULT_ROUTES, readRoutes } from './psp/routing.ts';
import { PROVIDER_PSP_QUEUE } from './temporal/rules/queues.ts';
import { RECOVER_DAYS } from './webhooks/rules/recovery.ts';

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `250ms`, `5s`, `15m`, `72h`, `30d` → milliseconds. */
const duration = (byDefault: string) =>
  z
    .string()
    .default(byDefault)
    .transform((text, context) => {
      const [, count, unit] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
      if (count && unit) return Number.parseInt(count, 10) * UNITS_MS[unit as keyof typeof UNITS_MS];
      context.addIssue(`must be a duration such as 250ms, 5s, 15m or 72h, not "${text}"`);
      return z.NEVER;
    });

const count = (byDefault: number, least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .default(String(byDefault))
    .transform((text) => Number.parseInt(text, 10))
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));

const port = (byDefault: number) => count(byDefault, 0, 65_535);
const flag = (byDefault: 'true' | 'false') =>
  z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default(byDefault)
    .transform((text) => text === 'true');
const url = (schemes: string) => {
  const hasScheme = new RegExp(`^(${schemes})://`);
  const message = `must be a URL that begins with ${schemes.replace('|', ':// or ')}://`;
  return z.string().refine((text) => hasScheme.test(text) && URL.canParse(text), message);
};
const routes = z
  .string()
  .optional()
  .transform((text, context) => {
    const read = text === undefined ? { routes: DEFAULT_ROUTES } : readRoutes(text);
    if ('routes' in read) return read.routes;
    context.addIssue(read.fault);
    return z.NEVER;
  });
const givenSecret = z.string().min(8, 'must have at least 8 characters');
const secret = (byDefault: string) => givenSecret.default(byDefault);
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const MAIL_FROM = /^(?:[^<>\p{Cc}]+ <([^\s<>@]+@[^\s<>@]+)>|([^\s<>@]+@[^\s<>@]+))$/u;

/** What the simulator's keys begin with, and its hash where nothing else is set: everybody knows both. */
const SIMULATOR_KEY = 'FLWSECK_TEST-local-';
const SIMULATOR_HASH = 'flutterwave-local-hash';

const environment = z.object({
  DATABASE_URL: url('postgresql|postgres'),
  DATABASE_OWNER_URL: url('postgresql|postgres').optional(),
  SANDBOX_DATABASE_URL: url('postgresql|postgres').optional(),
  DATABASE_POOL: count(16, 1, 200),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d+$/, 'must be host:port')
    .default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_UI_URL: url('http|https').default('http://127.0.0.1:8233'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port(3000),
  PUBLIC_URL: url('http|https').optional(),
  WORKER_PORT: port(3002),
  SANDBOX_PORT: port(3001),
  ENCRYPTION_KEYS: z.string().superRefine((text, context) => {
    try {
      parseKeys(text);
    } catch {
      context.addIssue('must be id:<base64 of 32 bytes>, several separated by commas');
    }
  }),
  PSP_ROUTES: routes,
  SANDBOX_URL: url('http|https').default('http://127.0.0.1:3001'),
  SANDBOX_API_KEY: secret('sandbox-local-key'),
  SANDBOX_WEBHOOK_SECRET: secret('sandbox-local-secret'),
  SANDBOX_CALLBACK_URL: url('http|https').optional(),
  FLUTTERWAVE_TEST_URL: url('http|https').default('http://127.0.0.1:3003/v3'),
  FLUTTERWAVE_TEST_SECRET_KEY: secret(`${SIMULATOR_KEY}X`),
  FLUTTERWAVE_TEST_WEBHOOK_HASH: secret(SIMULATOR_HASH),
  FLUTTERWAVE_TEST_REFERENCE_SUFFIX: z
    .string()
    .regex(/^_PMCK[A-Z0-9_]{0,20}$/, "must be one of Flutterwave's, such as _PMCK or _PMCKDU_1")
    .optional(),
  FLUTTERWAVE_LIVE_URL: url('http|https').default('https://api.flutterwave.com/v3'),
  FLUTTERWAVE_LIVE_SECRET_KEY: givenSecret.optional(),
  FLUTTERWAVE_LIVE_WEBHOOK_HASH: givenSecret.optional(),
  FLUTTERWAVE_SIM_PORT: port(3003),
  FLUTTERWAVE_SIM_DATABASE_URL: url('postgresql|postgres').optional(),
  FLUTTERWAVE_SIM_CALLBACK_URL: url('http|https').optional(),
  WEBHOOK_ALLOW_LOOPBACK_TEST: flag('false'),
  ALLOW_SIGNAL_DECISIONS: flag('true'),
  RATE_LIMIT_PER_SECOND: count(200, 1, 100_000),
  REVIEW_WINDOW: duration('72h'),
  RETRY_WAIT: duration('30s'),
  RETRY_WAIT_MAX: duration('15m'),
  FIRST_LOOK_UP: duration('30s'),
  LOOK_UP_MAX: duration('15m'),
  PSP_NOT_FOUND_GRACE: duration('15m'),
  OUTCOME_DEADLINE: duration('24h'),
  /** What a minute of the deadlines of withdrawals and payins lasts: a try-out has no time for real ones. */
  INSTANT_MINUTE: duration('1m'),
  PSP_TIMEOUT: duration('30s'),
  WEBHOOK_TIMEOUT: duration('15s'),
  DELIVERIES_KEPT: duration('90d'),
  ONCEPAY_HOME: z.string().default('.oncepay'),
  /** Screenshots of payments; by default `proofs` in ONCEPAY_HOME. All API processes and workers must see the same. */
  PROOFS_DIR: z.string().optional(),
  /** Or a bucket of S3, or of what speaks its API: its address, with the bucket in the path. */
  PROOFS_S3_URL: url('http|https').optional(),
  PROOFS_S3_REGION: z.string().min(1).default('us-east-1'),
  PROOFS_S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  PROOFS_S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  SMTP_URL: url('smtp|smtps').optional(),
  MAIL_FROM: z
    .string()
    .regex(MAIL_FROM, 'must be an address, or a name and an address in angle brackets')
    .default('oncepay <oncepay@localhost>'),
  VAPID_PUBLIC_KEY: z.string().optional(),
  VAPID_PRIVATE_KEY: z.string().optional(),
  VAPID_SUBJECT: z
    .string()
    .regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/, 'must begin with mailto: or https://')
    .optional(),
  PAYOUT_RUN_INTERVAL: duration('2h'),
  ENABLE_WORKERS: flag('true'),
  WORKFLOW_CONCURRENCY: count(10, 2, 1_000),
  PAYOUT_WORKER_CONCURRENCY: count(5, 1, 1_000),
  PAYOUT_WORKER_RATE_LIMIT: count(10, 1, 10_000),
  BATCH_WORKER_CONCURRENCY: count(1, 1, 100),
  BATCH_WORKER_RATE_LIMIT: count(1, 1, 1_000),
  GAME_WORKER_CONCURRENCY: count(4, 1, 100),
  GAME_STEP: count(500, 1, 1_000),
  MARKET_CHUNK: count(500, 1, 2_000),
  MARKET_WORKER_CONCURRENCY: count(2, 1, 100),
  INSTANT_WORKER_CONCURRENCY: count(4, 1, 100),
  LOG_LEVEL: z.enum(LEVELS, { error: `must be one of ${LEVELS.join(', ')}` }).default('info'),
});

/** The workflow gives a PSP call 45 s (workflows/payouts/payoutStory.ts): a reply must have had its full time before that. */
const PSP_TIMEOUT_MAX_MS = 30_000;

/** A Temporal Schedule counts in whole seconds. */
const SCHEDULE_INTERVAL_MIN_MS = 1_000;

/** The relay's lease of a receiver is 20 s (src/relay/webhooks.ts), and must outlast a send. */
const WEBHOOK_TIMEOUT_MAX_MS = 15_000;

/** What a recovery may reach back for must still say what was delivered: else that would be sent again. A day more, for clocks. */
const DELIVERIES_KEPT_MIN_DAYS = RECOVER_DAYS + 1;

/** Of the activities of one task queue. */
export interface QueueLimits {
  /** At once in one worker. */
  readonly concurrency: number;
  /** Of all workers together: Temporal hands out no more. */
  readonly perSecond: number;
}

export interface Config {
  readonly databaseUrl: string;
  /** For migrations and `oncepay admin create`; by default the same as databaseUrl. */
  readonly databaseOwnerUrl: string;
  readonly sandboxDatabaseUrl: string | undefined;
  readonly databasePool: number;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalUiUrl: string;
  readonly host: string;
  readonly port: number;
  /** How clients reach the API. */
  readonly publicUrl: string;
  readonly workerPort: number;
  readonly sandboxPort: number;
  readonly encryptionKeys: string;
  readonly sandboxCallbackUrl: string;
  /** Of the Flutterwave simulator. */
  readonly flutterwaveSim: { readonly port: number; readonly databaseUrl: string | undefined; readonly callbackUrl: string };
  /** Of Flutterwave's accounts the first is the test one. */
  readonly psps: PspConfig & { readonly flutterwave: FlutterwaveAccounts };
  readonly webhookAllowLoopbackTest: boolean;
  readonly instantMinuteMs: number;
  readonly proofs: ImagePlace;
  /** Looks at withdrawals, slices and payins at once in one worker. */
  readonly instantConcurrency: number;
  readonly allowSignalDecisions: boolean;
  readonly rateLimitPerSecond: number;
  readonly times: PayoutTimes;
  readonly webhookTimeoutMs: number;
  /** For so long what was delivered or given up, of webhooks and notifications, can be read. */
  readonly deliveriesKeptMs: number;
  readonly mail: MailSettings;
  /** Undefined: notifications are pushed to nobody. */
  readonly vapid: VapidKeys | undefined;
  /** How often approved provider payouts are sent. */
  readonly payoutRunIntervalMs: number;
  /** False: workers run elsewhere, or not yet; `oncepay up` starts none, and /health does not miss them. */
  readonly enableWorkers: boolean;
  /** Workflow tasks at once in one worker. */
  readonly workflowConcurrency: number;
  /** What payouts ask of PSPs, by the queues that do nothing else. */
  readonly pspLimits: Readonly<Record<PspQueue, QueueLimits>>;
  /** The steps of payout runs. */
  readonly payoutRunLimits: QueueLimits;
  /** Games that a worker settles at once, and players whom it settles in one transaction. */
  readonly gameLimits: { readonly concurrency: number; readonly step: number };
  /** Users of a market that are paid, or undone, in one transaction, at most; and how many markets at once in one worker. */
  readonly markets: { readonly chunk: number; readonly concurrency: number };
  readonly logLevel: (typeof LEVELS)[number];
}

type FlutterwaveAccounts = readonly [test: FlutterwaveConnectorOptions, ...live: FlutterwaveConnectorOptions[]];

/** A setting that is missing or malformed: its message is one sentence for whoever starts the process. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

function refuse(message: string): never {
  throw new ConfigError(message);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigError naming the variable. Unknown variables are not ours to judge; set to nothing is not set. */
function read<S extends z.ZodObject>(schema: S, env: Environment): z.output<S> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? 'the environment');
  throw new ConfigError(given[name] === undefined ? `${name} is not set; it is needed.` : `${name} ${issue?.message}.`);
}

/** Only where the database is: all that migrations and an operator's tools need to know. @throws ConfigError */
export function loadDatabase(env: Environment): Pick<Config, 'databaseUrl' | 'databaseOwnerUrl'> {
  const { DATABASE_URL, DATABASE_OWNER_URL } = read(environment.pick({ DATABASE_URL: true, DATABASE_OWNER_URL: true }), env);
  return { databaseUrl: DATABASE_URL, databaseOwnerUrl: DATABASE_OWNER_URL ?? DATABASE_URL };
}

/** @throws ConfigError */
export function loadConfig(env: Environment): Config {
  const settings = read(environment, env);
  if (settings.PSP_TIMEOUT > PSP_TIMEOUT_MAX_MS) refuse('PSP_TIMEOUT must be at most 30s.');
  if (settings.WEBHOOK_TIMEOUT > WEBHOOK_TIMEOUT_MAX_MS) refuse('WEBHOOK_TIMEOUT must be at most 15s.');
  if (settings.DELIVERIES_KEPT < DELIVERIES_KEPT_MIN_DAYS * UNITS_MS.d) {
    refuse(`DELIVERIES_KEPT must be at least ${DELIVERIES_KEPT_MIN_DAYS}d: a recovery reaches back for ${RECOVER_DAYS} days.`);
  }
  if (settings.PSP_NOT_FOUND_GRACE < settings.PSP_TIMEOUT + 5_000) {
    refuse('PSP_NOT_FOUND_GRACE must be at least 5s more than PSP_TIMEOUT: the PSP may still be at work until then.');
  }
  if (settings.OUTCOME_DEADLINE <= settings.PSP_NOT_FOUND_GRACE)
    refuse('OUTCOME_DEADLINE must be more than PSP_NOT_FOUND_GRACE.');
  if (settings.RETRY_WAIT_MAX < settings.RETRY_WAIT) refuse('RETRY_WAIT_MAX must not be less than RETRY_WAIT.');
  if (settings.LOOK_UP_MAX < settings.FIRST_LOOK_UP) refuse('LOOK_UP_MAX must not be less than FIRST_LOOK_UP.');
  if (settings.PAYOUT_RUN_INTERVAL < SCHEDULE_INTERVAL_MIN_MS) refuse('PAYOUT_RUN_INTERVAL must be at least 1s.');

  const publicUrl = settings.PUBLIC_URL ?? `http://${settings.HOST}:${settings.PORT}`;
  return {
    databaseUrl: settings.DATABASE_URL,
    databaseOwnerUrl: settings.DATABASE_OWNER_URL ?? settings.DATABASE_URL,
    sandboxDatabaseUrl: settings.SANDBOX_DATABASE_URL,
    databasePool: settings.DATABASE_POOL,
    temporalAddress: settings.TEMPORAL_ADDRESS,
    temporalNamespace: settings.TEMPORAL_NAMESPACE,
    temporalUiUrl: settings.TEMPORAL_UI_URL,
    host: settings.HOST,
    port: settings.PORT,
    publicUrl,
    workerPort: settings.WORKER_PORT,
    sandboxPort: settings.SANDBOX_PORT,
    encryptionKeys: settings.ENCRYPTION_KEYS,
    sandboxCallbackUrl: settings.SANDBOX_CALLBACK_URL ?? `${publicUrl}/api/v1/ipn/sandbox`,
    flutterwaveSim: {
      port: settings.FLUTTERWAVE_SIM_PORT,
      databaseUrl: settings.FLUTTERWAVE_SIM_DATABASE_URL,
      callbackUrl: settings.FLUTTERWAVE_SIM_CALLBACK_URL ?? `${publicUrl}/api/webhooks/flutterwave/payout_status`,
    },
    psps: {
      routes: settings.PSP_ROUTES,
      sandbox: {
        baseUrl: settings.SANDBOX_URL,
        apiKey: settings.SANDBOX_API_KEY,
        webhookSecret: settings.SANDBOX_WEBHOOK_SECRET,
        timeoutMs: settings.PSP_TIMEOUT,
      },
      flutterwave: flutterwaveOf(settings),
    },
    webhookAllowLoopbackTest: settings.WEBHOOK_ALLOW_LOOPBACK_TEST,
    instantMinuteMs: settings.INSTANT_MINUTE,
    proofs: proofsOf(settings),
    instantConcurrency: settings.INSTANT_WORKER_CONCURRENCY,
    allowSignalDecisions: settings.ALLOW_SIGNAL_DECISIONS,
    rateLimitPerSecond: settings.RATE_LIMIT_PER_SECOND,
    times: {
      reviewWindowMs: settings.REVIEW_WINDOW,
      retryWaitMs: settings.RETRY_WAIT,
      retryWaitMaxMs: settings.RETRY_WAIT_MAX,
      firstLookUpMs: settings.FIRST_LOOK_UP,
      lookUpMaxMs: settings.LOOK_UP_MAX,
      notFoundGraceMs: settings.PSP_NOT_FOUND_GRACE,
      outcomeDeadlineMs: settings.OUTCOME_DEADLINE,
    },
    webhookTimeoutMs: settings.WEBHOOK_TIMEOUT,
    deliveriesKeptMs: settings.DELIVERIES_KEPT,
    mail: {
      smtpUrl: settings.SMTP_URL,
      from: settings.MAIL_FROM,
      directory: join(resolve(settings.ONCEPAY_HOME), 'mail'),
    },
    vapid: vapidOf(settings),
    payoutRunIntervalMs: settings.PAYOUT_RUN_INTERVAL,
    enableWorkers: settings.ENABLE_WORKERS,
    workflowConcurrency: settings.WORKFLOW_CONCURRENCY,
    pspLimits: {
      [PROVIDER_PSP_QUEUE]: { concurrency: settings.PAYOUT_WORKER_CONCURRENCY, perSecond: settings.PAYOUT_WORKER_RATE_LIMIT },
    },
    markets: { chunk: settings.MARKET_CHUNK, concurrency: settings.MARKET_WORKER_CONCURRENCY },
    payoutRunLimits: { concurrency: settings.BATCH_WORKER_CONCURRENCY, perSecond: settings.BATCH_WORKER_RATE_LIMIT },
    gameLimits: { concurrency: settings.GAME_WORKER_CONCURRENCY, step: settings.GAME_STEP },
    logLevel: settings.LOG_LEVEL,
  };
}

/** Where screenshots are kept. @throws ConfigError, which never shows a key */
function proofsOf(settings: z.output<typeof environment>): ImagePlace {
  const { PROOFS_DIR, PROOFS_S3_URL, PROOFS_S3_REGION: region, ONCEPAY_HOME } = settings;
  const { PROOFS_S3_ACCESS_KEY_ID: accessKeyId, PROOFS_S3_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (PROOFS_S3_URL === undefined) {
    if (accessKeyId !== undefined || secretAccessKey !== undefined) refuse('PROOFS_S3_URL is not set, but a key for it is.');
    return { kind: 'folder', folder: resolve(PROOFS_DIR ?? join(ONCEPAY_HOME, 'proofs')) };
  }
  if (PROOFS_DIR !== undefined) refuse('PROOFS_DIR and PROOFS_S3_URL are two places for screenshots: set one.');
  if (accessKeyId === undefined) return refuse('PROOFS_S3_ACCESS_KEY_ID is not set, but PROOFS_S3_URL is.');
  if (secretAccessKey === undefined) return refuse('PROOFS_S3_SECRET_ACCESS_KEY is not set, but PROOFS_S3_URL is.');
  const { pathname, search, hash, username } = new URL(PROOFS_S3_URL);
  if (pathname.replaceAll('/', '') === '' || search !== '' || hash !== '' || username !== '')
    refuse('PROOFS_S3_URL must have the bucket in its path, and nothing after it: https://s3.example/proofs.');
  return { kind: 'bucket', url: PROOFS_S3_URL, region, accessKeyId, secretAccessKey };
}

/** What push services know us by. @throws ConfigError, which never shows a key */
function vapidOf(settings: z.output<typeof environment>): VapidKeys | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT, MAIL_FROM: from } = settings;
  if (publicKey === undefined && privateKey === undefined) return undefined;
  if (publicKey === undefined) return refuse('VAPID_PUBLIC_KEY is not set, but VAPID_PRIVATE_KEY is.');
  if (privateKey === undefined) return refuse('VAPID_PRIVATE_KEY is not set, but VAPID_PUBLIC_KEY is.');
  if (!isVapidPair(publicKey, privateKey)) refuse('VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY must be a pair, each in base64url.');
  const [, inBrackets, bare] = MAIL_FROM.exec(from) ?? [];
  return { publicKey, privateKey, subject: VAPID_SUBJECT ?? `mailto:${inBrackets ?? bare}` };
}

/**
 * Our accounts at Flutterwave. Its keys say whose money they move, and both kinds work at the same host: a live key never
 * stands for test money, and live money never goes to a simulator.
 * @throws ConfigError, which never shows a key
 */
function flutterwaveOf(settings: z.output<typeof environment>): FlutterwaveAccounts {
  const timeoutMs = settings.PSP_TIMEOUT;
  const test = {
    mode: 'test',
    baseUrl: settings.FLUTTERWAVE_TEST_URL,
    secretKey: settings.FLUTTERWAVE_TEST_SECRET_KEY,
    webhookHash: settings.FLUTTERWAVE_TEST_WEBHOOK_HASH,
    referenceSuffix: settings.FLUTTERWAVE_TEST_REFERENCE_SUFFIX ?? '',
    timeoutMs,
  } as const;
  if (test.secretKey.startsWith('FLWSECK-')) {
    refuse('FLUTTERWAVE_TEST_SECRET_KEY is a live key (FLWSECK-…): test payouts, and the simulator, must not have one.');
  }
  if (!test.secretKey.startsWith('FLWSECK_TEST-')) refuse('FLUTTERWAVE_TEST_SECRET_KEY must begin with FLWSECK_TEST-.');
  if (!isSimulator(test.baseUrl)) {
    if (test.secretKey.startsWith(SIMULATOR_KEY)) {
      refuse(
        `FLUTTERWAVE_TEST_SECRET_KEY is the simulator's (${SIMULATOR_KEY}…), but FLUTTERWAVE_TEST_URL is Flutterwave itself.`,
      );
    }
    if (test.webhookHash === SIMULATOR_HASH) {
      refuse('FLUTTERWAVE_TEST_WEBHOOK_HASH is not set: with it Flutterwave shows that a callback is its own.');
    }
  }

  const {
    FLUTTERWAVE_LIVE_URL: baseUrl,
    FLUTTERWAVE_LIVE_SECRET_KEY: secretKey,
    FLUTTERWAVE_LIVE_WEBHOOK_HASH: webhookHash,
  } = settings;
  if (secretKey === undefined && webhookHash === undefined) return [test];
  if (secretKey === undefined) return refuse('FLUTTERWAVE_LIVE_SECRET_KEY is not set, but FLUTTERWAVE_LIVE_WEBHOOK_HASH is.');
  if (webhookHash === undefined) return refuse('FLUTTERWAVE_LIVE_WEBHOOK_HASH is not set; with a live key it is needed.');
  if (secretKey.startsWith('FLWSECK_TEST-')) {
    refuse('FLUTTERWAVE_LIVE_SECRET_KEY is a test key (FLWSECK_TEST-…): live payouts would not be paid with it.');
  }
  if (!secretKey.startsWith('FLWSECK-')) refuse('FLUTTERWAVE_LIVE_SECRET_KEY must begin with FLWSECK-.');
  if (isSimulator(baseUrl)) {
    refuse(`FLUTTERWAVE_LIVE_URL is a simulator's (${baseUrl}): a live key goes only to https, and not to this machine.`);
  }
  if (webhookHash === test.webhookHash) {
    refuse('FLUTTERWAVE_LIVE_WEBHOOK_HASH must not be the test one: it tells live callbacks from test ones.');
  }
  return [test, { mode: 'live', baseUrl, secretKey, webhookHash, referenceSuffix: '', timeoutMs }];
}

function isSimulator(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol !== 'https:' || /^(localhost|.*\.localhost|127\..*|0\.0\.0\.0|\[::1\])\.?$/.test(hostname);
}
