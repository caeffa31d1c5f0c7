/**
 * `npm run cluster [-- --payouts 200] [-- --stay]`: two Temporal servers in one ring on PostgreSQL, two workers and two
 * APIs, as docker-compose.yml has them, without containers. Payouts go over both APIs; in the middle one server and one
 * worker are killed for good; then they come back. Exits 1 if anything did not end as it should.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { migrate } from '../src/db/migrate.ts';
import { createPool } from '../src/db/pool.ts';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { credentialsOf, openHome } from '../src/local/home.ts';
import { createDatabase, startPostgres } from '../src/local/postgres.ts';
import { seed } from '../src/local/seed.ts';
import { temporalCli } from '../src/local/temporalBinary.ts';
import { temporalBinaries } from './binaries.ts';
import { freePorts, type Process, run } from './processes.ts';
import { type Outcome, payMany } from './smoke.ts';
import { createDatabases, createNamespace, type ServerPorts, startServer, untilHealthy } from './temporal.ts';

const { values } = parseArgs({
  options: { payouts: { type: 'string', default: '200' }, stay: { type: 'boolean', default: false } },
});
const say = (line: string) => console.log(`· ${line}`);
const closings: (() => Promise<unknown>)[] = [];
const home = openHome({ ONCEPAY_HOME: mkdtempSync(join(tmpdir(), 'oncepay-cluster-')) });
const oncepay = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'cli.js');

let failed = false;
try {
  failed = !(await story());
} catch (error) {
  console.error(error);
  failed = true;
}
for (const close of closings.reverse()) await close();
if (!failed) rmSync(home.path, { recursive: true, force: true });
else say(`the logs are in ${home.path}`);
process.exit(failed ? 1 : 0);

async function story(): Promise<boolean> {
  const binaries = await temporalBinaries(say);
  const cli = await temporalCli(say);
  const ports = await freePorts(23);
  const port = () => ports.pop() ?? 0;

  say('starting PostgreSQL and two Temporal servers');
  const postgres = await startPostgres({ dataDir: home.file('postgres'), port: port(), database: 'oncepay' });
  closings.push(async () => postgres.stop('fast'));
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await createDatabase(client, 'sandbox');
  await client.end();
  await createDatabases(binaries, postgres.port);
  const serverPorts = [1, 2].map((): ServerPorts => ({
    frontend: [port(), port()],
    history: [port(), port()],
    matching: [port(), port()],
    worker: [port(), port()],
  })); // biome-ignore format: a table
  const addresses = serverPorts.map(({ frontend }) => `127.0.0.1:${frontend[0]}`);
  const server = (nth: number) =>
    kept(startServer(`temporal-${nth + 1}`, binaries, home.path, postgres.port, serverPorts[nth] as ServerPorts));
  const servers = [server(0), server(1)];
  for (const [nth, each] of servers.entries()) await untilHealthy(cli, addresses[nth] ?? '', each);
  await createNamespace(cli, addresses[0] ?? '');

  say('starting the sandbox, two workers and two APIs');
  await migrate(postgres.url);
  const apiPorts = [port(), port()];
  const sandboxPort = port();
  const credentials = credentialsOf(home, { api: apiPorts[0] ?? 0, temporal: 0, temporalUi: 0, postgres: postgres.port, sandbox: sandboxPort, flutterwave: 0, worker: 0 }, postgres.url); // biome-ignore format: one call
  const encryptionKeys = `k1:${randomBytes(32).toString('base64')}`;
  await seed(postgres.url, credentials, encryptionKeys);
  const urls = apiPorts.map((each) => `http://127.0.0.1:${each}`);
  const env = {
    ...process.env,
    DATABASE_URL: `postgresql://oncepay_app@127.0.0.1:${postgres.port}/oncepay`,
    SANDBOX_DATABASE_URL: `postgresql://postgres@127.0.0.1:${postgres.port}/sandbox`,
    SANDBOX_PORT: String(sandboxPort),
    SANDBOX_URL: credentials.sandboxUrl,
    SANDBOX_CALLBACK_URL: `${urls[0]}/api/v1/ipn/sandbox`,
    ENCRYPTION_KEYS: encryptionKeys,
    WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
    RATE_LIMIT_PER_SECOND: '10000',
    LOG_LEVEL: 'warn',
    RETRY_WAIT: '2s',
    RETRY_WAIT_MAX: '5s',
    FIRST_LOOK_UP: '2s',
    LOOK_UP_MAX: '10s',
    PSP_TIMEOUT: '5s',
    PSP_NOT_FOUND_GRACE: '12s',
    OUTCOME_DEADLINE: '10m',
  };
  const node = (name: string, command: string, more: Record<string, string> = {}) =>
    kept(run(name, home.path, process.execPath, [oncepay, command], { ...env, ...more }));
  // Each pair has a server of its own to talk to; where there is DNS, one name for all servers does the same (docs/cluster.md).
  const worker = (nth: number) =>
    node(`worker-${nth + 1}`, 'worker', { TEMPORAL_ADDRESS: addresses[nth] ?? '', WORKER_PORT: String(port()) });
  node('sandbox', 'sandbox');
  const workers = [worker(0), worker(1)];
  for (const nth of [0, 1]) {
    node(`api-${nth + 1}`, 'api', {
      TEMPORAL_ADDRESS: addresses[nth] ?? '',
      PORT: String(apiPorts[nth]),
      PUBLIC_URL: urls[nth] ?? '',
    });
  }
  await Promise.all([...urls, credentials.sandboxUrl].map((url) => untilUp(`${url}/health`)));

  const world = { urls, sandboxUrl: credentials.sandboxUrl, key: credentials.merchants[0]?.testKey ?? '' };
  const count = Number.parseInt(values.payouts, 10);
  say(`${count} payouts over both APIs; after half of them server 2 and worker 2 are killed`);
  const first = await payMany(world, count, async () => {
    say('killed: server 2 and worker 2');
    await Promise.all([servers[1]?.kill(), workers[1]?.kill()]);
  });
  tell(first);

  say('server 2 and worker 2 start again; another fifth of that over both APIs');
  await untilHealthy(cli, addresses[1] ?? '', server(1));
  worker(1);
  await Promise.all(urls.map((url) => untilUp(`${url}/health`)));
  const second = await payMany(world, Math.ceil(count / 5));
  tell(second);

  const problems = [
    ...first.wrong,
    ...second.wrong,
    ...(await brokenBooks(env.DATABASE_URL)),
    ...(await badWorkflows(addresses[0] ?? '')),
  ];
  for (const problem of problems) console.error(problem);
  say(
    problems.length === 0
      ? 'every payout ended as it should, once; the books balance; no workflow failed or is stuck'
      : 'NOT as it should be',
  );
  if (values.stay) {
    say(`it stays up until Ctrl-C: ${urls.join(' and ')}, keys in ${home.file('credentials.json')}`);
    await new Promise((resolve) => process.once('SIGINT', resolve));
  }
  return problems.length === 0;
}

function kept(process: Process): Process {
  closings.push(() => process.stop());
  return process;
}

function tell({ payouts, repeats, wrong }: Outcome): void {
  say(`${payouts} payouts ended, ${wrong.length} of them wrong; ${repeats} requests had to be repeated`);
}

async function untilUp(url: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  while ((await fetch(url).catch(() => undefined))?.ok !== true) {
    if (performance.now() > deadline) throw new Error(`${url} did not become healthy`);
    await sleep(200);
  }
}

async function brokenBooks(url: string): Promise<string[]> {
  const pool = createPool({ url, max: 1, applicationName: 'cluster' });
  const results = await checkInvariants(pool);
  await pool.end();
  return results.filter(({ violations }) => violations > 0).map(({ name, violations }) => `${name}: ${violations} violations`);
}

/** Follow-ups of callbacks may take a moment longer than the payouts; what still runs then is stuck. */
async function badWorkflows(address: string): Promise<string[]> {
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  const count = async (query: string) => (await workflow.count(query)).count;
  const stuck = `WorkflowType IN ('payout', 'payoutFollowUp') AND ExecutionStatus = 'Running'`;
  for (let left = 60; left > 0 && (await count(stuck)) > 0; left -= 1) await sleep(500);
  const failed = await count(`ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut', 'Canceled')`);
  const running = await count(stuck);
  await connection.close();
  return [...(failed > 0 ? [`${failed} workflows failed`] : []), ...(running > 0 ? [`${running} workflows are stuck`] : [])];
}
