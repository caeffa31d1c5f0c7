/** Guards: people are told of a payout by workflows of their own, once, for as long as it takes, and the money waits for nobody. */

import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { createNotificationActivities } from '../../activities/notify/notifications.ts';
import { createWebhookActivities } from '../../activities/webhooks/webhooks.ts';
import { temporalTestServer } from '../../src/local/temporalBinary.ts';
import { createMailer } from '../../src/notify/mail.ts';
import { createPusher } from '../../src/notify/push.ts';
import type { NotificationsInput } from '../../src/notify/rules/notifications.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { notificationsWorkflowId } from '../../src/rules/ids.ts';
import { PAYOUTS_QUEUE, WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS, keys } from '../support/encryption.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { type MailServer, startMailServer } from '../support/mailServer.ts';
import { FROM, openNotificationWorld } from '../support/notificationWorld.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let left = 1_200; left > 0 && !(await holds()); left -= 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await holds()).toBe(true);
};

describe('a provider payout', () => {
  let engine: Engine;
  let mail: MailServer;
  const closings: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    [engine, mail] = await Promise.all([startEngine(), startMailServer()]);
    await engine.trustProviders();
    closings.push(() => engine.stop(), await engine.startWorker(), await engine.startProviderPsp(), await startSending());
  }, 120_000);
  afterEach(() => {
    mail.taken.length = 0;
    mail.refusal = undefined;
    mail.hold = undefined;
  });
  afterAll(async () => {
    for (const close of closings.reverse()) await close();
    await mail.close();
  });

  async function startSending(): Promise<() => Promise<void>> {
    const { pool } = engine.db;
    const outside = { timeoutMs: 2_000, allowLoopbackTest: true };
    const mailer = createMailer({ smtpUrl: mail.url, from: FROM, directory: '' });
    const pusher = createPusher({ ...outside, vapid: undefined });
    const worker = await Worker.create({
      connection: engine.env.nativeConnection,
      taskQueue: WEBHOOKS_QUEUE,
      activities: {
        ...createWebhookActivities({ ...outside, pool, keys }),
        ...createNotificationActivities({ pool, keys, mailer, pusher, publicUrl: 'https://pay.example.com' }),
      },
      ...workerSettings(ENCRYPTION_KEYS),
      shutdownGraceTime: '100ms',
    });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  }

  const pay = async (suffix = '0001'): Promise<PayoutRecord> =>
    await engine.payProvider(await engine.provider('1000'), suffix, { dispatch: 'now' });
  const workflowOf = ({ id }: PayoutRecord) => engine.client.workflow.getHandle(`payout/${id}`);
  const notificationOf = async ({ id }: PayoutRecord) => {
    const sql = 'SELECT id, event_id, state, attempts, last_error FROM notifications WHERE subject_id = $1';
    return (await engine.db.owner.query(sql, [id])).rows[0] as
      | { id: string; event_id: string; state: string; attempts: number; last_error: string | null }
      | undefined;
  };
  const isSent = (payout: PayoutRecord) => async () => (await notificationOf(payout))?.state === 'sent';
  const subjects = () => mail.taken.map(({ headers }) => headers.get('subject'));

  test('that is paid tells its provider once, by a workflow of the event’s own', async () => {
    const payout = await pay();
    await engine.until(payout.id, 'SUCCEEDED');
    await until(isSent(payout));
    expect(subjects()).toEqual(['[test] Your payout of 10.00 PKR has been paid']);
    const { event_id: eventId = '' } = (await notificationOf(payout)) ?? {};
    await engine.client.workflow.getHandle(notificationsWorkflowId(eventId)).result();
    await workflowOf(payout).result();
    expect(mail.taken).toHaveLength(1);
  });

  test('that fails for good says why', async () => {
    const payout = await pay('0006');
    await engine.until(payout.id, 'FAILED');
    await until(isSent(payout));
    expect(subjects()).toEqual(['[test] Your payout of 10.00 PKR failed']);
    expect(mail.taken[0]?.text).toMatch(/Why: .+\n\nWhat to do: check the bank and the account number/);
  });

  test('ends while a mail server keeps silent, and the mail is sent when that speaks again', async () => {
    let letGo: () => void = () => undefined;
    mail.hold = new Promise((resolve) => {
      letGo = resolve;
    });
    const payout = await pay();
    await workflowOf(payout).result(); // over, and its money settled
    await until(() => mail.taken.length === 1);
    expect(await notificationOf(payout)).toMatchObject({ state: 'pending', attempts: 1 });
    letGo();
    await until(isSent(payout));
    expect(mail.taken).toHaveLength(1);
  });

  test('tells its provider once the mail server is there again', async () => {
    mail.refusal = { at: 'data', code: 421 };
    const payout = await pay();
    await workflowOf(payout).result();
    await until(
      async () => ((await notificationOf(payout))?.attempts ?? 0) >= 1 && (await notificationOf(payout))?.last_error !== null,
    );
    expect(mail.taken).toHaveLength(0);
    mail.refusal = undefined;
    await until(isSent(payout));
    expect(mail.taken).toHaveLength(1);
    expect((await notificationOf(payout))?.attempts).toBeGreaterThanOrEqual(2);
  });

  test('makes no second mail when the database goes away just as the first was taken', async () => {
    const { owner } = engine.db;
    await owner.query(`
      CREATE FUNCTION be_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
      CREATE TRIGGER away BEFORE UPDATE ON notifications FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION be_away()`);
    const payout = await pay();
    const hasFailed = async () => {
      const { event_id: eventId } = (await notificationOf(payout)) ?? {};
      if (eventId === undefined) return false;
      const described = await engine.client.workflow
        .getHandle(notificationsWorkflowId(eventId))
        .describe()
        .catch(() => undefined);
      return (described?.raw.pendingActivities?.[0]?.attempt ?? 0) >= 3;
    };
    await until(hasFailed); // it was taken, and could not be written down, more than once
    await owner.query('DROP TRIGGER away ON notifications');
    await until(isSent(payout));
    expect(mail.taken).toHaveLength(1);
  });
});

test('a channel that never works is given up after a day, with its last word', async () => {
  const world = await openNotificationWorld();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await temporalTestServer() } },
  });
  const connection = env.nativeConnection;
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const workers = [
    await Worker.create({ connection, taskQueue: PAYOUTS_QUEUE, workflowBundle }),
    await Worker.create({ connection, taskQueue: WEBHOOKS_QUEUE, activities: world.worker({}), shutdownGraceTime: '100ms' }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    world.mail.refusal = { at: 'data', code: 451 };
    const { eventId, of } = await world.paid(await world.provider());
    const handle = await env.client.workflow.start<(input: NotificationsInput) => Promise<void>>('notifications', {
      workflowId: notificationsWorkflowId(eventId),
      taskQueue: PAYOUTS_QUEUE,
      args: [{ eventId }],
    });
    await handle.result();
    const { startTime, closeTime } = await handle.describe();
    const tookHours = ((closeTime?.getTime() ?? 0) - startTime.getTime()) / 3_600_000;
    expect(tookHours).toBeGreaterThan(12);
    expect(tookHours).toBeLessThanOrEqual(24.1);
    expect(await world.read(of('email').id)).toMatchObject({
      state: 'failed',
      attempts: 13,
      last_error: expect.stringContaining('451'),
    });
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
    await env.teardown();
    await world.stop();
  }
}, 120_000);
