/** A worker that dies with a payout in its hands: what it had written down is told to the merchant all the same. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { SubmitAnswer, SubmitInput } from '../../activities/payouts/psp.ts';
import { createWebhookActivities } from '../../activities/webhooks/webhooks.ts';
import { arrivals, type Receiver, startReceiver } from '../../harness/receiver.ts';
import { newWebhookSecret } from '../../src/crypto/newSecret.ts';
import { encryptSecret } from '../../src/crypto/secretBox.ts';
import { WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS, keys } from '../support/encryption.ts';
import { type Engine, startEngine } from '../support/engine.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let receiver: Receiver;
const closings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [engine, receiver] = await Promise.all([startEngine(), startReceiver()]);
  const { db, env } = engine;
  await db.owner.query('UPDATE merchants SET webhook_secret = $1', [encryptSecret(keys, newWebhookSecret())]);

  /** Does all of it, and dies before Temporal hears of it; when the first webhooks are out, so that no delivery is under way. */
  async function submit(input: SubmitInput): Promise<SubmitAnswer> {
    await arrivals(receiver, 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await engine.activities.submit(input);
    throw new Error('the worker is gone');
  }

  const activities = { ...engine.activities, submit };
  const webhooks = createWebhookActivities({
    pool: db.pool,
    keys,
    timeoutMs: 2_000,
    allowLoopbackTest: true,
    stayMs: 0,
  });
  const delivering = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: WEBHOOKS_QUEUE,
    activities: webhooks,
    ...workerSettings(ENCRYPTION_KEYS),
    shutdownGraceTime: '100ms',
  });
  const running = delivering.run();
  closings.push(await engine.startWorker({ activities }), async () => {
    delivering.shutdown();
    await running;
  });
}, 120_000);

afterAll(async () => {
  for (const close of closings.reverse()) await close();
  await engine.stop();
  await receiver.close();
});

test('a merchant hears of the payment that a worker wrote down just before it died', async () => {
  const { id } = await engine.pay('0001', { callbackUrl: receiver.url });
  await engine.until(id, 'SUCCEEDED');
  const types = (await arrivals(receiver, 3)).map(({ body }) => (JSON.parse(body) as { type: string }).type);
  expect(types).toEqual(['payout.created', 'payout.processing', 'payout.succeeded']);
  await engine.client.workflow.getHandle(`payout/${id}`).result();
  expect(await engine.transfers(id)).toHaveLength(1);
});
