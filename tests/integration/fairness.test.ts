/** Guards: a merchant who sends one payout does not wait behind another merchant's hundreds. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fundBalance } from '../../src/ledger/postings.ts';
import type { PayoutRequest } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, startEngine } from '../support/engine.ts';

const QUEUED = 500;
/** How many of them may be finished before the single one: far below what first come, first served would give. */
const BEFORE_IT = 100;
const STARTING_AT_ONCE = 10;

let engine: Engine;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

/** A busy machine may answer `pending`: the payout is there all the same. */
async function ask(change: Partial<PayoutRequest>): Promise<void> {
  await engine.pay('0001', { amountMinor: '100', ...change }).catch((error: Error) => {
    if (!error.message.includes('pending')) throw error;
  });
}

async function untilTaken(merchantId: string, count: number): Promise<void> {
  const taken = async () =>
    (await engine.db.pool.query('SELECT FROM payouts WHERE merchant_id = $1', [merchantId])).rowCount ?? 0;
  while ((await taken()) < count) await new Promise((resolve) => setTimeout(resolve, 100));
}

test('with 500 payouts of one merchant queued before a slow PSP, the single payout of another is soon done', async () => {
  const other = newId('mer');
  await engine.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Other', 'unused')`, [other]);
  await fundBalance(engine.db.pool, {
    merchantId: other,
    mode: 'test',
    currency: 'PKR',
    amountMinor: '100',
    externalId: 'start',
  });
  // Takes payouts in but sends none: what they wait for is the queue before the PSP.
  const stopTakingIn = await engine.startWorker({ enableNonLocalActivities: false });
  let left = QUEUED;
  await Promise.all(
    Array.from({ length: STARTING_AT_ONCE }, async () => {
      while (left > 0) {
        left -= 1;
        await ask({});
      }
    }),
  );
  await untilTaken(engine.merchantId, QUEUED);
  const payoutId = newId('po');
  await ask({ payoutId, merchantId: other });
  await untilTaken(other, 1);

  await stopTakingIn();
  stopWorker = await engine.startWorker({ maxConcurrentActivityTaskExecutions: 5 });
  await engine.until(payoutId, 'SUCCEEDED');

  const { rows } = await engine.db.pool.query<{ before: number }>(
    `SELECT count(*)::int AS before FROM payouts many JOIN payouts single ON single.id = $1
      WHERE many.merchant_id = $2 AND many.completed_at <= single.completed_at`,
    [payoutId, engine.merchantId],
  );
  expect(rows[0]?.before).toBeLessThan(BEFORE_IT);
});
