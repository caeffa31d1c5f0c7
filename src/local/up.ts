/** `oncepay up`: everything on one machine, from nothing to a payout, and kept alive until Ctrl-C. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createMailer } from '../notify/mail.ts';
import { type Kept, keepAlive } from './child.ts';
import {
  type Credentials,
  credentialsOf,
  endLeftovers,
  type Home,
  keepEnvironment,
  lockHome,
  openHome,
  type Ports,
  rememberChild,
  type Secrets,
  sayStopping,
  secretsOf,
  untilStopped,
} from './home.ts';
import { keepPostgres } from './keepPostgres.ts';
import { lastWords, openLog } from './logFile.ts';
import { portsOf } from './ports.ts';
import { seed } from './seed.ts';
import { LOCAL_SETTINGS } from './settings.ts';
import { temporalCli } from './temporalBinary.ts';
import { spawnTemporal, type TemporalServerOptions, untilTemporalIsHealthy } from './temporalServer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** In the order in which they are ended: who takes requests first, who keeps the data last. */
const NODE_CHILDREN = ['api', 'worker', 'sandbox', 'flutterwave'] as const;
const CHILDREN = [...NODE_CHILDREN, 'temporal', 'postgres'];

const READY_WITHIN_MS = 180_000; // 3 s on an idle machine; on one that also runs everybody's tests, a minute has been seen

export interface Installation {
  readonly credentials: Credentials;
  /** Where notifications by mail go. */
  readonly mail: string;
  /** Ends everything in order. */
  stop(): Promise<void>;
  /** Ends everything at once; the next start recovers. */
  kill(): void;
}

/**
 * @param stopping gives up a start half-way, in order.
 * @throws one sentence for whoever started it.
 */
