/**
 * `npm run fuzz [-- --seconds 60] [-- --seed 1]`: Schemathesis over the OpenAPI document of a fresh installation: no 5xx,
 * no status that is not documented. Needs Python 3 with venv and pip; Schemathesis is kept in the cache folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newProvider } from '../harness/newProvider.ts';
import { type Installation, startInstallation } from '../harness/ownInstallation.ts';

const VERSION = '4.32.5';
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});

const program = schemathesis();
const installation = await startInstallation({ RATE_LIMIT_PER_SECOND: '100000' });
let failed = 0;
try {
  for (const caller of await callersOf(installation)) if (!attack(installation, caller)) failed += 1;
} finally {
  await installation.remove();
}
console.log(failed === 0 ? '· nothing found' : '· see the findings above');
process.exit(failed === 0 ? 0 : 1);

interface Caller {
  readonly name: string;
  readonly key: string;
  /** The audience of a path is its beginning. */
  readonly only: string;
}

/** Who asks: each may do other things. */
async function callersOf({ credentials, call }: Installation): Promise<Caller[]> {
  const merchant = credentials.merchants[0]?.testKey;
  const admin = credentials.admins.find(({ role }) => role === 'admin')?.key;
  if (merchant === undefined || admin === undefined) throw new Error('the installation has nobody to ask as');
  // In several states, for the admin's routes: only what a list shows can be asked for by its id.
  for (const [amount, ending] of [['1500', '0001'], ['1500', '0003'], ['1500', '0005'], ['100000', '0001'], ['100000', '0002']]) { // biome-ignore format: pairs
    const destination = { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${ending}` };
    const body = { amount, currency: 'PKR', reference: `fuzz-${amount}-${ending}`, destination };
    const { status, text } = await call('POST', '/api/v1/payouts', { key: merchant, body });
    if (status >= 300) throw new Error(`no payouts to ask for: ${text}`);
  }
  const provider = await newProvider((method, path, asked) => call(method, path, asked), merchant, { earned: ['10000'] });
  return [
    { name: 'a merchant', key: merchant, only: '^/api/v1/' },
    { name: 'a provider', key: provider.key, only: '^/api/(provider/|payouts$)' },
    { name: 'an admin', key: admin, only: '^/api/admin/(?!admins)' },
    { name: 'an admin', key: admin, only: '^/api/admin/admins' }, // last: it deactivates itself sooner or later
  ];
}

function attack({ home, credentials }: Installation, { name, key, only }: Caller): boolean {
  console.log(`· as ${name}: ${only}`);
  const config = join(home, 'schemathesis.toml');
  // In the file and not as a header: a header given by -H is taken for a way in without authentication.
  writeFileSync(config, `[auth.openapi.apiKey]\napi_key = "${key}"\n[auth.openapi.bearer]\nbearer = "${key}"\n`);
  const which = ['--config-file', config, 'run', `${credentials.baseUrl}/openapi.json`, '--include-path-regex', only];
  const how = ['--checks', CHECKS.join(','), '--max-time', values.seconds, '--seed', values.seed, '-w', '2'];
  return spawnSync(program, [...which, ...how], { stdio: 'inherit' }).status === 0;
}

/** Installed once, complete or not at all. */
function schemathesis(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'oncepay');
  const folder = join(cache, `schemathesis-${VERSION}`);
  const file = join(folder, 'bin', 'schemathesis');
  const done = join(folder, '.complete');
  if (existsSync(done)) return file;
  console.log(`· installing Schemathesis ${VERSION} (once)`);
  mkdirSync(cache, { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0;
  const isThere =
    run('python3', '-m', 'venv', folder) && run(join(folder, 'bin', 'pip'), 'install', '--quiet', `schemathesis==${VERSION}`);
  if (!isThere) {
    console.error('Schemathesis could not be installed: Python 3 with venv and pip is needed, and the package index.');
    process.exit(1);
  }
  writeFileSync(`${done}.new`, VERSION);
  renameSync(`${done}.new`, done);
  return file;
}
