/** What time does to a payout, with the long waits of an installation: Temporal's clock skips, all else is real. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PayoutTimes } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, startEngine } from '../support/engine.ts';

const HOUR = 3_600_000;
const TIMES: PayoutTimes = {
  reviewWindowMs: 72 * HOUR,
  retryWaitMs: 30_000,
  retryWaitMaxMs: 900_000,
  firstLookUpMs: 30_000,
  lookUpMaxMs: 900_000,
  notFoundGraceMs: 0, // measured by the database's clock, which does not skip
  outcomeDeadlineMs: 24 * HOUR,
};
const review = { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } };

let engine: Engine;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine({ times: TIMES, timeSkipping: true });
  stopWorker = await engine.startWorker();
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

/** In steps: an activity that runs does not stop the test server's clock, so one long leap would pass over its retries. */
async function pass(hours: number): Promise<void> {
  for (let step = 0; step < hours * 6; step += 1) {
    await engine.env.sleep(HOUR / 6);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

const hoursSince = async (start: number) => ((await engine.env.currentTimeMs()) - start) / HOUR;

test('a payout that nobody decides on is rejected when the review window ends, not before, and the money is back', async () => {
  const { id } = await engine.pay('0001', review);
  await engine.env.sleep(71 * HOUR);
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'IN_REVIEW' });
  await engine.env.sleep(2 * HOUR);
  expect(await engine.until(id, 'REJECTED')).toMatchObject({ failure: { code: 'review_expired' } });
});

test('a decision on the last day still counts', async () => {
  const { id } = await engine.pay('0001', review);
  await engine.env.sleep(71 * HOUR);
  await engine.command(id, { type: 'approved', adminId: 'adm_1', note: null });
  await engine.env.sleep(2 * HOUR);
  await engine.until(id, 'SUCCEEDED');
});

test('a retry waits its half minute of Temporal time, then pays', async () => {
  const start = await engine.env.currentTimeMs();
  const { id } = await engine.pay('0002');
  await engine.until(id, 'RETRY_WAIT');
  await engine.env.sleep(31_000);
  await engine.until(id, 'SUCCEEDED');
  expect(await hoursSince(start)).toBeLessThan(1);
});

test('look-ups go on at growing intervals until the PSP answers again, well within the deadline', async () => {
  const payoutId = newId('po');
  await engine.fault({ kind: 'cut_after', match: { reference: payoutId }, times: 1 });
  const { id } = await engine.pay('1111', { payoutId });
  await engine.fault({ kind: 'down', match: { reference: payoutId }, times: 4 });
  await engine.until(id, 'UNKNOWN', 'SUCCEEDED');
  await pass(2);
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
});

test('a PSP that is silent for a day hands the payout to an operator after that day, not before', async () => {
  const payoutId = newId('po');
  await engine.fault({ kind: 'down', match: { reference: payoutId } });
  const { id } = await engine.pay('1111', { payoutId });
  await engine.until(id, 'UNKNOWN');
  await pass(23);
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNKNOWN', needsOperator: false });
  await pass(2);
  await engine.until(id, 'UNRESOLVED');
}); // a hundred and fifty steps
