/** ONCEPAY_HOME: where a local installation keeps its data, its secrets, and word of which processes are its own. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newApiKey, newWebhookSecret } from '../crypto/newSecret.ts';
import { newVapidPair } from '../crypto/pushKeys.ts';
import { newId } from '../rules/newId.ts';
import { ROLES } from '../rules/roles.ts';
import { serverProcess } from './postgres.ts';
import { isAlive, markOf, type ProcessMark, signal } from './process.ts';

export interface Ports {
  readonly api: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly postgres: number;
  readonly sandbox: number;
  readonly flutterwave: number;
  readonly worker: number;
}

export interface Credentials {
  readonly baseUrl: string;
  readonly temporalUi: string;
  readonly temporalAddress: string;
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  readonly flutterwaveUrl: string;
  /** What Flutterwave's simulator shows with its callbacks. */
  readonly flutterwaveWebhookHash: string;
  readonly merchants: readonly DemoMerchant[];
  readonly admins: readonly DemoAdmin[];
}

export interface DemoMerchant {
  readonly id: string;
  readonly name: string;
  readonly testKey: string;
  readonly liveKey: string;
  readonly webhookSecret: string;
}

export interface DemoAdmin {
  readonly id: string;
  readonly role: string;
  readonly key: string;
}

/** What no one outside the installation needs to know. */
export interface Secrets {
  readonly encryptionKeys: string;
  readonly sandboxApiKey: string;
  readonly sandboxWebhookSecret: string;
  readonly flutterwaveSecretKey: string;
  readonly flutterwaveWebhookHash: string;
  /** Browsers subscribe under it: another pair would lose them all. */
  readonly vapid: { readonly publicKey: string; readonly privateKey: string };
}

