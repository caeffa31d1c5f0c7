/** What runs by the clock. Every worker makes sure of it when it starts; the first one makes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from 'pino';
import { PAYOUTS_QUEUE } from '../domain/queues.ts';

interface Scheduled {
  readonly scheduleId: string;
  readonly workflowType: string;
  readonly every: '1h' | '10m';
  /** Past the full period, so that they do not meet. */
  readonly offset: '0m' | '5m' | '30m';
}

const SCHEDULES: readonly Scheduled[] = [
  { scheduleId: 'remove-expired-idempotency-keys', workflowType: 'removeExpiredKeys', every: '1h', offset: '0m' },
  { scheduleId: 'take-up-open-payouts', workflowType: 'takeUpOpenPayouts', every: '10m', offset: '5m' },
  { scheduleId: 'check-books', workflowType: 'checkBooks', every: '1h', offset: '30m' },
];

const TRY_AGAIN_MS = 10_000;

/** Tries until it is done or stopped: no payout depends on it. A schedule that is there is left as an operator may have set it. */
export async function ensureSchedules(client: Client, log: Logger, stopped: AbortSignal): Promise<void> {
  for (const each of SCHEDULES) await ensureSchedule(client, each, log, stopped);
}

async function ensureSchedule(client: Client, scheduled: Scheduled, log: Logger, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    try {
      await createSchedule(client, scheduled);
      return;
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) return;
      log.warn({ err: error, schedule: scheduled.scheduleId }, 'a schedule could not be made; trying again');
      await sleep(TRY_AGAIN_MS, undefined, { signal: stopped }).catch(() => undefined);
    }
  }
}

async function createSchedule(client: Client, { scheduleId, workflowType, every, offset }: Scheduled): Promise<void> {
  await client.withDeadline(Date.now() + TRY_AGAIN_MS, () =>
    client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every, offset }] },
      action: { type: 'startWorkflow', workflowType, workflowId: scheduleId, taskQueue: PAYOUTS_QUEUE },
      // What was missed while nothing ran need not be caught up: the next run does it all.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10m' },
    }),
  );
}
