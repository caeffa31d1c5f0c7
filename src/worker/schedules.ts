/** What runs by the clock. Every worker makes sure of it when it starts; the first one makes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Logger } from 'pino';
import {
  checkBooks,
  cutBack,
  letGoPaused,
  lookAfterGames,
  lookAfterInstantPayouts,
  lookAfterMarkets,
  takeUpOpenPayouts,
} from '../../workflows/maintenance.ts';
import { payoutRun } from '../../workflows/providers/payoutRun.ts';
import type { Config } from '../config.ts';
import { PAYOUT_RUN_SCHEDULE } from '../providers/rules/payoutRun.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';

interface Scheduled {
  readonly scheduleId: string;
  readonly workflow: Workflow;
  readonly everyMs: number;
  /** Past the full period, so that they do not meet. */
  readonly offsetMs: number;
  /** Its period is a setting: one that is there takes over ours. Of all else, a schedule is left as an operator may have set it. */
  readonly isConfigured: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const housekeeping = (scheduleId: string, workflow: Workflow, everyMs: number, offsetMs: number): Scheduled => ({
  scheduleId,
  workflow,
  everyMs,
  offsetMs,
  isConfigured: false,
});

/** Each of their workflows takes no arguments: see STARTED_WITHOUT_ARGUMENTS. */
export const schedulesOf = ({ payoutRunIntervalMs: everyMs }: Pick<Config, 'payoutRunIntervalMs'>): readonly Scheduled[] => [
  housekeeping('cut-back', cutBack, HOUR, 0),
  housekeeping('take-up-open-payouts', takeUpOpenPayouts, 10 * MINUTE, 5 * MINUTE),
  housekeeping('look-after-games', lookAfterGames, MINUTE, 0), // winners wait for it, where the word to their settlement was lost
  housekeeping('look-after-markets', lookAfterMarkets, MINUTE, MINUTE / 2), // so do those of markets
  housekeeping('let-go-paused', letGoPaused, MINUTE, MINUTE / 2), // a pause may end by the clock, and the word of its end be lost
  housekeeping('look-after-instant-payouts', lookAfterInstantPayouts, MINUTE, 20_000),
  housekeeping('check-books', checkBooks, HOUR, 30 * MINUTE),
  { scheduleId: PAYOUT_RUN_SCHEDULE, workflow: payoutRun, everyMs, offsetMs: 0, isConfigured: true },
];

/** Of earlier versions: what they start is no workflow any more. */
const RETIRED = ['remove-expired-idempotency-keys', 'hand-on-messages'] as const;

const TRY_AGAIN_MS = 10_000;

/** Tries until it is done or stopped: no payout depends on its being done at once. */
export async function ensureSchedules(
  client: Client,
  config: Pick<Config, 'payoutRunIntervalMs'>,
  log: Logger,
  stopped: AbortSignal,
): Promise<void> {
  for (const each of schedulesOf(config)) {
    await untilDone(client, each.scheduleId, () => createOrAdjust(client, each), log, stopped);
  }
  for (const scheduleId of RETIRED) await untilDone(client, scheduleId, () => removeSchedule(client, scheduleId), log, stopped);
}

async function untilDone(
  client: Client,
  scheduleId: string,
  work: () => Promise<void>,
  log: Logger,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    try {
      await client.withDeadline(Date.now() + TRY_AGAIN_MS, work);
      return;
    } catch (error) {
      log.warn({ err: error, schedule: scheduleId }, 'a schedule could not be made or removed; trying again');
      await sleep(TRY_AGAIN_MS, undefined, { signal: stopped }).catch(() => undefined);
    }
  }
}

async function removeSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

async function createOrAdjust(client: Client, scheduled: Scheduled): Promise<void> {
  try {
    await createSchedule(client, scheduled);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    if (scheduled.isConfigured) await adjustPeriod(client, scheduled);
  }
}

async function createSchedule(client: Client, { scheduleId, workflow, everyMs, offsetMs }: Scheduled): Promise<void> {
  await client.schedule.create({
    scheduleId,
    spec: { intervals: [{ every: everyMs, offset: offsetMs }] },
    // No arguments: the server adds the time to the id, and what is encrypted for a workflow needs its id.
    action: { type: 'startWorkflow', workflowType: workflow, workflowId: scheduleId, taskQueue: PAYOUTS_QUEUE },
    // What was missed while nothing ran need not be caught up: the next run does it all.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10m' },
  });
}

/** Only where it differs: an update that changes nothing would still undo a pause of the same moment. */
async function adjustPeriod(client: Client, { scheduleId, everyMs, offsetMs }: Scheduled): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId);
  const { spec } = await handle.describe();
  const [interval] = spec.intervals ?? [];
  if (interval?.every === everyMs && interval.offset === offsetMs) return;
  await handle.update((seen) => ({ ...seen, spec: { intervals: [{ every: everyMs, offset: offsetMs }] } }));
}
