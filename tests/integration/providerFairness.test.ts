/** Guards: a platform whose one provider asks for one payout does not wait behind another platform's hundreds. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/domain/newId.ts';
import type { PayoutRecord } from '../../src/domain/payout/contract.ts';
import { type Engine, type ProviderOf, startEngine } from '../support/engine.ts';

const QUEUED = 200;
/** How many of them may be finished before the single one: some seconds' worth, where first come, first served would finish all. */
const BEFORE_IT = 50;
const STARTING_AT_ONCE = 10;
/** As an installation has them: with 200 queued the last one’s turn comes after twenty seconds. */
const LIMITS = { maxConcurrentActivityTaskExecutions: 5, maxTaskQueueActivitiesPerSecond: 10 };

let engine: Engine;
let large: ProviderOf;
let small: ProviderOf;
const toStop: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  toStop.push(await engine.startWorker(), await engine.startProviderPsp(LIMITS), await engine.startRuns());
  await engine.trustProviders();
  const other = newId('mer');
  await engine.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Other', 'unused')`, [other]);
  await engine.ledger.fund({ merchantId: other, mode: 'test', currency: 'PKR', amountMinor: '2000', externalId: 'start' });
  large = await engine.provider('100000');
  small = await engine.provider('2000', other);
}, 60_000);

afterAll(async () => {
  for (const stop of toStop.reverse()) await stop();
  await engine?.stop();
});

/** A busy machine may answer `pending`: the payout is there all the same. */
async function ask(provider: ProviderOf, amountMinor: string): Promise<string> {
  const payoutId = newId('po');
  await engine.payProvider(provider, '0001', { payoutId, amountMinor }).catch((error: Error) => {
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
    [id, large.merchantId],
  );
  return rows[0]?.before ?? 0;
}

test('with 200 payouts of one platform approved, the single one of another is soon paid, in the same run and in a later one', async () => {
  let left = QUEUED;
  await Promise.all(
    Array.from({ length: STARTING_AT_ONCE }, async () => {
      while (left > 0) {
        left -= 1;
        await ask(large, '100');
      }
    }),
  );
  const inTheSameRun = await ask(small, '1000');
  await engine.run();
  const first = await engine.until(inTheSameRun, 'SUCCEEDED');
  expect(await finishedBefore(first)).toBeLessThan(BEFORE_IT);

  const afterwards = await ask(small, '1000');
  const asked = await paidOf(large);
  await engine.run();
  const second = await engine.until(afterwards, 'SUCCEEDED');
  expect((await finishedBefore(second)) - asked).toBeLessThan(BEFORE_IT);
  expect(await paidOf(large)).toBeLessThan(QUEUED); // else nobody had to wait
}, 300_000);

async function paidOf({ merchantId }: ProviderOf): Promise<number> {
  const sql = `SELECT count(*)::int AS paid FROM payouts WHERE merchant_id = $1 AND state = 'SUCCEEDED'`;
  return (await engine.db.pool.query<{ paid: number }>(sql, [merchantId])).rows[0]?.paid ?? 0;
}
