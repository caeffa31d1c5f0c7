/** `oncepay <command>`: every process of an installation, and the tools of its operators. */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { loadConfig, loadDatabase } from './config.ts';
import { createPool } from './db/pool.ts';
import { databaseOfHome, environmentOfHome } from './local/home.ts';
import { isRole, ROLES } from './rules/roles.ts';
import { listenForStop, sentenceOf } from './stop.ts';

/** What runs until it is told to stop. */
interface Running {
  close(): Promise<void>;
  /** For who insists: ends at once what would outlive this process. */
  kill?(): void;
}

const USAGE = `oncepay <command>

  up             everything on this machine: PostgreSQL, Temporal, PSP simulators, worker, API
  api            the HTTP API
  worker         a worker; any number of them
  sandbox        the sandbox PSP
  flutterwave    the simulator of Flutterwave
  migrate        bring the database up to date, then end
  check          check the books; exits 1 if anything is wrong
  restored [--since TIME] [--statement FILE] [--repair [--hold]]
                 after a backup was restored: compare the books with Temporal and with the PSP's
                 statement (docs/runbook.md); exits 1 while somebody has to look at something
  admin create --name NAME --role ${ROLES.join('|')} [--email ADDRESS]
                 make an admin and print the key, once; notifications go to the address

Settings are read from the environment; .env.example lists them. Without DATABASE_URL, worker, migrate, check and
admin work on the local installation of ONCEPAY_HOME (default .oncepay).`;

/** `stopping` is aborted by SIGINT or SIGTERM: what is still starting then gives up in order. */
type Command = (args: string[], stopping: AbortSignal) => Promise<Running | undefined>;

const COMMANDS: Readonly<Record<string, Command>> = {
  up: runUp,
  api: async () => await (await import('./http/server.ts')).startApi(loadConfig(process.env)),
  worker: runWorker,
  sandbox: runSandbox,
  flutterwave: runFlutterwave,
  migrate: runMigrate,
  check: runCheck,
  restored: runRestored,
  admin: runAdmin,
};

async function runUp(_args: string[], stopping: AbortSignal): Promise<Running> {
  const say = (line: string) => console.log(`· ${line}`);
  const [{ up }, { welcome }] = await Promise.all([import('./local/up.ts'), import('./local/welcome.ts')]);
  const { credentials, mail, stop, kill } = await up(process.env, say, stopping);
  console.log(welcome(credentials, { home: process.env['ONCEPAY_HOME'] || '.oncepay', mail }));
  return {
    kill,
    async close() {
      say('stopping');
      await stop();
      say('stopped');
    },
  };
}

/** As the environment says, or else the local one of `npm start`. */
const installation = () => loadConfig(process.env['DATABASE_URL'] ? process.env : environmentOfHome(process.env));

async function runWorker(): Promise<Running> {
  const { startWorker } = await import('./worker/main.ts');
  return await startWorker(installation());
}

async function runSandbox(): Promise<Running> {
  const config = loadConfig(process.env);
  if (!config.sandboxDatabaseUrl) throw new Error('SANDBOX_DATABASE_URL is not set; the sandbox keeps a book of its own.');
  const { startSandbox } = await import('./psp/sandbox/server.ts');
  return await startSandbox({
    databaseUrl: config.sandboxDatabaseUrl,
    host: config.host,
    port: config.sandboxPort,
    apiKey: config.psps.sandbox.apiKey,
    callbackUrl: config.sandboxCallbackUrl,
    webhookSecret: config.psps.sandbox.webhookSecret,
  });
}

async function runFlutterwave(): Promise<Running> {
  const { flutterwaveSim, host, psps } = loadConfig(process.env);
  const { port, databaseUrl, callbackUrl } = flutterwaveSim;
  if (!databaseUrl) throw new Error('FLUTTERWAVE_SIM_DATABASE_URL is not set; the simulator keeps a book of its own.');
  const [{ secretKey, webhookHash }] = psps.flutterwave;
  const { startFlutterwave } = await import('./psp/flutterwave/server.ts');
  return await startFlutterwave({ databaseUrl, host, port, callbackUrl, secretKey, webhookHash });
}

/** Where the tools of an operator work: as the environment says, or else on the local installation. */
function database(): ReturnType<typeof loadDatabase> {
  return loadDatabase({ ...process.env, DATABASE_URL: process.env['DATABASE_URL'] || databaseOfHome(process.env) });
}

