/** Guards: an event that was not taken at once is tried again over three days, on the schedule of api.md, then given up. */
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { arrivals, type Receiver, say, startReceiver } from '../../harness/receiver.ts';
import { temporalTestServer } from '../../src/local/temporalBinary.ts';
import { deliveryWorkflowId } from '../../src/rules/ids.ts';
import { PAYOUTS_QUEUE, WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { retryNowSignal, type WebhookDeliveryInput, type WebhookDeliveryResult } from '../../src/webhooks/rules/delivery.ts';
import { eventually } from '../support/payouts.ts';
import { openWebhookWorld, type WebhookWorld } from '../support/webhookWorld.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** api.md §3, after the first. */
const WAITS = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

let world: WebhookWorld;
let env: TestWorkflowEnvironment;
let stopWorkers: () => Promise<void>;
const receivers: Receiver[] = [];

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  world = await openWebhookWorld();
  env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await temporalTestServer() } },
  });
  stopWorkers = await startWorkers();
}, 60_000);
afterEach(async () => {
  for (const each of receivers.splice(0)) await each.close();
});
afterAll(async () => {
  await stopWorkers?.();
  await env?.teardown();
  await world?.stop();
});

async function startWorkers(): Promise<() => Promise<void>> {
  const connection = env.nativeConnection;
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const workers = [
    await Worker.create({ connection, taskQueue: PAYOUTS_QUEUE, workflowBundle }),
    await Worker.create({ connection, taskQueue: WEBHOOKS_QUEUE, activities: world.activities, shutdownGraceTime: '100ms' }),
  ];
  const running = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  };
}

/** A payout's one event, refused once already, and its delivery. */
async function refusedOnce(
  status = 500,
  headers: Record<string, string> = {},
): Promise<{ server: Receiver; payoutId: string; deliveryId: string }> {
  const server = await startReceiver(say(status, '', headers));
  receivers.push(server);
  const owner = await world.merchant();
  const payoutId = await world.books.payout(owner, { callbackUrl: server.url });
  const { undelivered } = await world.deliver(payoutId);
  return { server, payoutId, deliveryId: undelivered[0] ?? '' };
}

const start = (input: WebhookDeliveryInput, suffix = '') =>
  env.client.workflow.start<(input: WebhookDeliveryInput) => Promise<WebhookDeliveryResult>>('webhookDelivery', {
    workflowId: deliveryWorkflowId(input.deliveryId) + suffix,
    taskQueue: PAYOUTS_QUEUE,
    args: [input],
  });

/** How long each timer of a workflow was set for. */
async function timersOf(workflowId: string): Promise<number[]> {
  const { events } = await env.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) => {
    const timeout = timer?.startToFireTimeout;
    return timeout ? [Number(timeout.seconds ?? 0) * 1_000 + (timeout.nanos ?? 0) / 1e6] : [];
  });
}

/** A signal that comes before the first wait is not what these tests are about. */
const untilItWaits = (workflowId: string) => eventually(async () => expect(await timersOf(workflowId)).toHaveLength(1));

