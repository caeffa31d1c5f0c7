/** Every five minutes one line that says how this worker does: its connections, its slots, its jobs, and what waits for it. */

import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto'; // CommonJS without named exports that Node could see
import type { Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { JobCounts } from './jobs.ts';

/** Often enough to see a trend in a day's log, rare enough not to be noise. */
const EVERY_MS = 5 * 60_000;
/** For one question about a queue's depth: a server that is there answers at once. */
const ASK_MS = 5_000;

const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;

export interface Watched {
  readonly client: Client;
  readonly workers: readonly Worker[];
  readonly pools: Readonly<Record<string, Pool>>;
  readonly jobs: JobCounts;
}

export interface WorkerSight {
  /** Of each pool: open ones, those in use, and callers that wait for one. */
  readonly connections: Readonly<Record<string, { open: number; inUse: number; waiting: number; most: number }>>;
  readonly queues: Readonly<Record<string, QueueSight>>;
}

interface QueueSight {
  /** Slots in use. */
  readonly workflowTasks: number;
  readonly activities: number;
  readonly localActivities: number;
  /** Activities since the last line. */
  readonly done: number;
  readonly failed: number;
  /** Tasks in the server that no worker has taken; null where Temporal did not say. */
  readonly backlog: number | null;
}

/** @returns what ends it. */
export function startWatch(watched: Watched, log: Logger, everyMs = EVERY_MS): () => void {
  const timer = setInterval(() => {
    look(watched).then(
      (sight) => log.info(sight, 'how this worker does'),
      (error: unknown) => log.warn({ err: error }, 'how this worker does could not be found out'),
    );
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

export async function look({ client, workers, pools, jobs }: Watched): Promise<WorkerSight> {
  const counts = jobs.take();
  const queues = await Promise.all(
    workers.map(async (worker) => {
      const { taskQueue } = worker.options;
      const status = worker.getStatus();
      const sight: QueueSight = {
        workflowTasks: status.numInFlightWorkflowActivations,
        activities: status.numInFlightNonLocalActivities,
        localActivities: status.numInFlightLocalActivities,
        ...(counts.get(taskQueue) ?? { done: 0, failed: 0 }),
        backlog: await backlog(client, taskQueue).catch(() => null),
      };
      return [taskQueue, sight] as const;
    }),
  );
  return {
    connections: Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, connectionsOf(pool)])),
    queues: Object.fromEntries(queues),
  };
}

function connectionsOf({ totalCount, idleCount, waitingCount, options }: Pool) {
  return { open: totalCount, inUse: totalCount - idleCount, waiting: waitingCount, most: options.max };
}

/** Of workflow tasks and activities together, but for those on workers' own sticky queues, which wait for seconds at most. */
async function backlog(client: Client, name: string): Promise<number> {
  const { namespace } = client.options;
  const depths = await Promise.all(
    [TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY].map(async (taskQueueType) => {
      const question = { namespace, taskQueue: { name }, taskQueueType, reportStats: true };
      const answer = await client.withDeadline(Date.now() + ASK_MS, () => client.workflowService.describeTaskQueue(question));
      return Number.parseInt(String(answer.stats?.approximateBacklogCount ?? 0), 10);
    }),
  );
  return depths.reduce((sum, depth) => sum + depth, 0);
}
