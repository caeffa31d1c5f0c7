/**
 * The arrangement of docker-compose.yml as processes of this machine: one PostgreSQL, two Temporal servers in one ring,
 * the sandbox, two workers, two APIs. Whoever dies comes back by itself, unless it was told to stay dead.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../harness/freePorts.ts';
import { migrate } from '../src/db/migrate.ts';
import { type Credentials, credentialsOf, type Home, openHome, secretsOf } from '../src/local/home.ts';
import { keepPostgres } from '../src/local/keepPostgres.ts';
import { seed } from '../src/local/seed.ts';
import { LOCAL_SETTINGS } from '../src/local/settings.ts';
import { temporalCli } from '../src/local/temporalBinary.ts';
import { temporalBinaries } from './binaries.ts';
import { type Member, member } from './processes.ts';
import {
  addressOf,
  createDatabases,
  createNamespace,
  dropDatabases,
  type ServerPorts,
  TEMPORAL_DATABASES,
  temporalServer,
} from './temporal.ts';

export interface Cluster {
  readonly home: Home;
  readonly credentials: Credentials;
  /** Of the two APIs. */
  readonly urls: readonly [string, string];
  /** Of the two servers. */
  readonly addresses: readonly [string, string];
  readonly servers: readonly [Member, Member];
  readonly workers: readonly [Member, Member];
  readonly apis: readonly [Member, Member];
  /** The settings of everything of ours, as .env.example lists them. */
  readonly env: NodeJS.ProcessEnv;
  /** Temporal's databases, as their owner: what it has of workflows, and its list of them. */
  readonly temporalDatabases: readonly string[];
  /** Makes them anew, empty. The servers must be stopped; afterwards `prepareTemporal` is needed. */
  emptyTemporal(): Promise<void>;
  /** The namespace and the search attributes, of servers that have none. */
  prepareTemporal(): Promise<void>;
  /** One more worker, of this build or of another one. It has yet to be started. */
  worker(name: string, address: string, build: string): Member;
  /** Until everybody says that they are well; who was told to stay dead never does. */
  untilWell(): Promise<void>;
  /** Removes what it left on the disk. */
  close(): Promise<void>;
}

/** This build: the folder of src/, workflows/ and workflow-bundle.js. */
export const BUILD = dirname(dirname(fileURLToPath(import.meta.url)));

const SETTINGS = {
  ...LOCAL_SETTINGS,
  RATE_LIMIT_PER_SECOND: '10000', // all requests of all tests are one merchant's
  LOG_LEVEL: 'warn',
  OUTCOME_DEADLINE: '10m', // above the time for which half of it may be away
};

