// What must be there before anything runs: a new enough Node, the packages of the lock file, a build of these sources.
// Plain JavaScript without packages: it runs before any is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const LEAST_NODE = [20, 19];

/** Ends the process with one sentence where it cannot go on. */
export function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
    fail(`oncepay needs Node ${LEAST_NODE.join('.')} or newer; this is ${process.versions.node}.`);
  }
  install();
  build();
}

function install() {
  const stamp = join('node_modules', '.oncepay-installed');
  const lock = hashOf(['package-lock.json']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('· installing packages (once)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm could not install the packages.');
  writeFileSync(stamp, lock);
}

function build() {
  const stamp = join('dist', '.built');
  const sources = hashOf([
    ...filesBelow('src'),
    ...filesBelow('workflows'),
    ...filesBelow('activities'),
    'prisma/schema.prisma',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  console.log('· building');
  run(process.execPath, ['scripts/build.mjs'], 'The build failed.');
  mkdirSync('dist', { recursive: true });
  writeFileSync(stamp, sources);
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

/** @param {string} command @param {string[]} args @param {string} problem */
function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`${problem} ${error ? error.message : ''}`.trim());
}

/** @param {string} sentence */
function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