export interface Home {
  readonly path: string;
  file(...names: string[]): string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The database of the local installation, as its owner; undefined where there is none. */
export function databaseOfHome(env: Environment): string | undefined {
  const file = join(resolve(env['ONCEPAY_HOME'] || '.oncepay'), 'credentials.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials).databaseUrl : undefined;
}

/** Where everything of the local installation is, for another worker beside it; the caller's own settings win. */
export function environmentOfHome(env: Environment): Environment {
  const file = join(resolve(env['ONCEPAY_HOME'] || '.oncepay'), 'environment.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Environment) : {};
  return { ...known, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')) }; // set to nothing is not set
}

/** Written by each start: the ports may have moved. */
export function keepEnvironment(home: Home, env: Environment): void {
  writePrivately(home.file('environment.json'), env);
}

export function openHome(env: Environment): Home {
  const path = resolve(env['ONCEPAY_HOME'] || '.oncepay');
  mkdirSync(join(path, 'logs'), { recursive: true });
  return { path, file: (...names) => join(path, ...names) };
}

/** Made once, kept with the data: without them what is encrypted in the database and in Temporal is lost. */
export function secretsOf(home: Home): Secrets {
  const file = home.file('secrets.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  const secrets: Secrets = {
    encryptionKeys: `k1:${randomBytes(32).toString('base64')}`,
    sandboxApiKey: randomBytes(24).toString('hex'),
    sandboxWebhookSecret: randomBytes(24).toString('hex'),
    flutterwaveSecretKey: `FLWSECK_TEST-local-${randomBytes(16).toString('hex')}-X`,
    flutterwaveWebhookHash: randomBytes(24).toString('hex'),
    vapid: newVapidPair(),
    ...known, // the others are newer than this home
  };
  if (JSON.stringify(known) !== JSON.stringify(secrets)) writePrivately(file, secrets);
  return secrets;
}

/** The demo merchants and admins: made once; the addresses follow the ports of this start. */
export function credentialsOf(home: Home, ports: Ports, databaseUrl: string): Credentials {
  const file = home.file('credentials.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : undefined;
  const credentials: Credentials = {
    baseUrl: `http://127.0.0.1:${ports.api}`,
    temporalUi: `http://127.0.0.1:${ports.temporalUi}`,
    temporalAddress: `127.0.0.1:${ports.temporal}`,
    databaseUrl,
    sandboxUrl: `http://127.0.0.1:${ports.sandbox}`,
    flutterwaveUrl: `http://127.0.0.1:${ports.flutterwave}`,
    flutterwaveWebhookHash: secretsOf(home).flutterwaveWebhookHash,
    merchants: known?.merchants ?? ['Karachi Traders', 'Lahore Logistics'].map(newMerchant),
    admins: known?.admins ?? [...ROLES.slice(0, 3), 'approver', 'admin'].map(newAdmin),
  };
  if (JSON.stringify(known) !== JSON.stringify(credentials)) writePrivately(file, credentials);
  return credentials;
}

const newMerchant = (name: string): DemoMerchant => ({
  id: newId('mer'),
  name,
  testKey: newApiKey('pk_test_').key,
  liveKey: newApiKey('pk_live_').key,
  webhookSecret: newWebhookSecret(),
});

const newAdmin = (role: string): DemoAdmin => ({ id: newId('adm'), role, key: newApiKey('ak_').key });

/** Readable by its owner only, and whole or not at all, also after a power cut. */
function writePrivately(file: string, value: unknown): void {
  const fresh = `${file}.${process.pid}`;
  const handle = openSync(fresh, 'w', 0o600);
  writeFileSync(handle, `${JSON.stringify(value, null, 2)}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(fresh, file);
}

// ── Processes ──────────────────────────────────────────────────────────────────────────────────

/** @throws one sentence if another start lives on this home. A mark that a killed one left behind is taken over. */
export function lockHome(home: Home): void {
  const file = home.file('supervisor.json');
  const mine = `${file}.${process.pid}.mine`;
  writePrivately(mine, markOf('up', process.pid));
  for (;;) {
    try {
      linkSync(mine, file); // whole, or it fails where there is one: two starts at once cannot both have it
      rmSync(mine);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      const holder = readMark(file);
      if (holder && holder.pid !== process.pid && isAlive(holder)) {
        rmSync(mine);
        throw new Error(
          `oncepay already runs on ${home.path} (process ${holder.pid}); stop it first, or set ONCEPAY_HOME to another folder.`,
        );
      }
      takeOver(file, holder);
    }
  }
}

/** Says that this start has been told to end: the next one then waits instead of giving up. */
export function sayStopping(home: Home): void {
  writePrivately(home.file('supervisor.json'), { ...markOf('up', process.pid), stopping: true });
}

/** Waits for a start that is ending; returns at once if there is none, or if it has no mind to end. */
export async function untilStopped(home: Home, onWait: () => void): Promise<void> {
  const holder = () => readMark(home.file('supervisor.json')) as (ProcessMark & { stopping?: boolean }) | undefined;
  for (let told = false; ; told = true) {
    const found = holder();
    if (!found?.stopping || found.pid === process.pid || !isAlive(found)) return;
    if (!told) onWait();
    await sleep(100);
  }
}

/** Another start may take it over at the same moment: whoever moved a mark that lives puts it back. */
function takeOver(file: string, stale: ProcessMark | undefined): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // it was first
  }
  const moved = readMark(aside);
  if (moved && (moved.pid !== stale?.pid || moved.startedAt !== stale.startedAt)) renameSync(aside, file);
  else rmSync(aside, { force: true });
}

function readMark(file: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessMark;
  } catch {
    return undefined; // half written by one that was killed
  }
}

/** Writes down a child, so that the next start finds it if this one is killed. */
export function rememberChild(home: Home, name: string, pid: number): void {
  writePrivately(home.file('logs', `${name}.pid`), markOf(name, pid));
}

/** Ends what a killed start left running. PostgreSQL gets its own kind of stop: SIGINT is its fast shutdown. */
export async function endLeftovers(home: Home, names: readonly string[]): Promise<string[]> {
  const marks = [...names.map((name) => readMark(home.file('logs', `${name}.pid`))), unremembered(home)];
  const left = marks.filter((mark): mark is ProcessMark => mark !== undefined && isAlive(mark));
  for (const { pid, name } of left) signal(pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  const deadline = performance.now() + 10_000; // a clean end takes a second; beyond that it hangs
  while (left.some(isAlive) && performance.now() < deadline) await sleep(50);
  for (const mark of left.filter(isAlive)) signal(mark.pid, 'SIGKILL');
  while (left.some(isAlive)) await sleep(50);
  return [...new Set(left.map(({ name }) => name))];
}

/** The start was killed after PostgreSQL began, and before it was written down. */
function unremembered(home: Home): ProcessMark | undefined {
  const found = serverProcess(home.file('postgres'));
  return found && markOf('postgres', found.pid);
}
