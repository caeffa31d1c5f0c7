// `npm test`: everything that must hold, from a fresh clone: lint, types, then every test on real servers.
// Ends with `N passed, N failed`; what did not run counts as failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

/** Well above what all tests need (half an hour on two cores): a test that hangs must not hang whoever waits for the result. */
const JEST_WITHIN_MS = 58 * 60_000;

let passed = 0;
let failed = 0;

prepare(giveUp);
const binaries = await temporal().catch((error) => giveUp(error.message));
step('lint');
step('typecheck');
jest();
finish();

async function temporal() {
  const url = pathToFileURL(join(root, 'dist', 'src', 'local', 'temporalBinary.js')).href;
  const { temporalCli, temporalTestServer } = await import(url);
  const say = (/** @type {string} */ line) => console.log(`· ${line}`);
  return { TEMPORAL_CLI: await temporalCli(say), TEMPORAL_TEST_SERVER: await temporalTestServer(say) };
}

/** @param {string} name as in package.json */
function step(name) {
  console.log(`· ${name}`);
  const { status, error } = spawnSync('npm', ['run', '--silent', name], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) console.error(error.message);
  if (status === 0) passed += 1;
  else failed += 1;
}

function jest() {
  console.log('· tests');
  const folder = mkdtempSync(join(tmpdir(), 'oncepay-report-'));
  const report = join(folder, 'report.json');
  const node = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
  // forceExit: whatever a test left open, the run ends when the last test has.
  // Two at once: most of them wait for timers and servers, and a two-core machine is the least we run on.
  const args = [...node, '--maxWorkers=2', '--forceExit', '--json', `--outputFile=${report}`, ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'], // the report is read below; people read stderr
    env: { ...process.env, ...binaries },
    timeout: JEST_WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  const counted = existsSync(report) ? countOf(JSON.parse(readFileSync(report, 'utf8'))) : { passed: 0, failed: 0 };
  rmSync(folder, { recursive: true, force: true });
  passed += counted.passed;
  failed += counted.failed;
  // No report, no test at all, or a failure that no test accounts for: that is one more.
  if (counted.passed + counted.failed === 0 || (status !== 0 && counted.failed === 0)) {
    console.error('The tests did not run to their end.');
    failed += 1;
  }
}

/** A suite that could not even begin counts as one failure; so does a test that was skipped. */
function countOf({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites }) {
  return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests + numRuntimeErrorTestSuites };
}

/** @param {string} sentence @returns {never} */
function giveUp(sentence) {
  console.error(sentence);
  failed += 1;
  return finish();
}

/** @returns {never} */
function finish() {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
