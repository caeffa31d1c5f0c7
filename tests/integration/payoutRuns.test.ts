/** Guards: a run sends every approved provider payout, each once, and none that somebody has stopped. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, type ProviderOf, startEngine } from '../support/engine.ts';

let engine: Engine;
let provider: ProviderOf;
const toStop: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  toStop.push(await engine.startWorker(), await engine.startProviderPsp(), await engine.startRuns(1));
  await engine.trustProviders();
});

beforeEach(async () => {
  provider = await engine.provider('100000');
});

afterAll(async () => {
  for (const stop of toStop.reverse()) await stop();
  await engine?.stop();
});

const read = async (id: string): Promise<PayoutRecord> => {
  const payout = await engine.ledger.read(id);
  if (!payout) throw new Error(`no payout ${id}`);
  return payout;
};

/** All that was said to the payout's workflow until now is done: a query is answered after it. */
const settled = async (id: string) => await engine.client.workflow.getHandle(`payout/${id}`).query('state');

test('an approved payout waits for the run, and is then sent once, though two runs come at once', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  expect(await read(id)).toMatchObject({ state: 'QUEUED', dispatch: 'run', runId: null });
  expect(await engine.transfers(id)).toEqual([]);

  const [first, second] = await Promise.all([engine.run(), engine.run()]);
  const paid = await engine.until(id, 'SUCCEEDED');
  expect([first.runId, second.runId]).toContain(paid.runId);
  expect(await engine.transfers(id)).toMatchObject([{ status: 'paid', requests: 1 }]);
});

test('a payout that is handed over again and again, as by a run that was killed and repeated, is sent once', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  const approved = await read(id);
  await Promise.all(Array.from({ length: 10 }, (_, n) => engine.payouts.dispatch(approved, `run_${n % 3}`)));
  await engine.until(id, 'SUCCEEDED');
  await engine.payouts.dispatch(approved, 'run_late');
  await settled(id);
  expect(await engine.transfers(id)).toMatchObject([{ status: 'paid', requests: 1 }]);
});

test('a payout cancelled between its approval and the run is never sent, and its earnings are free again', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  const approved = await read(id);
  await engine.command(id, { type: 'cancelled', by: provider.providerId });
  await engine.run();
  await engine.payouts.dispatch(approved, 'run_that_read_it_before'); // it read its page before the cancellation
  await settled(id);
  expect(await read(id)).toMatchObject({ state: 'CANCELLED', runId: null });
  expect(await engine.transfers(id)).toEqual([]);
});

test('a payout held between its approval and the run is not sent until it is released and the next run comes', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  const approved = await read(id);
  await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'check the payee' });
  await engine.run();
  await engine.payouts.dispatch(approved, 'run_that_read_it_before');
  await settled(id);
  await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' });
  expect(await read(id)).toMatchObject({ state: 'QUEUED', runId: null });
  expect(await engine.transfers(id)).toEqual([]);

  const { runId } = await engine.run();
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ runId });
});

test('a payout held after a run handed it over, before it was sent, is sent when released, without another run', async () => {
  await engine.fault({ kind: 'rate_limit', match: { reference: 'po_' }, times: 1, params: { seconds: 2 } });
  const { id } = await engine.payProvider(provider, '0001');
  const { runId } = await engine.run();
  await engine.until(id, 'SUBMITTING', 'QUEUED');
  await until(async () => (await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'wait' })).outcome === 'done');
  await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ runId });
  expect(await engine.transfers(id)).toMatchObject([{ status: 'paid' }]);
});

test('what is approved after a run began waits for the next', async () => {
  const runId = newId('run');
  const sql = `INSERT INTO payout_runs (id, trigger, started_at) VALUES ($1, 'admin', now() - interval '1 minute')`;
  await engine.db.owner.query(sql, [runId]);
  const { id } = await engine.payProvider(provider, '0001');
  await engine.run(runId);
  expect(await read(id)).toMatchObject({ state: 'QUEUED', runId: null });
  await engine.run();
  await engine.until(id, 'SUCCEEDED');
});

test('a payout whose workflow was lost is taken up by the run that sends it', async () => {
  const { id } = await engine.payProvider(provider, '0001');
  await engine.client.workflow.getHandle(`payout/${id}`).terminate('as if it was lost');
  await engine.run();
  await engine.until(id, 'SUCCEEDED');
  expect(await engine.transfers(id)).toMatchObject([{ status: 'paid', requests: 1 }]);
});

test('a run of more pages than one workflow walks goes on in the next, and sends all of them once', async () => {
  const count = 53; // pages of one payout here, and a workflow walks fifty
  const payouts: PayoutRecord[] = [];
  for (let left = count; left > 0; left -= 1) payouts.push(await engine.payProvider(provider, '0001', { amountMinor: '10' }));
  const { runId } = await engine.run();
  const { raw } = await engine.client.workflow.getHandle(`payout-run/${runId}`).describe();
  expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(raw.workflowExecutionInfo?.execution?.runId);
  for (const { id } of payouts) {
    await engine.until(id, 'SUCCEEDED');
    expect(await engine.transfers(id)).toMatchObject([{ requests: 1 }]);
  }
});

test('after the last of four failed attempts an operator is wanted, who sends it again at once, without a run', async () => {
  const { id } = await engine.payProvider(provider, '0004');
  await engine.run();
  for (const attempt of [1, 2, 3, 4]) {
    await until(async () => (await read(id)).attempt === attempt);
    await engine.until(id, 'PSP_QUEUED');
    await engine.force(id, 'failed', { attempt, reason: 'bank_unavailable' });
    await engine.payouts.notice(id, 1, { messageId: `pm_${attempt}`, attempt, claim: 'failed' });
  }
  const failed = await engine.until(id, 'FAILED');
  expect(failed).toMatchObject({ needsOperator: true, attempt: 4, failure: { code: 'bank_unavailable' } });
  expect(await engine.transfers(id)).toHaveLength(4);

  const opening = { type: 'reinitiate', payoutId: id, round: 2, by: 'adm_1', byAdmin: true, requestId: 'r1' } as const;
  await engine.payouts.accept({ ...failed, payoutId: id }, opening);
  await engine.until(id, 'PSP_QUEUED');
  expect(await read(id)).toMatchObject({ round: 2, attempt: 5, needsOperator: false });
  const { rows } = await engine.db.pool.query(`SELECT actor FROM events WHERE subject_id = $1 AND op_key = 'reinitiated:2'`, [
    id,
  ]);
  expect(rows).toEqual([{ actor: 'admin:adm_1' }]);
});

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let left = 400; left > 0; left -= 1) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('never');
}