async function runMigrate(): Promise<undefined> {
  const { migrate } = await import('./db/migrate.ts');
  const done = await migrate(database().databaseOwnerUrl);
  console.log(done.length === 0 ? 'The database is up to date.' : `Applied:\n${done.map((name) => `  ${name}`).join('\n')}`);
}

async function runCheck(): Promise<undefined> {
  const { checkInvariants } = await import('./ledger/invariants.ts');
  const pool = createPool({ url: database().databaseUrl, max: 2, applicationName: 'oncepay check' });
  try {
    const started = performance.now();
    const results = await checkInvariants(pool);
    for (const { name, description, violations, durationMs, isShared } of results) {
      console.log(`${violations === 0 ? 'ok  ' : 'FAIL'} ${name}  ${violations}  ${durationMs} ms${isShared ? ' *' : ''}`);
      if (violations > 0) console.log(`     ${description}`);
    }
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    console.log(`${results.length} invariants in ${seconds} s; * asked in one pass with others, whose time it is.`);
    if (results.some(({ violations }) => violations > 0)) process.exitCode = 1;
  } finally {
    await pool.end();
  }
}

async function runRestored(args: string[]): Promise<undefined> {
  const { values } = parseArgs({
    args,
    options: {
      since: { type: 'string' },
      statement: { type: 'string' },
      repair: { type: 'boolean', default: false },
      hold: { type: 'boolean', default: false },
    },
  });
  const since = values.since === undefined ? undefined : new Date(values.since);
  if (since && Number.isNaN(since.getTime())) throw new Error('--since must be a time such as 2026-11-24T10:00:00Z.');
  if (values.hold && !values.repair) throw new Error('--hold goes with --repair.');
  const { restored } = await import('./restore/main.ts');
  const options = { since, statementFile: values.statement, repair: values.repair, hold: values.hold };
  if (!(await restored(installation(), options, console.log))) process.exitCode = 1;
}

async function runAdmin(args: string[]): Promise<undefined> {
  const { values, positionals } = parseArgs({
    args,
    options: { name: { type: 'string' }, role: { type: 'string' }, email: { type: 'string' } },
    allowPositionals: true,
  });
  const { name, role, email = null } = values;
  if (positionals[0] !== 'create' || !name || !isRole(role))
    throw new Error(`Say: oncepay admin create --name NAME --role ${ROLES.join('|')} [--email ADDRESS].`);
  if (email !== null && !/^[^\s<>@]+@[^\s<>@]+$/.test(email)) throw new Error(`${email} is no e-mail address.`);
  const [{ newId }, { newApiKey }, { addKey }] = await Promise.all([
    import('./rules/newId.ts'),
    import('./crypto/newSecret.ts'),
    import('./local/seed.ts'),
  ]);
  const client = new pg.Client({ connectionString: database().databaseOwnerUrl });
  await client.connect();
  try {
    const id = newId('adm');
    const key = newApiKey('ak_').key;
    await client.query('BEGIN'); // an admin without a key would keep the name and open nothing
    const sql = 'INSERT INTO admins (id, name, role, email) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING';
    const made = await client.query(sql, [id, name, role, email]);
    if (made.rowCount === 0) throw new Error(`There is an admin named ${name} already.`);
    await addKey(client, key, { kind: 'admin', id });
    await client.query('COMMIT');
    console.log(`${id}\n${key}\nThis key is shown once.`);
  } finally {
    await client.end();
  }
}

export async function main(words: string[]): Promise<void> {
  const [name = '', ...args] = words;
  const command = COMMANDS[name];
  if (!command) {
    console.log(USAGE);
    process.exitCode = ['', 'help', '--help', '-h'].includes(name) ? 0 : 1;
    return;
  }
  const stop = listenForStop();
  try {
    let isStarting = true;
    // `up` gives up in order; the others have nothing in flight yet, and may be waiting for a server that never comes.
    void stop.asked.then(() => isStarting && name !== 'up' && process.exit(130));
    const running = await command(args, stop.signal);
    isStarting = false;
    if (running) {
      stop.onInsist(() => running.kill?.());
      await stop.asked;
      await running.close();
    }
    process.exit(); // nothing that is left, such as an idle connection, may keep the process
  } catch (error) {
    if (stop.signal.aborted) process.exit(130);
    console.error(sentenceOf(error));
    process.exit(1);
  }
}

await main(process.argv.slice(2));
