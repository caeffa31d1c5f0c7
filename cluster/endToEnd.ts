/** `npm run cluster -- --test`: the end-to-end tests against the cluster, with one server and one worker dead from their middle on. */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { BUILD, type Cluster } from './arrangement.ts';
import { problemsOf } from './oracle.ts';
import type { TestLine } from './testReporter.ts';

interface Suite {
  readonly file: string;
  /** A pattern of tests' names, where the others are about `npm start` itself. */
  readonly only?: string;
  /** After so many tests one server and one worker are killed, and stay dead until the suite has ended. */
  readonly halfDiesAfter?: number;
}

const SUITES: readonly Suite[] = [
  { file: 'merchant', only: '^(?!an operator reads .* in Temporal)', halfDiesAfter: 15 }, // of 30; there is no UI here to read in
  { file: 'peers' }, // kills and freezes by itself: all servers, workers or APIs at once
  { file: 'killed', only: 'killed' },
];

/** A test may have to sit out the ten seconds for which a dead server is missed, several times. */
const TEST_WITHIN_MS = 180_000;

export async function testsPass(cluster: Cluster, say: (line: string) => void): Promise<string[]> {
  const problems: string[] = [];
  for (const suite of SUITES) {
    const { passed, failed } = await runSuite(cluster, suite, say);
    say(`tests/e2e/${suite.file}.test.ts: ${passed} passed, ${failed.length} failed`);
    problems.push(...failed);
    if (passed === 0) problems.push(`${suite.file}: no test passed`);
    await revive(cluster);
  }
  return [...problems, ...(await problemsOf(cluster))];
}

async function runSuite(cluster: Cluster, { file, only, halfDiesAfter }: Suite, say: (line: string) => void) {
  let passed = 0;
  const failed: string[] = [];
  let dying: Promise<void> | undefined;
  for await (const line of jest(cluster, [`tests/e2e/${file}.test.ts`, ...(only === undefined ? [] : ['-t', only])])) {
    if (line.status === 'passed') passed += 1;
    if (line.status === 'failed') failed.push(`${line.name}\n${line.failures.join('\n')}`);
    if (passed + failed.length === halfDiesAfter) dying = kill(cluster, say); // in the middle of the next test
  }
  await dying;
  return { passed, failed };
}

/** From then on clients do as docs/cluster.md says: what is answered "not now" they ask again, under its key, at the other API. */
const woundMark = ({ home }: Cluster): string => home.file('half-dead');

async function kill(cluster: Cluster, say: (line: string) => void): Promise<void> {
  writeFileSync(woundMark(cluster), '');
  await Promise.all([cluster.servers[1].kill(), cluster.workers[1].kill()]);
  say('killed for the rest of these tests: server 2 and worker 2');
}

async function revive(cluster: Cluster): Promise<void> {
  cluster.servers[1].start();
  cluster.workers[1].start();
  await cluster.untilWell();
  rmSync(woundMark(cluster), { force: true });
}

async function* jest({ home, urls }: Cluster, args: readonly string[]): AsyncGenerator<TestLine> {
  const reporter = join(BUILD, 'cluster', 'testReporter.js');
  const node = ['--experimental-vm-modules', '--no-warnings', join('node_modules', 'jest', 'bin', 'jest.js')];
  const options = ['--runInBand', '--forceExit', `--testTimeout=${TEST_WITHIN_MS}`, `--reporters=${reporter}`];
  const child = spawn(process.execPath, [...node, ...args, ...options], {
    cwd: dirname(BUILD),
    env: { ...process.env, ONCEPAY_CLUSTER: JSON.stringify({ home: home.path, urls }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"status"')) yield JSON.parse(line) as TestLine;
  }
}
