// `npm run fuzz [-- --seconds 60] [-- --seed 1]`: Schemathesis over the OpenAPI document of a fresh installation: no 5xx,
// no status that is not documented. Needs Python 3 with venv and pip; Schemathesis is kept in the cache folder.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { prepare } from './prepare.mjs';

const VERSION = '4.32.5';
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});

prepare();
const schemathesis = tool();
const home = mkdtempSync(join(tmpdir(), 'oncepay-fuzz-'));
const ports = await freePorts(7);
const names = ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'PG_PORT', 'SANDBOX_PORT', 'WORKER_PORT', 'FLUTTERWAVE_SIM_PORT'];
const env = {
  ...process.env,
  ONCEPAY_HOME: home,
  RATE_LIMIT_PER_SECOND: '100000',
  ...Object.fromEntries(names.map((name, nth) => [name, String(ports[nth])])),
};
const up = spawn(process.execPath, ['dist/src/cli.js', 'up'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
let failed = 0;
try {
  const { baseUrl, merchants, admins } = await credentials();
  await somePayouts(baseUrl, merchants[0].testKey);
  const admin = admins.find((/** @type {any} */ each) => each.role === 'admin').key;
  // Who asks: each may do other things. The audience of a path is its beginning.
  const callers = [
    { name: 'a merchant', key: merchants[0].testKey, only: '^/api/v1/' },
    { name: 'a provider', key: await providerKey(baseUrl, merchants[0].testKey), only: '^/api/(provider/|payouts$)' },
    { name: 'an admin', key: admin, only: '^/api/admin/(?!admins)' },
    { name: 'an admin', key: admin, only: '^/api/admin/admins' }, // last: it deactivates itself sooner or later
  ];
  for (const { name, key, only } of callers) {
    console.log(`· as ${name}: ${only}`);
    const config = join(home, 'schemathesis.toml');
    // In the file and not as a header: a header given by -H is taken for a way in without authentication.
    writeFileSync(config, `[auth.openapi.apiKey]\napi_key = "${key}"\n[auth.openapi.bearer]\nbearer = "${key}"\n`);
    const { status } = spawnSync(
      schemathesis,
      ['--config-file', config, 'run', `${baseUrl}/openapi.json`, '--include-path-regex', only,
        '--checks', 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
        '--max-time', values.seconds, '--seed', values.seed, '-w', '2'], // biome-ignore format: pairs
      { stdio: 'inherit' },
    );
    if (status !== 0) failed += 1;
  }
} finally {
  up.kill('SIGINT');
  await new Promise((resolve) => up.once('exit', resolve));
  rmSync(home, { recursive: true, force: true });
}
console.log(failed === 0 ? '· nothing found' : '· see the findings above');
process.exit(failed === 0 ? 0 : 1);

/** Installed once, complete or not at all. */
function tool() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'oncepay');
  const folder = join(cache, `schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  const done = join(folder, '.complete');
  if (existsSync(done)) return program;
  console.log(`· installing Schemathesis ${VERSION} (once)`);
  mkdirSync(cache, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const made = spawnSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
  const installed = made.status === 0 && spawnSync(join(folder, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${VERSION}`], { stdio: 'inherit' }).status === 0; // biome-ignore format: one call
  if (!installed) {
    console.error('Schemathesis could not be installed: Python 3 with venv and pip is needed, and the package index.');
    process.exit(1);
  }
  writeFileSync(`${done}.new`, VERSION);
  renameSync(`${done}.new`, done);
  return program;
}

async function credentials() {
  const file = join(home, 'credentials.json');
  for (let left = 600; left > 0; left -= 1) {
    if (up.exitCode !== null) throw new Error(`the installation ended with ${up.exitCode}`);
    const read = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (read && (await fetch(`${read.baseUrl}/health`).catch(() => undefined))?.ok) return read;
    await sleep(200);
  }
  throw new Error('the installation did not become healthy in two minutes');
}

/**
 * In several states, for the admin's routes: only what a list shows can be asked for by its id.
 * @param {string} baseUrl @param {string} key
 */
async function somePayouts(baseUrl, key) {
  const payouts = [['1500', '0001'], ['1500', '0003'], ['1500', '0005'], ['100000', '0001'], ['100000', '0002']]; // biome-ignore format: pairs
  for (const [nth, [amount, ending]] of payouts.entries()) {
    const destination = { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${ending}` };
    const headers = { 'X-API-KEY': key, 'X-IDEMPOTENCY-KEY': `fuzz${nth}`, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ amount, currency: 'PKR', reference: `fuzz${nth}`, destination });
    const answer = await fetch(`${baseUrl}/api/v1/payouts`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`no payouts to ask for: ${await answer.text()}`);
  }
}

/**
 * Of a provider who has earned something and can be paid.
 * @param {string} baseUrl @param {string} merchantKey @returns {Promise<string>}
 */
async function providerKey(baseUrl, merchantKey) {
  /** @param {string} method @param {string} path @param {unknown} body @returns {Promise<any>} */
  const send = async (method, path, body) => {
    const headers = { 'X-API-KEY': merchantKey, 'X-IDEMPOTENCY-KEY': `fuzz${path}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${baseUrl}/api/v1/providers${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`no provider to ask as: ${await answer.text()}`);
    return await answer.json();
  };
  const { id } = await send('POST', '', { externalId: 'fuzz', name: 'Ada Obi', email: 'ada@example.com' });
  await send('PUT', `/${id}/bank-account`, { bankCode: '044', accountNumber: '0690000031', accountName: 'Ada Obi' });
  await send('POST', `/${id}/earnings`, { amount: '10000', currency: 'NGN', externalId: 'fuzz' });
  return (await send('POST', `/${id}/keys`, {})).key;
}

/** @param {number} count */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
      return server;
    }),
  );
  const found = servers.map((server) => /** @type {any} */ (server.address()).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return found;
}
