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
}

export function countJobs(): JobCounts {
  let counts = new Map<string, { done: number; failed: number }>();

  function countOf(taskQueue: string): { done: number; failed: number } {
    const count = counts.get(taskQueue) ?? { done: 0, failed: 0 };
    counts.set(taskQueue, count);
    return count;
  }

  return {
    countingFor: (taskQueue) => () => ({
      inbound: {
        async execute(input, next) {
          try {
            const result = await next(input);
            countOf(taskQueue).done += 1;
            return result;
          } catch (error) {
            countOf(taskQueue).failed += 1;
            throw error;
          }
        },
      },
    }),
    take() {
      const taken = counts;
      counts = new Map();
      return taken;
    },
  };
}
