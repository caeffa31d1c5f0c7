/** What a kill at a bad moment leaves on the disk, or a wrong setting: the next `npm start` copes, or says one clear sentence. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endLeftovers, type Home, openHome, untilStopped } from '../../src/local/home.ts';
import { type PostgresServer, serverProcess, startPostgres } from '../../src/local/postgres.ts';
import { postgresUser } from '../../src/local/postgresUser.ts';
import { markOf } from '../../src/local/process.ts';
import { up } from '../../src/local/up.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oncepay-recovery-'));
  chmodSync(folder, 0o755); // PostgreSQL's own user must be able to enter
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ports = {
  PORT: '20401',
  TEMPORAL_PORT: '20402',
  TEMPORAL_UI_PORT: '20403',
  PG_PORT: '20404',
  SANDBOX_PORT: '20405',
  WORKER_PORT: '20406',
  FLUTTERWAVE_SIM_PORT: '20407',
};

/** Its sentence, and what it had said before; a start that gets further than that would fail the test by its time. */
async function refusalOf(env: Record<string, string>): Promise<{ sentence: string; said: string[]; home: Home }> {
  const home = openHome({ ONCEPAY_HOME: mkdtempSync(join(folder, 'home-')) });
  const said: string[] = [];
  const start = up({ ...ports, ...env, ONCEPAY_HOME: home.path }, (line) => said.push(line), new AbortController().signal);
  const sentence = await start.then(
    () => 'it started',
    (error: Error) => error.message,
  );
  return { sentence, said, home };
}

test.each([
  [{ PORT: 'eighty' }, 'PORT must be a port between 1 and 65535, not "eighty".'],
  [{ PG_PORT: '20401' }, 'PG_PORT and PORT both name port 20401; give each its own.'],
  [{ RETRY_WAIT: 'soon' }, 'RETRY_WAIT must be a duration such as 250ms, 5s, 15m or 72h, not "soon".'],
  [{ PSP_TIMEOUT: '20s' }, /^PSP_NOT_FOUND_GRACE must be at least 5s more than PSP_TIMEOUT/],
])('a wrong setting %j ends a start with one sentence, before anything runs or is written', async (env, sentence) => {
  const refusal = await refusalOf(env);
  expect(refusal.sentence).toMatch(sentence);
  expect(refusal.said).toEqual([]);
  expect(existsSync(refusal.home.file('credentials.json'))).toBe(false);
});

test('a port in use ends a start with one sentence that names the port and its variable', async () => {
  const stranger = await new Promise<Server>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
  });
  try {
    const { port } = stranger.address() as { port: number };
    const { sentence } = await refusalOf({ SANDBOX_PORT: String(port) });
    expect(sentence).toBe(`Port ${port} is in use; set SANDBOX_PORT to another one.`);
  } finally {
    stranger.close();
  }
});

test('PostgreSQL starts although the number in its lock file now belongs to another process of its user', async () => {
  const options = { dataDir: join(folder, 'recycled'), durable: false };
  const lockFile = join(options.dataDir, 'postmaster.pid');
  const first = await startPostgres(options);
  const lock = readFileSync(lockFile, 'utf8');
  first.stop();
  const stranger = await running(spawn('sleep', ['60'], { ...postgresUser(), cwd: '/' }));
  let second: PostgresServer | undefined;
  try {
    writeFileSync(lockFile, lock.replace(/^\d+/, String(stranger.pid)));
    second = await startPostgres(options);
    expect(serverProcess(options.dataDir)?.pid).toBe(second.pid);
    expect(stranger.exitCode).toBeNull();
  } finally {
    second?.stop('immediate');
    stranger.kill('SIGKILL');
  }
});

test('a cluster that a killed start had half made is made again', async () => {
  const dataDir = join(folder, 'half');
  mkdirSync(`${dataDir}.new-1`);
  writeFileSync(join(`${dataDir}.new-1`, 'PG_VERSION'), '18\n');
  const server = await startPostgres({ dataDir, durable: false });
  server.stop('immediate');
  expect(existsSync(`${dataDir}.new-1`)).toBe(false);
});

test('a second start of PostgreSQL on the same data goes on with the server that runs', async () => {
  const options = { dataDir: join(folder, 'twice'), durable: false };
  const [first, second] = [await startPostgres(options), await startPostgres(options)];
  first.stop('immediate');
  expect([second.pid, second.port]).toEqual([first.pid, first.port]);
});

test('a PostgreSQL that was started and not yet written down when the start was killed is found and ended', async () => {
  const home = openHome({ ONCEPAY_HOME: join(folder, 'unremembered') });
  const { pid } = await startPostgres({ dataDir: home.file('postgres'), durable: false });
  expect(await endLeftovers(home, ['postgres'])).toEqual(['postgres']);
  expect(spawnSync('kill', ['-0', String(pid)]).status === 0 && serverProcess(home.file('postgres'))).toBeFalsy();
});

test('a start waits for one that is ending, and does not wait for one that lives on', async () => {
  const home = openHome({ ONCEPAY_HOME: join(folder, 'ending') });
  const other = await running(spawn('sleep', ['60']));
  const mark = markOf('up', other.pid ?? 0);
  let waits = 0;
  const wait = () => untilStopped(home, () => (waits += 1));

  writeFileSync(home.file('supervisor.json'), JSON.stringify(mark));
  await wait();
  expect(waits).toBe(0);
  writeFileSync(home.file('supervisor.json'), JSON.stringify({ ...mark, stopping: true }));
  const waiting = wait();
  expect(waits).toBe(1);
  other.kill('SIGKILL');
  await waiting;
});

async function running(child: ChildProcess): Promise<ChildProcess> {
  await new Promise((resolve) => child.once('spawn', resolve));
  return child;
}
