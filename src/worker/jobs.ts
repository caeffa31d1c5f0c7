/** How many activities this worker has done, by queue. Look-ups that found nothing new count as failed: they are done again. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

export interface JobCount {
  readonly done: number;
  readonly failed: number;
}

export interface JobCounts {
  /** For the worker of this queue. */
  countingFor(taskQueue: string): ActivityInterceptorsFactory;
  /** What was counted since it was last asked. */
  take(): ReadonlyMap<string, JobCount>;
  /** What this queue has counted since the worker began. */
  total(taskQueue: string): JobCount;
}

const NONE: JobCount = { done: 0, failed: 0 };

export function countJobs(): JobCounts {
  const totals = new Map<string, JobCount>();
  let taken = new Map<string, JobCount>();
  const total = (taskQueue: string): JobCount => totals.get(taskQueue) ?? NONE;

  function count(taskQueue: string, { done, failed }: JobCount): void {
    const before = total(taskQueue);
    totals.set(taskQueue, { done: before.done + done, failed: before.failed + failed });
  }

  return {
    countingFor: (taskQueue) => () => ({
      inbound: {
        async execute(input, next) {
          try {
            const result = await next(input);
            count(taskQueue, { done: 1, failed: 0 });
            return result;
          } catch (error) {
            count(taskQueue, { done: 0, failed: 1 });
            throw error;
          }
        },
      },
    }),
    take() {
      const since = [...totals].map(([queue, { done, failed }]) => {
        const before = taken.get(queue) ?? NONE;
        return [queue, { done: done - before.done, failed: failed - before.failed }] as const;
      });
      taken = new Map(totals);
      return new Map(since);
    },
    total,
  };
}
