// `npm test`: everything that must hold, from a fresh clone: lint, types, then every test on real servers.
// Ends with `N passed, N failed`; what did not run counts as failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
const { temporalCli, temporalTestServer } = await import(
  pathToFileURL(join(root, 'dist', 'src', 'local', 'temporalBinary.js')).href
);
const say = (/** @type {string} */ line) => console.log(`· ${line}`);
const binaries = { TEMPORAL_CLI: await temporalCli(say), TEMPORAL_TEST_SERVER: await temporalTestServer(say) };

let passed = 0;
let failed = 0;
const bin = (/** @type {string} */ name) => join('node_modules', '.bin', name);
step('lint', bin('biome'), ['check', '--error-on-warnings', '.']);
step('imports', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src', 'workflows', 'activities']);
step('types', bin('tsc'), ['-p', '.']);
jest();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 3 ? 0 : 1);

/** @param {string} name @param {string} command @param {string[]} args */
function step(name, command, args) {
  console.log(`· ${name}`);
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) passed += 1;
  else failed += 1;
}

function jest() {
  console.log('· tests');
  const folder = mkdtempSync(join(tmpdir(), 'oncepay-test-'));
  const report = join(folder, 'report.json');
  const args = [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${report}`,
    ...process.argv.slice(2),
  ];
  const { status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...binaries },
  });
  if (!existsSync(report)) {
    failed += 1;
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  const brokenSuites = testResults.filter(
    (/** @type {any} */ suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  ).length;
  const notRun = numPendingTests + numTodoTests;
  passed += numPassedTests;
  failed += numFailedTests + brokenSuites + notRun;
  if (status !== 0 && failed === 0) failed = 1;
}
