/** The two hours of provider payouts, on Temporal's skipping clock. Its test server has no Schedules: a cron of the same period stands in. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PAYOUTS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';

const HOUR = 3_600_000;

let engine: Engine;
const toStop: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine({ times: { ...SHORT_TIMES, reviewWindowMs: 72 * HOUR }, timeSkipping: true });
  toStop.push(await engine.startWorker(), await engine.startProviderPsp(), await engine.startRuns());
  await engine.trustProviders();
  await engine.client.workflow.start('payoutRun', {
    workflowId: 'payout-run',
    taskQueue: PAYOUTS_QUEUE,
    args: [{ trigger: 'schedule' }],
    cronSchedule: '0 */2 * * *',
  });
});

afterAll(async () => {
  for (const stop of toStop.reverse()) await stop();
  await engine?.stop();
});

/** To this long after the last full two hours, or the next ones. */
async function passTo(minutes: number): Promise<void> {
  const period = 2 * HOUR;
  const now = await engine.env.currentTimeMs();
  const wanted = minutes * 60_000;
  await engine.env.sleep((wanted - (now % period) + period) % period);
}

const runs = async () =>
  (await engine.db.pool.query<{ id: string }>('SELECT id FROM payout_runs ORDER BY id')).rows.map(({ id }) => id);

test('what was approved just after a run waits its two hours and goes with the next, what was reviewed meanwhile goes with it', async () => {
  const provider = await engine.provider('5000');
  await passTo(1);
  const before = (await runs()).length;
  const early = await engine.payProvider(provider, '0001');
  const looked = await engine.payProvider(provider, '0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  await passTo(110);
  expect(await engine.ledger.read(early.id)).toMatchObject({ state: 'QUEUED', runId: null });
  await engine.command(looked.id, { type: 'approved', adminId: 'adm_1', note: null });
  expect((await runs()).length).toBe(before);

  await passTo(2);
  const [first, second] = [await engine.until(early.id, 'SUCCEEDED'), await engine.until(looked.id, 'SUCCEEDED')];
  const now = await runs();
  expect(now).toHaveLength(before + 1);
  expect([first.runId, second.runId]).toEqual([now.at(-1), now.at(-1)]);

  const late = await engine.payProvider(provider, '0001');
  await passTo(119);
  expect(await engine.ledger.read(late.id)).toMatchObject({ state: 'QUEUED' });
  await passTo(2);
  expect((await engine.until(late.id, 'SUCCEEDED')).runId).toBe((await runs()).at(-1));
  expect(await runs()).toHaveLength(before + 2);
});
