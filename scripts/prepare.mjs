// What must be there before anything runs: a new enough Node, the packages of the lock file, a build of these sources.
// Plain JavaScript without packages: it runs before any is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const LEAST_NODE = [20, 19];
const INSTALLED = join('node_modules', '.oncepay-installed');
const BUILT = join('dist', '.built');

/** @param {(sentence: string) => never} fail what to do where it cannot go on; by default it says so and ends the process */
export function prepare(fail = endWith) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    fail(`oncepay needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  }
  try {
    if (!isInstalled() || !isBuilt()) {
      alone(() => {
        if (!isInstalled()) install();
        if (!isBuilt()) build();
      });
    }
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function isInstalled() {
  return existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === lockHash();
}

function install() {
  console.log('· installing packages (once; about half a minute)');
  // `npm ci` empties the folder: through a link that would be somebody else's.
  if (lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink()) rmSync('node_modules');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', args, 'npm could not install the packages.');
  writeFileSync(INSTALLED, lockHash());
}

function isBuilt() {
  return existsSync(BUILT) && existsSync(join('src', 'generated')) && readFileSync(BUILT, 'utf8') === sourcesHash();
}

function build() {
  console.log('· building');
  run(process.execPath, ['scripts/build.mjs'], 'The build failed.');
  writeFileSync(BUILT, sourcesHash());
}

const lockHash = () => hashOf(['package-lock.json']);

function sourcesHash() {
  const rest = [
    'prisma/schema.prisma',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
    'scripts/console.mjs',
  ];
  return hashOf([...filesBelow('src'), ...filesBelow('workflows'), ...filesBelow('activities'), ...rest]);
}

/** @param {string} folder */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.startsWith(join('src', 'generated')))
    .sort();
}

/** @param {string[]} files */
function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/**
 * Two starts in one fresh clone must not install over each other: the second waits, and finds it done.
 * @param {() => void} work
 */
function alone(work) {
  const lock = join(tmpdir(), `oncepay-prepare-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  for (let told = false; ; told = true) {
    try {
      mkdirSync(lock); // makes it or fails
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
      else if (!told) console.log('· waiting for another start that installs or builds here');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250); // nothing else is to be done meanwhile
    }
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** @param {string} lock whether who made it still lives; it may have been killed before it could clear up */
function isHeld(lock) {
  try {
    if (Date.now() - lstatSync(lock).mtimeMs < 1_000) return true; // it may be about to write its number
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @param {string} command @param {string[]} args @param {string} problem */
function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${problem} ${error ? error.message : ''}`.trim());
}

/** @param {string} sentence @returns {never} */
function endWith(sentence) {
  console.error(sentence);
  process.exit(1);
}
