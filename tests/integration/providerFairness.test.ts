/** Guards: a platform whose one provider asks for one payout does not wait behind another platform's thousands. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLedgerActivities } from '../../activities/payouts/ledger.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { reserveRequest } from '../support/books.ts';
import { type Engine, type ProviderOf, startEngine } from '../support/engine.ts';

const QUEUED = 800;
const PROVIDERS = 20;
/** How many of them may be finished before the single one: some seconds' worth, where first come, first served would finish all. */
const BEFORE_IT = 50;
/** As an installation has them: with so many queued the last one’s turn comes after more than a minute. */
const LIMITS = { maxConcurrentActivityTaskExecutions: 5, maxTaskQueueActivitiesPerSecond: 10 };

let engine: Engine;
let small: ProviderOf;
const toStop: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  toStop.push(await engine.startWorker(), await engine.startProviderPsp(LIMITS), await engine.startRuns());
  await engine.trustProviders();
  const other = newId('mer');
  await engine.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Other', 'unused')`, [other]);
  await fundBalance(engine.db.pool, {
    merchantId: other,
    mode: 'test',
    currency: 'PKR',
    amountMinor: '2000',
    externalId: 'start',
  });
  small = await engine.provider('2000', other);
});

afterAll(async () => {
  for (const stop of toStop.reverse()) await stop();
  await engine?.stop();
});

/** The large platform's: approved, and without a workflow, which the run starts. */
async function queueMany(): Promise<void> {
  const { reserve } = createLedgerActivities({ ledger: engine.ledger, pool: engine.db.pool });
  await Promise.all(
    Array.from({ length: PROVIDERS }, async () => {
      const provider = await engine.provider('10000');
      for (let left = QUEUED / PROVIDERS; left > 0; left -= 1) {
        const options = { amount: 100n, dispatch: 'run', maxAttempts: 4 } as const;
        expect(await reserve(reserveRequest({ ...provider, mode: 'test' }, options))).toMatchObject({ outcome: 'reserved' });
      }
    }),
  );
}

/** A busy machine may answer `pending`: the payout is there all the same. */
async function askForOne(): Promise<string> {
  const payoutId = newId('po');
  await engine.payProvider(small, '0001', { payoutId, amountMinor: '1000' }).catch((error: Error) => {
    if (!error.message.includes('pending')) throw error;
  });
  await engine.until(payoutId, 'QUEUED');
  return payoutId;
}

/** How many of the large platform's payouts were finished before this one. */
async function finishedBefore({ id }: PayoutRecord): Promise<number> {
  const { rows } = await engine.db.pool.query<{ before: number }>(
    `SELECT count(*)::int AS before FROM payouts many JOIN payouts single ON single.id = $1
      WHERE many.merchant_id = $2 AND many.completed_at <= single.completed_at`,
    [id, engine.merchantId],
  );
  return rows[0]?.before ?? 0;
}

test('with hundreds of payouts of one platform approved, the single one of another is soon paid, in the same run and in a later one', async () => {
  await queueMany();
  const inTheSameRun = await askForOne();
  const run = engine.run();
  const first = await engine.until(inTheSameRun, 'SUCCEEDED');
  expect(await finishedBefore(first)).toBeLessThan(BEFORE_IT);
  await run;

  const afterwards = await askForOne();
  const asked = await paid();
  await engine.run();
  const second = await engine.until(afterwards, 'SUCCEEDED');
  expect((await finishedBefore(second)) - asked).toBeLessThan(BEFORE_IT);
  expect(await paid()).toBeLessThan(QUEUED); // else nobody had to wait
}, 900_000); // a minute and a half alone on two cores; beside another test file on a busy machine several times that

/** How many of the large platform's. */
async function paid(): Promise<number> {
  const sql = `SELECT count(*)::int AS paid FROM payouts WHERE merchant_id = $1 AND state = 'SUCCEEDED'`;
  return (await engine.db.pool.query<{ paid: number }>(sql, [engine.merchantId])).rows[0]?.paid ?? 0;
}