export async function up(env: Environment, say: (line: string) => void, stopping: AbortSignal): Promise<Installation> {
  const home = openHome(env);
  await untilStopped(home, () => say('waiting for the last start to stop'));
  lockHome(home);
  const left = await endLeftovers(home, CHILDREN);
  if (left.length > 0) say(`ended what a killed start had left: ${left.join(', ')}`);
  const ports = await portsOf(env);
  const secrets = secretsOf(home);
  const places = placesOf(home, ports, secrets);
  const defaults = { ...LOCAL_SETTINGS, ...flutterwaveOf(ports, secrets), ...vapidOf(secrets) };
  const childEnv = environmentOf(defaults, env, places);
  const { enableWorkers, mail } = loadConfig(childEnv); // a wrong setting is told here, before anything has started
  keepEnvironment(home, { ...defaults, ...places });
  const cli = await Promise.race([temporalCli(say), whenAborted(stopping)]);

  say('starting PostgreSQL and Temporal');
  const kept: Kept[] = [];
  const stop = async (): Promise<void> => {
    sayStopping(home);
    for (const each of kept.toReversed()) await each.stop();
  };
  const kill = (): void => {
    for (const each of kept) each.kill();
  };
  try {
    kept.push(await keepPostgres(home, ports.postgres, say));
    stopping.throwIfAborted();
    kept.push(await keepTemporal(home, ports, cli, say));
    stopping.throwIfAborted();
    const ownerUrl = `postgresql://postgres@127.0.0.1:${ports.postgres}/oncepay`;
    const done = await migrate(ownerUrl);
    if (done.length > 0) say(`the database is up to date (${done.length} files)`);
    const credentials = credentialsOf(home, ports, ownerUrl);
    await seed(ownerUrl, credentials, secrets.encryptionKeys);

    say(`starting the PSP simulators, ${enableWorkers ? 'a worker' : 'no worker (ENABLE_WORKERS=false)'} and the API`);
    for (const name of NODE_CHILDREN.toReversed()) {
      if (name !== 'worker' || enableWorkers) kept.push(keepNode(home, name, childEnv, say));
    }
    await untilReady(credentials, home, stopping);
    return { credentials, mail: createMailer(mail).destination, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whenAborted(stopping: AbortSignal): Promise<never> {
  stopping.throwIfAborted();
  return await new Promise((_resolve, reject) =>
    stopping.addEventListener('abort', () => reject(stopping.reason as Error), { once: true }),
  );
}

/** The user's settings win over our defaults, but not over where things are: we have just put them there. */
function environmentOf(defaults: Environment, env: Environment, places: Environment): Record<string, string | undefined> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')); // set to nothing is not set
  return { ...defaults, ...given, ...places };
}

/** Flutterwave is simulated unless the user has an account there. */
function flutterwaveOf(ports: Ports, secrets: Secrets) {
  return {
    FLUTTERWAVE_TEST_URL: `http://127.0.0.1:${ports.flutterwave}/v3`,
    FLUTTERWAVE_TEST_SECRET_KEY: secrets.flutterwaveSecretKey,
    FLUTTERWAVE_TEST_WEBHOOK_HASH: secrets.flutterwaveWebhookHash,
  };
}

/** Pushes come from this installation, whoever else it belongs to. */
const vapidOf = ({ vapid }: Secrets) => ({ VAPID_PUBLIC_KEY: vapid.publicKey, VAPID_PRIVATE_KEY: vapid.privateKey });

function placesOf(home: Home, ports: Ports, secrets: Secrets) {
  const database = (user: string, name: string) => `postgresql://${user}@127.0.0.1:${ports.postgres}/${name}`;
  return {
    ONCEPAY_HOME: home.path,
    DATABASE_URL: database('oncepay_app', 'oncepay'),
    DATABASE_OWNER_URL: database('postgres', 'oncepay'),
    SANDBOX_DATABASE_URL: database('postgres', 'sandbox'),
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default', // the one that a development server has
    TEMPORAL_UI_URL: `http://127.0.0.1:${ports.temporalUi}`,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    PORT: String(ports.api),
    WORKER_PORT: String(ports.worker),
    SANDBOX_PORT: String(ports.sandbox),
    SANDBOX_URL: `http://127.0.0.1:${ports.sandbox}`,
    SANDBOX_API_KEY: secrets.sandboxApiKey,
    SANDBOX_WEBHOOK_SECRET: secrets.sandboxWebhookSecret,
    SANDBOX_CALLBACK_URL: `http://127.0.0.1:${ports.api}/api/v1/ipn/sandbox`,
    FLUTTERWAVE_SIM_DATABASE_URL: database('postgres', 'flutterwave'),
    FLUTTERWAVE_SIM_PORT: String(ports.flutterwave),
    FLUTTERWAVE_SIM_CALLBACK_URL: `http://127.0.0.1:${ports.api}/api/webhooks/flutterwave/payout_status`,
  };
}

function keepNode(home: Home, name: string, env: Record<string, string | undefined>, say: (line: string) => void): Kept {
  const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'cli.js');
  const file = home.file('logs', `${name}.log`);
  const log = openLog(file);
  return keepAlive({
    name,
    // Detached: Ctrl-C reaches us alone, and we end them in order. By the channel they see it if we are killed, and end.
    start: () => spawn(process.execPath, [cli, name], { env, detached: true, stdio: ['ignore', log, log, 'ipc'] }),
    onStart: (pid) => rememberChild(home, name, pid),
    onEnd: (sentence, byItself) => say(byItself ? `${sentence}; it said last: ${lastWords(file)}` : sentence),
  });
}

async function keepTemporal(home: Home, ports: Ports, cli: string, say: (line: string) => void): Promise<Kept> {
  const options: TemporalServerOptions = {
    cli,
    databaseFile: home.file('temporal.db'),
    port: ports.temporal,
    uiPort: ports.temporalUi,
    codecEndpoint: `http://127.0.0.1:${ports.api}/codec`,
    log: openLog(home.file('logs', 'temporal.log')),
  };
  let ends = 0;
  const kept = keepAlive({
    name: 'temporal',
    start: () => spawnTemporal(options),
    onStart: (pid) => rememberChild(home, 'temporal', pid),
    onEnd: (sentence) => {
      ends += 1;
      say(sentence);
    },
  });
  try {
    await untilTemporalIsHealthy(options, () => ends > 2);
  } catch (error) {
    await kept.stop();
    throw new Error(`${(error as Error).message}; see ${home.file('logs', 'temporal.log')}.`, { cause: error });
  }
  return kept;
}

async function untilReady(
  { baseUrl, sandboxUrl, flutterwaveUrl }: Credentials,
  home: Home,
  stopping: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  const isUp = async (url: string) =>
    (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined))?.ok === true;
  const areUp = async () => (await Promise.all([sandboxUrl, flutterwaveUrl, baseUrl].map(isUp))).every(Boolean);
  while (!(await areUp())) {
    stopping.throwIfAborted();
    if (performance.now() > deadline)
      throw new Error(`It did not become healthy within three minutes; see ${home.file('logs')}.`);
    await sleep(100);
  }
}