/** @param closing what was started so far, to be ended by whoever called, also if this fails half-way. */
export async function openCluster(say: (line: string) => void, closing: (() => Promise<unknown>)[]): Promise<Cluster> {
  const binaries = await temporalBinaries(say);
  const cli = await temporalCli(say);
  const path = mkdtempSync(join(tmpdir(), 'oncepay-cluster-'));
  chmodSync(path, 0o755); // as root, PostgreSQL's own user must be able to enter, or its data go outside and stay there
  const home = openHome({ ONCEPAY_HOME: path });
  const ports = await freePorts(32);
  const port = () => ports.pop() ?? 0;
  const kept = (each: Member): Member => {
    closing.push(() => each.stop());
    each.start();
    return each;
  };

  say(`starting PostgreSQL and two Temporal servers; the logs are in ${home.file('logs')}`);
  const postgresPort = port();
  const postgres = await keepPostgres(home, postgresPort, say);
  closing.push(() => postgres.stop());
  await createDatabases(binaries, postgresPort);
  const serverPorts = (): ServerPorts => ({
    frontend: [port(), port()],
    history: [port(), port()],
    matching: [port(), port()],
    worker: [port(), port()],
  });
  const ofServers = [serverPorts(), serverPorts()] as const;
  const addresses = [addressOf(ofServers[0]), addressOf(ofServers[1])] as const;
  const servers = [
    temporalServer('temporal-1', binaries, cli, home, postgresPort, ofServers[0]),
    temporalServer('temporal-2', binaries, cli, home, postgresPort, ofServers[1]),
  ] as const;
  for (const each of servers) await kept(each).untilWell(); // of two that begin at once on an empty database, one gives up
  const prepareTemporal = () => createNamespace(cli, addresses[0]);
  await prepareTemporal();

  say('starting the sandbox, two workers and two APIs');
  const ownerUrl = `postgresql://postgres@127.0.0.1:${postgresPort}/oncepay`;
  await migrate(ownerUrl);
  const apiPorts = [port(), port()] as const;
  const urls = [`http://127.0.0.1:${apiPorts[0]}`, `http://127.0.0.1:${apiPorts[1]}`] as const;
  const sandboxPort = port();
  const known = { api: apiPorts[0], temporal: ofServers[0].frontend[0], postgres: postgresPort, sandbox: sandboxPort };
  const credentials = credentialsOf(home, { ...known, temporalUi: 0, worker: 0, flutterwave: 0 }, ownerUrl); // no UI here; workers need no door
  const secrets = secretsOf(home);
  await seed(ownerUrl, credentials, secrets.encryptionKeys);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...SETTINGS,
    ONCEPAY_HOME: home.path, // by this the tests know who belongs to it
    DATABASE_URL: `postgresql://oncepay_app@127.0.0.1:${postgresPort}/oncepay`,
    DATABASE_OWNER_URL: ownerUrl,
    SANDBOX_DATABASE_URL: `postgresql://postgres@127.0.0.1:${postgresPort}/sandbox`,
    SANDBOX_PORT: String(sandboxPort),
    SANDBOX_URL: credentials.sandboxUrl,
    SANDBOX_API_KEY: secrets.sandboxApiKey,
    SANDBOX_WEBHOOK_SECRET: secrets.sandboxWebhookSecret,
    SANDBOX_CALLBACK_URL: `${urls[0]}/api/v1/ipn/sandbox`,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    TEMPORAL_ADDRESS: addresses[0],
  };
  const node = (name: string, command: string, url: string, more: NodeJS.ProcessEnv, build = BUILD): Member =>
    member(home, name, {
      command: process.execPath,
      args: [join(build, 'src', 'cli.js'), command],
      env: { ...env, ...more },
      isWell: async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok,
    });
  const worker = (name: string, address: string, build: string): Member => {
    const door = port();
    return node(name, 'worker', `http://127.0.0.1:${door}`, { TEMPORAL_ADDRESS: address, WORKER_PORT: String(door) }, build);
  };
  const api = (nth: 0 | 1): Member =>
    node(`api-${nth + 1}`, 'api', urls[nth], {
      TEMPORAL_ADDRESS: addresses[nth],
      PORT: String(apiPorts[nth]),
      PUBLIC_URL: urls[nth],
    });
  const sandbox = kept(node('sandbox', 'sandbox', credentials.sandboxUrl, {}));
  // Each pair has a server of its own to talk to; where there is DNS, one name for all servers does the same (docs/cluster.md).
  const workers = [worker('worker-1', addresses[0], BUILD), worker('worker-2', addresses[1], BUILD)] as const;
  const apis = [api(0), api(1)] as const;
  for (const each of [...workers, ...apis]) kept(each);
  const untilWell = async (): Promise<void> => {
    for (const each of [...servers, sandbox, ...workers, ...apis]) await each.untilWell();
  };
  await untilWell();

  return {
    home,
    credentials,
    urls,
    addresses,
    servers,
    workers,
    apis,
    env,
    temporalDatabases: TEMPORAL_DATABASES.map((name) => `postgresql://postgres@127.0.0.1:${postgresPort}/${name}`),
    async emptyTemporal() {
      await dropDatabases(binaries, postgresPort);
      await createDatabases(binaries, postgresPort);
    },
    prepareTemporal,
    worker,
    untilWell,
    close: async () => rmSync(home.path, { recursive: true, force: true }),
  };
}
