// `npm test`: everything that must hold, from a fresh clone: lint, types, then every test on real servers.
// Ends with `N passed, N failed`; what did not run counts as failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { prepare, root } from './prepare.mjs';

/** Well above what all tests need (half an hour on two cores): a test that hangs must not hang whoever waits for the result. */
const JEST_WITHIN_MS = 58 * 60_000;

/** Enough to see what was expected and what came; the whole of it stands further up. */
const LINES_OF_A_FAILURE = 12;
const CHARACTERS_OF_A_LINE = 300;

let passed = 0;
let failed = 0;
/** What failed, by name, said again at the end: the place in the output that everybody looks at, and often the only one kept. */
const names = [];

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
  else fail(name);
}

/** @param {string} name of what failed */
function fail(name) {
  names.push(name);
  failed += 1;
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
  const told = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  const counted = told ? countOf(told) : { passed: 0, failed: 0 };
  if (told) names.push(...failuresOf(told));
  rmSync(folder, { recursive: true, force: true });
  passed += counted.passed;
  failed += counted.failed;
  // No report, no test at all, or a failure that no test accounts for: that is one more.
  if (counted.passed + counted.failed === 0 || (status !== 0 && counted.failed === 0)) {
    fail('The tests did not run to their end.');
  }
}

/** A suite that could not even begin counts as one failure; so does a test that was skipped. */
function countOf({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites }) {
  return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests + numRuntimeErrorTestSuites };
}

/** Each failed test: its file, its name and the first lines of why. A suite that could not begin says why itself. */
function failuresOf({ testResults }) {
  return testResults.flatMap(({ name: file, message, assertionResults }) => {
    const bad = assertionResults.filter(({ status }) => status !== 'passed');
    if (bad.length === 0) return message ? [`${relative(root, file)}\n${head(message)}`] : [];
    return bad.map((each) => `${relative(root, file)} › ${each.fullName}\n${head(each.failureMessages.join('\n'))}`);
  });
}

/** @param {string} message */
function head(message) {
  const lines = stripVTControlCharacters(message).split('\n').slice(0, LINES_OF_A_FAILURE);
  return lines.map((line) => `    ${line.slice(0, CHARACTERS_OF_A_LINE)}`).join('\n');
}

/** @param {string} sentence @returns {never} */
function giveUp(sentence) {
  fail(sentence);
  return finish();
}

/** @returns {never} */
function finish() {
  for (const name of names) console.log(`\nfailed: ${name}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
