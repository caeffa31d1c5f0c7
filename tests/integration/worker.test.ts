/** Guards: a worker finds its work whatever starts first, says how it is, and takes nothing with it when it ends. */

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { freePort } from '../../harness/freePorts.ts';
import { arrivals, startReceiver } from '../../harness/receiver.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { temporalCli } from '../../src/local/temporalBinary.ts';
import { spawnTemporal, untilTemporalIsHealthy } from '../../src/local/temporalServer.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRequest } from '../../src/payouts/rules/contract.ts';
import { startSandbox } from '../../src/psp/sandbox/server.ts';
import { newId } from '../../src/rules/newId.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { type RunningWorker, startWorker } from '../../src/worker/main.ts';
import { emptyDatabase } from '../support/database.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';
import { openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

let world: WebhookWorld;
let config: Config;
let temporal: ChildProcess;
const folder = mkdtempSync(join(tmpdir(), 'oncepay-worker-'));
const toClose: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await openWebhookWorld();
  const book = await emptyDatabase();
  const sandbox = await startSandbox({
    databaseUrl: book.url,
    port: 0,
    apiKey: 'sandbox-local-key',
    callbackUrl: 'http://127.0.0.1:9/',
    webhookSecret: 'sandbox-local-secret',
  });
  toClose.push(async () => {
    await sandbox.close();
    await book.stop();
  });
  config = loadConfig({
    DATABASE_URL: world.books.db.appUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
    WORKER_PORT: String(await freePort()),
    ENCRYPTION_KEYS,
    SANDBOX_URL: sandbox.url,
    WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
    LOG_LEVEL: 'silent',
  });
});

afterAll(async () => {
  for (const close of toClose.reverse()) await close();
  temporal?.kill('SIGKILL');
  await world?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function startTemporal(): Promise<void> {
  const [, port = ''] = config.temporalAddress.split(':');
  const options = {
    cli: await temporalCli(),
    databaseFile: join(folder, 'temporal.db'),
    port: Number.parseInt(port, 10),
    uiPort: await freePort(),
    codecEndpoint: 'http://127.0.0.1:9/',
    log: openSync(join(folder, 'temporal.log'), 'a'),
  };
  temporal = spawnTemporal(options);
  await untilTemporalIsHealthy(options, () => temporal.exitCode !== null);
}

const health = async (port: number) => {
  const answer = await fetch(`http://127.0.0.1:${port}/health`);
  return { status: answer.status, body: (await answer.json()) as unknown };
};
const beats = async () => (await world.books.db.owner.query('SELECT id FROM worker_beats')).rows.length;

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let left = 300; left > 0; left -= 1) {
    if (await isTrue()) return;
    await sleep(50);
  }
  throw new Error(`never: ${what}`);
}

test('a worker that is there before its Temporal server waits, then pays and tells the merchant', async () => {
  const starting: Promise<RunningWorker> = startWorker(config);
  await until('its door is open', () =>
    health(config.workerPort).then(
      () => true,
      () => false,
    ),
  );
  expect(await health(config.workerPort)).toMatchObject({
    status: 503,
    body: { status: 'degraded', checks: { worker: 'failing', temporal: 'failing' } },
  });
  expect(await beats()).toBe(0);

  await startTemporal();
  const worker = await starting;
  toClose.push(() => worker.close());
  expect(await health(worker.port)).toEqual({
    status: 200,
    body: { status: 'ok', checks: { worker: 'ok', temporal: 'ok', database: 'ok', slots: 'ok' } },
  });
  await until('it beats', async () => (await beats()) === 1);

  const owner = await world.merchant();
  const receiver = await startReceiver();
  toClose.push(() => receiver.close());
  const { secret } = await world.endpoint(owner, receiver.url);
  const link = connectTemporal(config);
  toClose.push(() => link.close());
  const request = payoutOf(owner.merchantId);
  const payouts = createPayoutsClient(link.client, { times: config.times, allowSignalDecisions: false });
  expect(await payouts.accept({ ...request, kind: 'merchant' }, { type: 'new', request })).toMatchObject({
    kind: 'answered',
    accepted: { outcome: 'accepted' },
  });

  const received = await arrivals(receiver, 3);
  const types = received.map(({ body, headers }) => (new Webhook(secret).verify(body, headers) as { type: string }).type);
  expect(types).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);

  const schedule = await link.client.schedule.getHandle('cut-back').describe();
  expect(schedule.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 600_000 });

  const metrics = await (await fetch(`http://127.0.0.1:${worker.port}/metrics`)).text();
  expect(metrics).toContain('process_cpu_user_seconds_total');
  expect(metrics).toContain('temporal_workflow_task_queue_poll_succeed_total');
  const tries = async () =>
    (await (await fetch(`http://127.0.0.1:${worker.port}/metrics`)).text()).match(/^oncepay_webhook_tries_total.*$/gm);
  await until('the last try is counted', async () => `${await tries()}`.includes('{state="delivered"} 3'));
  expect(await tries()).toEqual([
    'oncepay_webhook_tries_total{state="delivered"} 3',
    'oncepay_webhook_tries_total{state="pending"} 0',
    'oncepay_webhook_tries_total{state="failed"} 0',
  ]);

  await worker.close();
  expect(await beats()).toBe(0);
  await expect(fetch(`http://127.0.0.1:${worker.port}/health`)).rejects.toThrow();
});

