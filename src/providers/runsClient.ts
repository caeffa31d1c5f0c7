/** How the door starts payout runs, and asks when the next one comes. */
import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { payoutRun } from '../../workflows/providers/payoutRun.ts';
import { payoutRunWorkflowId } from '../rules/ids.ts';
import { RPC_TIMEOUT_MS, TemporalUnavailable, unavailableOr } from '../temporal/client.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';
import { PAYOUT_RUN_SCHEDULE } from './rules/payoutRun.ts';

export interface RunsSchedule {
  readonly paused: boolean;
  /** ISO; null while it is paused. */
  readonly nextRunAt: string | null;
}

export interface PayoutRunsClient {
  /** Starts a run at once, besides the schedule's. Started already: nothing happens. */
  start(runId: string): Promise<void>;
  schedule(): Promise<RunsSchedule>;
  /** No run by the clock until it is resumed. `note` is shown in the Temporal UI. */
  pause(note: string): Promise<RunsSchedule>;
  resume(note: string): Promise<RunsSchedule>;
}

export function createPayoutRunsClient(client: Client): PayoutRunsClient {
  const temporal = createWorkflowClient(client);
  const handle = client.schedule.getHandle(PAYOUT_RUN_SCHEDULE);

  async function asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, ask);
    } catch (error) {
      // The first worker makes it; until then nobody knows when the next run is.
      if (error instanceof ScheduleNotFoundError)
        throw new TemporalUnavailable('no worker has made the schedule yet', { cause: error });
      throw unavailableOr(error);
    }
  }

  async function seen(): Promise<RunsSchedule> {
    const { state, info } = await handle.describe();
    return { paused: state.paused, nextRunAt: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null) };
  }

  return {
    async start(runId) {
      await temporal.start(payoutRun, {
        workflowId: payoutRunWorkflowId(runId),
        taskQueue: PAYOUTS_QUEUE,
        args: [{ trigger: 'admin', runId }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
      });
    },
    schedule: () => asked(seen),
    pause: (note) => asked(() => handle.pause(note).then(seen)),
    resume: (note) => asked(() => handle.unpause(note).then(seen)),
  };
}
