/** A worker that cannot run the workflows (an old build, a mistake in a new one): callers are told to ask again, not that we broke. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { bundleSettings } from '../../src/temporal/workerSettings.ts';
import { type Engine, startEngine } from '../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine?.stop());

test('a payout whose workflow tasks fail is unavailable to who asks for something, and goes on with a good worker', async () => {
  const stopGood = await engine.startWorker();
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  await stopGood();

  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/maintenance.ts', import.meta.url)), // without `payout`
    ...bundleSettings,
    logger: new DefaultLogger('ERROR'),
  });
  const stopBroken = await engine.startWorker({ workflowBundle });
  const handle = engine.client.workflow.getHandle(`payout/${id}`);
  await handle.signal('decide', { admin: 'adm_nobody', decision: 'approve' });
  // From the third failure in a row on, Temporal refuses updates at once.
  const failures = async () => Number((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0);
  for (let left = 100; (await failures()) < 3 && left > 0; left -= 1) await sleep(200);
  const cancel = () => engine.command(id, { type: 'cancelled', by: engine.merchantId });
  await expect(cancel()).rejects.toBeInstanceOf(TemporalUnavailable);
  await stopBroken();

  const stop = await engine.startWorker();
  // Temporal waits some seconds before it tries a task again that failed so often.
  let answer: unknown;
  for (let left = 60; left > 0 && (answer === undefined || answer instanceof TemporalUnavailable); left -= 1) {
    answer = await cancel().catch((error: unknown) => error);
    if (answer instanceof TemporalUnavailable) await sleep(500);
  }
  expect(answer).toMatchObject({ outcome: 'done' });
  await stop();
});