test('the hourly run removes expired idempotency keys and nothing else', async () => {
  const worker = await startWorker({ ...config, workerPort: 0 });
  toClose.push(() => worker.close());
  const insert = `INSERT INTO idempotency_keys (owner_kind, owner_id, mode, key, route, fingerprint, resource_id, lease_until, lease_holder, expires_at)
                  SELECT 'merchant', 'mer_1', 'test', $1 || n, '/', repeat('0', 64), 'po_' || n, now() + $2::interval, 'me', now() + $3::interval FROM generate_series(1, $4) n`;
  const sql = world.books.db.owner;
  await sql.query(insert, ['expired-', '-1 day', '-1 hour', 2_500]);
  await sql.query(insert, ['alive-', '-1 hour', '1 hour', 3]);
  await sql.query(insert, ['in-hand-', '1 minute', '-1 second', 2]);
  await sql.query(`INSERT INTO worker_beats (id, seen_at) VALUES ('killed', now() - interval '2 days')`);

  const link = connectTemporal(config);
  toClose.push(() => link.close());
  await link.client.schedule.getHandle('cut-back').trigger();
  await until('they are gone', async () => (await sql.query('SELECT count(*)::int AS n FROM idempotency_keys')).rows[0]?.n === 5);
  await until(
    'the killed worker is forgotten',
    async () => (await sql.query(`SELECT FROM worker_beats WHERE id = 'killed'`)).rowCount === 0,
  );
  await worker.close();
});

test('the hourly check of the books tells in the metrics what is wrong, and that it was done', async () => {
  const worker = await startWorker({ ...config, workerPort: 0 });
  toClose.push(() => worker.close());
  const metrics = async () => await (await fetch(`http://127.0.0.1:${worker.port}/metrics`)).text();
  expect(await metrics()).not.toMatch(/^oncepay_books_checked_timestamp_seconds \d/m);
  const owner = await world.merchant();
  const sql = world.books.db.owner;
  const change = (amount: number) =>
    sql.query('UPDATE balances SET available = available + $1 WHERE merchant_id = $2', [amount, owner.merchantId]);

  const link = connectTemporal(config);
  toClose.push(() => link.close());
  const check = link.client.schedule.getHandle('check-books');
  await change(1);
  await until('the schedule is there', async () =>
    check.trigger().then(
      () => true,
      () => false,
    ),
  );
  const wrong = /^oncepay_invariant_violations\{name="balances_equal_entries"\} 1$/m;
  await until('the broken rule is in the metrics', async () => wrong.test(await metrics()));
  expect(await metrics()).toMatch(/^oncepay_books_checked_timestamp_seconds \d/m);

  await change(-1);
  await until('the next check finds the books in order', async () => {
    await check.trigger();
    return /^oncepay_invariant_violations\{name="balances_equal_entries"\} 0$/m.test(await metrics());
  });
  await worker.close();
});

test('a database that is away ends no worker', async () => {
  const away = { ...config, workerPort: 0, databaseUrl: 'postgresql://nobody@127.0.0.1:9/nothing' };
  const worker = await startWorker(away, () => {
    throw new Error('it ended');
  });
  toClose.push(() => worker.close());
  expect(await health(worker.port)).toEqual({
    status: 503,
    body: { status: 'degraded', checks: { worker: 'ok', temporal: 'ok', database: 'failing', slots: 'ok' } },
  });
  await worker.close();
});

test('a worker whose namespace does not exist ends with a reason, and leaves nothing open', async () => {
  const port = await freePort();
  await expect(startWorker({ ...config, workerPort: port, temporalNamespace: 'nowhere' })).rejects.toThrow('nowhere');
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
});

function payoutOf(merchantId: string): PayoutRequest {
  const payoutId = newId('po');
  return {
    payoutId,
    merchantId,
    mode: 'test',
    currency: 'PKR',
    amountMinor: '10000',
    reference: payoutId,
    description: null,
    metadata: {},
    callbackUrl: null,
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', iban: null, accountTitle: 'Ayesha Khan' },
    psp: 'sandbox',
    makerId: null,
    terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: null },
  };
}
