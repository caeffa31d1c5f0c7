/** What runs by the clock. Every worker makes sure of it when it starts; the first one makes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from 'pino';
import { PAYOUTS_QUEUE } from '../domain/queues.ts';

const REMOVE_EXPIRED_KEYS = 'remove-expired-idempotency-keys';

const TRY_AGAIN_MS = 10_000;

/** Tries until it is done or stopped: no payout depends on it. A schedule that is there is left as an operator may have set it. */
export async function ensureSchedules(client: Client, log: Logger, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    try {
      await createSchedule(client);
      return;
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) return;
      log.warn({ err: error }, 'the schedule that removes expired idempotency keys could not be made; trying again');
      await sleep(TRY_AGAIN_MS, undefined, { signal: stopped }).catch(() => undefined);
    }
  }
}

async function createSchedule(client: Client): Promise<void> {
  await client.withDeadline(Date.now() + TRY_AGAIN_MS, () =>
    client.schedule.create({
      scheduleId: REMOVE_EXPIRED_KEYS,
      spec: { intervals: [{ every: '1h' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'removeExpiredKeys',
        workflowId: REMOVE_EXPIRED_KEYS,
        taskQueue: PAYOUTS_QUEUE,
      },
      // What was missed while nothing ran need not be caught up: the next run removes it all.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10m' },
    }),
  );
}
