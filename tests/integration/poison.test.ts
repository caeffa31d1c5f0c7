/** Rows that make a step fail for ever: they wait for an operator, and everybody else goes on. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fundBalance } from '../../src/ledger/postings.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

/** As many as a worker has slots for workflow tasks (WORKFLOW_CONCURRENCY), and more. */
const POISONED = 12;
const ALMOST_FULL = '9223372036854775000'; // a BIGINT ends 807 above

let engine: Engine;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker({ maxConcurrentWorkflowTaskExecutions: 10 });
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

async function merchant(): Promise<string> {
  const merchantId = newId('mer');
  await engine.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Test', 'unused')`, [merchantId]);
  await fundBalance(engine.db.pool, { merchantId, mode: 'test', currency: 'PKR', amountMinor: '1000000', externalId: 'start' });
  return merchantId;
}

test('payouts whose money cannot be written back wait for an operator, and another merchant is paid meanwhile', async () => {
  const poisoned = await merchant();
  const payouts = [];
  for (let n = 0; n < POISONED; n += 1) payouts.push(await engine.pay('0004', { merchantId: poisoned }));
  for (const { id } of payouts) await engine.until(id, 'PSP_QUEUED');
  await engine.db.owner.query(`UPDATE balances SET available = ${ALMOST_FULL} WHERE owner_id = $1`, [poisoned]);
  for (const { id } of payouts) await engine.force(id, 'failed');

  for (const { id } of payouts) {
    await eventually(async () => {
      const payout = await engine.ledger.read(id);
      expect(payout).toMatchObject({ state: 'PSP_QUEUED', needsOperator: true });
    });
  }
  const { id } = await engine.pay('0001', { merchantId: await merchant() });
  await engine.until(id, 'SUCCEEDED');
});

test('a payout that the books can never take in is refused, and nobody works on it for ever', async () => {
  const payoutId = newId('po');
  const refused = await engine.pay('0001', { payoutId, metadata: { note: 'a\u0000b' } }).catch((error: Error) => error);
  expect(String(refused)).toContain('not_bookable');
  await engine.client.workflow.getHandle(`payout/${payoutId}`).result();
  expect(await engine.ledger.read(payoutId)).toBeUndefined();
});
