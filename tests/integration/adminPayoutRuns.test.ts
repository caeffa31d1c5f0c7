/** Guards: operators see what each run has sent and when the next one comes, and can start, stop and repeat without harm. */

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createPayoutRunsClient } from '../../src/providers/runsClient.ts';
import { ensureSchedules } from '../../src/worker/schedules.ts';
import { type CallOptions, type Door, openDoor } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type Engine, type ProviderOf, startEngine } from '../support/engine.ts';
import { eventually } from '../support/sandbox.ts';

const HOUR = 3_600_000;

interface Run {
  readonly id: string;
  readonly trigger: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly dispatched: number;
  readonly completed: number;
  readonly failed: number;
  readonly amount: Record<string, string>;
}
interface Runs {
  readonly data: readonly Run[];
  readonly nextCursor: string | null;
  readonly paused: boolean;
  readonly nextRunAt: string | null;
}

let engine: Engine;
let door: Door;
let admins: Admins;
let provider: ProviderOf;
const toStop: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  const payoutRuns = createPayoutRunsClient(engine.client);
  door = await openDoor({ db: engine.db, payouts: engine.payouts, payoutRuns });
  admins = await everyRole(door);
  toStop.push(await engine.startWorker(), await engine.startProviderPsp(), await engine.startRuns());
  await engine.trustProviders();
});

beforeEach(async () => {
  provider = await engine.provider('50000');
});

afterAll(async () => {
  for (const stop of toStop.reverse()) await stop();
  await door?.stop();
  await engine?.stop();
});

/** As the worker of an installation with this setting does when it starts. */
const startWithInterval = (payoutRunIntervalMs: number) =>
  ensureSchedules(engine.client, { payoutRunIntervalMs }, pino({ level: 'silent' }), new AbortController().signal);

const asOperator = <Body>(method: string, path: string, options: CallOptions = {}) =>
  door.call<Body>(method, `/api/admin${path}`, { key: admins.operator.key, ...options });

const audit = async (target: string): Promise<string[]> => {
  const url = `/api/admin/audit?target=${target}`;
  const { body } = await door.call<{ data: { action: string; adminId: string; data: { outcome?: string } }[] }>('GET', url, {
    key: admins.admin.key,
  });
  return body.data.map(({ action, data }) => [action, data.outcome].filter(Boolean).join(' ')).reverse();
};

test('before any worker has run nobody can say when the next run is, and the answer says so instead of guessing', async () => {
  expect(await asOperator('GET', '/payout-runs')).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
});

test('the next run is at the next full two hours', async () => {
  await startWithInterval(2 * HOUR);
  const { status, body } = await asOperator<Runs>('GET', '/payout-runs');
  expect(status).toBe(200);
  const next = Date.parse(body.nextRunAt ?? '');
  expect(next % (2 * HOUR)).toBe(0);
  expect(next - Date.now()).toBeLessThanOrEqual(2 * HOUR);
  expect(body.paused).toBe(false);

  const { policies, info } = await engine.client.schedule.getHandle('payout-run').describe();
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 600_000 });
  const [first, second] = info.nextActionTimes;
  expect((second?.getTime() ?? 0) - (first?.getTime() ?? 0)).toBe(2 * HOUR);
});

test('a schedule of an earlier version, whose workflow no worker knows any more, is gone with the first new worker', async () => {
  const action = { type: 'startWorkflow', workflowType: 'handOnMessages', taskQueue: 'payouts' } as const;
  await engine.client.schedule.create({
    scheduleId: 'hand-on-messages',
    spec: { intervals: [{ every: '1m' }] },
    action,
    state: { paused: true },
  });
  await startWithInterval(2 * HOUR);
  const left: string[] = [];
  for await (const { scheduleId } of engine.client.schedule.list()) left.push(scheduleId);
  expect(left).not.toContain('hand-on-messages');
  await startWithInterval(2 * HOUR); // and the next one finds none
});

test('another interval in the configuration is taken over by the next worker, and an operator’s pause outlives it', async () => {
  await startWithInterval(2 * HOUR);
  expect(await asOperator('POST', '/payout-runs/pause')).toMatchObject({ status: 200, body: { paused: true, nextRunAt: null } });
  await startWithInterval(3 * HOUR);
  expect((await asOperator<Runs>('GET', '/payout-runs')).body).toMatchObject({ paused: true, nextRunAt: null });

  const resumed = await asOperator<Runs>('POST', '/payout-runs/resume');
  expect(resumed.body.paused).toBe(false);
  expect(Date.parse(resumed.body.nextRunAt ?? '') % (3 * HOUR)).toBe(0);
  expect(await audit('payout-run')).toEqual(['payout_run.pause', 'payout_run.resume']);
});

