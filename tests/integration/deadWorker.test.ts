/** A payout whose worker or workflow is gone: what was written down is told to the merchant all the same. */

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { cancelled } from '@temporalio/activity';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { SubmitAnswer, SubmitInput } from '../../activities/payouts/psp.ts';
import { arrivals, type Receiver, startReceiver } from '../../harness/receiver.ts';
import { newWebhookSecret } from '../../src/crypto/newSecret.ts';
import { sealed } from '../support/encryption.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { startRelay } from '../support/relay.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let receiver: Receiver;
let stopWorker: (() => Promise<void>) | undefined;
let stopRelay: (() => Promise<void>) | undefined;
/** The worker stands still with a payout in its hands, and does not die. */
let frozen = false;

beforeAll(async () => {
  [engine, receiver] = await Promise.all([startEngine(), startReceiver()]);
  await engine.db.owner.query('UPDATE merchants SET webhook_secret = $1', [sealed(newWebhookSecret())]);

  /** Does all of it, and Temporal never hears of it. */
  async function submit(input: SubmitInput): Promise<SubmitAnswer> {
    await engine.activities.submit(input);
    if (frozen) await cancelled();
    throw new Error('the worker is gone');
  }

  stopWorker = await engine.startWorker({ activities: { ...engine.activities, submit } });
});

afterEach(async () => {
  await stopRelay?.();
  receiver.received.length = 0;
});
afterAll(async () => {
  await stopWorker?.();
  await engine.stop();
  await receiver.close();
});

/** Once a relay is there, which is nobody's but the rows'. */
async function told(): Promise<string[]> {
  stopRelay = startRelay(engine.db.pool);
  return (await arrivals(receiver, 3)).map(({ body }) => (JSON.parse(body) as { type: string }).type);
}

const STORY = ['payout.created', 'payout.processing', 'payout.succeeded'];

test('a merchant hears of the payment that a worker wrote down just before it died', async () => {
  const { id } = await engine.pay('0001', { callbackUrl: receiver.url });
  await engine.until(id, 'SUCCEEDED');
  expect(await told()).toEqual(STORY);
  await engine.client.workflow.getHandle(`payout/${id}`).result();
  expect(await engine.transfers(id)).toHaveLength(1);
});

test('a merchant hears of the payment whose workflow was ended by hand before it had heard of it itself', async () => {
  frozen = true;
  const { id } = await engine.pay('0001', { callbackUrl: receiver.url });
  await engine.until(id, 'SUCCEEDED');
  await engine.client.workflow.getHandle(`payout/${id}`).terminate('a wrong click');
  expect(await told()).toEqual(STORY);
});