test('a receiver that is down for good is tried ten times in all over three days, then the delivery has failed', async () => {
  const { server, payoutId, deliveryId } = await refusedOnce();

  const handle = await start({ deliveryId, tried: 1 });
  expect(await handle.result()).toEqual({ delivered: false });

  expect(server.received).toHaveLength(10);
  expect(new Set(server.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(await timersOf(handle.workflowId)).toEqual(WAITS);
  expect(await world.deliveries(payoutId)).toMatchObject([{ state: 'failed', attempts: 10 }]);
});

test('a receiver that comes back gets the event with the next try, and that is the last', async () => {
  const { server, payoutId, deliveryId } = await refusedOnce();
  server.answer = (...call) => (server.received.length < 4 ? say(503) : say(200))(...call);

  const handle = await start({ deliveryId, tried: 1 });
  expect(await handle.result()).toEqual({ delivered: true });

  expect(await timersOf(handle.workflowId)).toEqual(WAITS.slice(0, 3));
  expect(await world.deliveries(payoutId)).toMatchObject([{ state: 'delivered', attempts: 4 }]);
});

test('Retry-After puts a try off, but at most to twice the wait', async () => {
  const { server, deliveryId } = await refusedOnce(429, { 'retry-after': '400' });
  server.answer = (...call) => (server.received.length < 4 ? say(429, '', { 'retry-after': '400' }) : say(200))(...call);

  const handle = await start({ deliveryId, tried: 1 });
  await handle.result();

  // 5 s: what was asked for with the first try is not known here; then 400 s instead of 300; then 30 minutes, which is longer anyway.
  expect(await timersOf(handle.workflowId)).toEqual([5_000, 400_000, 30 * MINUTE]);

  const { server: greedy, deliveryId: put } = await refusedOnce();
  greedy.answer = (...call) => (greedy.received.length < 3 ? say(503, '', { 'retry-after': '86400' }) : say(200))(...call);
  const second = await start({ deliveryId: put, tried: 1 });
  await second.result();
  expect(await timersOf(second.workflowId)).toEqual([5_000, 10 * MINUTE]);
});

test('an operator may have a try at once', async () => {
  const { server, deliveryId } = await refusedOnce();
  server.answer = say(204);

  const handle = await start({ deliveryId, tried: 3 }); // waits for half an hour
  await untilItWaits(handle.workflowId);
  await handle.signal(retryNowSignal);
  await arrivals(server, 2);

  expect(await handle.result()).toEqual({ delivered: true });
  expect(await timersOf(handle.workflowId)).toEqual([30 * MINUTE]);
});

test('a try that was asked for and came to nothing uses up none of the schedule', async () => {
  const { server, deliveryId } = await refusedOnce();

  const handle = await start({ deliveryId, tried: 8 });
  await untilItWaits(handle.workflowId);
  await handle.signal(retryNowSignal);
  await arrivals(server, 2);
  await handle.result();

  expect(server.received).toHaveLength(4); // the first, the one asked for, and the ninth and tenth of the schedule
  const [whole, rest = 0, last] = await timersOf(handle.workflowId);
  expect([whole, last]).toEqual([20 * HOUR, 24 * HOUR]);
  expect(rest).toBeLessThanOrEqual(20 * HOUR);
});

test('410 ends it at once', async () => {
  const { server, deliveryId } = await refusedOnce();
  server.answer = say(410);

  expect(await (await start({ deliveryId, tried: 1 })).result()).toEqual({ delivered: false });
  expect(server.received).toHaveLength(2);
});

test('a resend is one try, of what was delivered too', async () => {
  const { server, payoutId, deliveryId } = await refusedOnce();

  expect(await (await start({ deliveryId, tried: 1, trigger: 'resend' }, '/resend-2')).result()).toEqual({ delivered: false });
  expect(await world.deliveries(payoutId)).toMatchObject([{ state: 'pending', attempts: 2 }]);

  server.answer = say(200);
  expect(await (await start({ deliveryId, tried: 2, trigger: 'resend' }, '/resend-3')).result()).toEqual({ delivered: true });
  expect(await (await start({ deliveryId, tried: 3, trigger: 'resend' }, '/resend-4')).result()).toEqual({ delivered: true });
  expect(server.received).toHaveLength(4);
  expect((await world.attempts(deliveryId)).map(({ trigger }) => trigger)).toEqual(['auto', 'resend', 'resend', 'resend']);
});

test('a delivery that somebody else brought meanwhile is not sent again', async () => {
  const { server, deliveryId } = await refusedOnce();
  server.answer = say(200);
  await world.attempt(deliveryId);

  expect(await (await start({ deliveryId, tried: 1 })).result()).toEqual({ delivered: true });
  expect(server.received).toHaveLength(2);
});