test('a run by the clock leaves its record, as one started by an admin does', async () => {
  await startWithInterval(2 * HOUR);
  const { id } = await engine.payProvider(provider, '0001');
  await engine.client.schedule.getHandle('payout-run').trigger();
  const { runId } = await engine.until(id, 'SUCCEEDED');
  const { body } = await asOperator<Run>('GET', `/payout-runs/${runId}`);
  expect(body).toMatchObject({ trigger: 'schedule', dispatched: 1, completed: 1 });
  expect(Math.abs(Date.parse(body.startedAt) - Date.now())).toBeLessThan(60_000);
});

test('a run at once answers with its id, and then tells what became of its payouts', async () => {
  const paid = [await engine.payProvider(provider, '0001'), await engine.payProvider(provider, '0001', { amountMinor: '250' })];
  const failed = await engine.payProvider(provider, '0003');
  const headers = { 'x-idempotency-key': 'run-once' };
  const started = await asOperator<Run>('POST', '/payout-runs', { headers });
  expect(started.status).toBe(202);
  expect(started.body).toMatchObject({ trigger: 'admin', finishedAt: null });

  for (const { id } of paid) await engine.until(id, 'SUCCEEDED');
  await engine.until(failed.id, 'FAILED');
  const path = `/payout-runs/${started.body.id}`;
  const { body: run } = await eventually(
    () => asOperator<Run>('GET', path),
    ({ body }) => body.finishedAt !== null,
  );
  expect(run).toMatchObject({ dispatched: 3, completed: 2, failed: 1, amount: { PKR: '22.50' } });

  const again = await asOperator<Run>('POST', '/payout-runs', { headers });
  expect([again.status, again.body.id]).toEqual([202, run.id]);
  expect(await audit(run.id)).toEqual(['payout_run.start']);
});

test('the list shows the newest first, page by page', async () => {
  const ids: string[] = [];
  for (let left = 3; left > 0; left -= 1) ids.push((await asOperator<Run>('POST', '/payout-runs')).body.id);
  const first = await asOperator<Runs>('GET', '/payout-runs?limit=2');
  const second = await asOperator<Runs>('GET', `/payout-runs?limit=2&cursor=${first.body.nextCursor}`);
  const seen = [...first.body.data, ...second.body.data].map(({ id }) => id);
  expect(seen.slice(0, 3)).toEqual(ids.reverse());
});

test('a viewer sees the runs and may not steer them', async () => {
  const { key } = admins.viewer;
  expect((await asOperator('GET', '/payout-runs', { key })).status).toBe(200);
  for (const path of ['/payout-runs', '/payout-runs/pause', '/payout-runs/resume']) {
    expect((await asOperator('POST', path, { key })).status).toBe(403);
  }
});

test('what is not there or not well said is told, not done', async () => {
  expect((await asOperator('GET', '/payout-runs/run_unknown')).status).toBe(404);
  expect((await asOperator('GET', '/payout-runs?limit=0')).status).toBe(400);
  expect((await asOperator('POST', '/payout-runs', { body: { at: 'once' } })).status).toBe(400);
});

test('an operator tries a failed payout again: at once, once a round, and written down with the name', async () => {
  const { id } = await engine.payProvider(provider, '0003');
  await asOperator('POST', '/payout-runs');
  await engine.until(id, 'FAILED');

  expect((await asOperator('POST', `/payouts/${id}/retry`, { key: admins.viewer.key })).status).toBe(403);
  const headers = { 'x-idempotency-key': 'retry-once' };
  const retried = await asOperator('POST', `/payouts/${id}/retry`, { headers });
  expect(retried).toMatchObject({ status: 202, body: { id } });
  expect((await asOperator('POST', `/payouts/${id}/retry`, { headers })).status).toBe(202);
  await eventually(
    () => engine.transfers(id),
    (transfers) => transfers.length === 2,
  );
  expect(await engine.until(id, 'FAILED')).toMatchObject({ round: 2, attempt: 2 });
  expect(await audit(id)).toEqual(['request.refused', 'payout.retry done']);
  const { rows } = await engine.db.pool.query('SELECT actor FROM events WHERE subject_id = $1 AND op_key = $2', [
    id,
    'reinitiated:2',
  ]);
  expect(rows).toEqual([{ actor: `admin:${admins.operator.id}` }]);
});

test('a payout that has not failed is not tried again', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  expect(await asOperator('POST', `/payouts/${id}/retry`)).toMatchObject({ status: 409, body: { code: 'not_reinitiable' } });
  expect(await audit(id)).toEqual(['payout.retry not_reinitiable']);
  expect((await asOperator('POST', '/payouts/po_unknown/retry')).status).toBe(404);
});
